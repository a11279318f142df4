"""Claims about the paper's experiments, tables and notation."""

from spec.paper import authors_code, measures, notation, observations, settings

CLAIMS = (
    *settings.CLAIMS, *measures.CLAIMS, *authors_code.CLAIMS, *observations.CLAIMS,
    *notation.CLAIMS)  # fmt: skip
