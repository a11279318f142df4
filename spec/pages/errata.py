"""ERRATA.md."""


def page() -> str:
    """The text of the page."""
    return ""
