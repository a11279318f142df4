"""Why draws are refused: one class a statistic, so that a twin fails for its own reason."""


class LawRejected(AssertionError):
    """The draws do not follow the law."""


class NotFinite(LawRejected):
    """Draws that are NaN or infinite, which no statistic may pass."""


class WrongShape(LawRejected):
    """Another number of draws, or of coordinates, than the check was designed for."""


class MeanRejected(LawRejected):
    """The mean is not that of the law."""


class VarianceRejected(LawRejected):
    """The variance is not that of the law."""


class ShapeRejected(LawRejected):
    """The distribution function is not that of the law."""


class ProjectionRejected(LawRejected):
    """A projection has not the distribution function of the law's."""


class RateRejected(LawRejected):
    """An event is more or less frequent than under the law."""


class CorrelationRejected(LawRejected):
    """Numbers that should be independent are correlated."""
