"""A line of a benchmark; imports nothing heavy."""

from typing import NamedTuple

from gbm_fast.settings.sampling import SamplingSettings


class Line(NamedTuple):
    """What a benchmark calls one of its lines, and how it samples."""

    name: str
    settings: SamplingSettings
