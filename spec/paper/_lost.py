"""Claims on passages of which the text that we have lost what they say."""

from spec.checking.claim import Claim, Kind, Means, Source


def lost(
    name: str, title: str, sources: tuple[Source, ...], sheet: str, statement: str, reason: str
) -> Claim:
    """What the passage is about, and why nothing gives it back."""
    return Claim(
        name,
        title,
        means=Means.NONE,
        stated_kind=Kind.UNRECOVERABLE,
        sources=sources,
        sheet=(sheet,),
        statement=statement,
        reason=reason,
    )
