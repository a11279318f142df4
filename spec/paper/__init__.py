"""Claims about the paper's experiments, tables and notation."""

from spec.paper import measures, notation, observations, settings

CLAIMS = (*settings.CLAIMS, *measures.CLAIMS, *observations.CLAIMS, *notation.CLAIMS)
