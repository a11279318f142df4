"""Claims about the paper's experiments, tables and notation."""

from spec.paper import (
    evaluation,
    inconsistencies,
    notation,
    observations,
    readings,
    settings,
    tables,
)

CLAIMS = (
    *settings.CLAIMS,
    *inconsistencies.CLAIMS,
    *readings.CLAIMS,
    *evaluation.CLAIMS,
    *observations.CLAIMS,
    *notation.CLAIMS,
    *tables.CLAIMS,
)
