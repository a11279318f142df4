"""The statistics: each states its error rates in closed form and raises a class of its own.

| statistic | of n independent draws | null law of it | an effect is measured as |
| --- | --- | --- | --- |
| `mean` | normal, variance known | N(0, 1), exact | shift in standard deviations |
| `variance` | normal | chi-square with n - 1 degrees, exact | abs(ratio - 1) |
| `shape` | any law on the line | P(KS > e) <= 2 exp(-2 n e^2) | KS distance |
| `projections` | any law in the plane | the same along 8 directions, Bonferroni | KS distance |
| `rate` | events of probability p | Binomial(n, p), exact | factor on p, either way |
| `correlation` | pairs of centred normals | F with n and n degrees, exact | correlation |

The inequality is Dvoretzky, Kiefer and Wolfowitz's with Massart's constant. For `correlation`,
a + b and a - b of uncorrelated normal a, b of equal variance are independent, so that the ratio of
their sums of squares has the F law; with correlation r it is multiplied by (1 + r) / (1 - r).

`p_value` is exact or an upper bound, a check rejects where it is at most alpha. `miss` is the
chance that draws of another law pass (exact, or an upper bound; NaN where the formula does not
hold), and `smallest` the least effect that is missed with a chance of at most beta.
"""

from tests.statistics.checks.base import Check, Reference  # noqa: F401
from tests.statistics.checks.normal import Correlation, Mean, Variance
from tests.statistics.checks.rate import Rate
from tests.statistics.checks.shape import Projections, Shape

STATISTICS: dict[str, type[Check]] = {
    "mean": Mean,
    "variance": Variance,
    "shape": Shape,
    "projections": Projections,
    "rate": Rate,
    "correlation": Correlation,
}
