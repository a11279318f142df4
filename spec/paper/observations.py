"""What the paper says about its pictures, and the part of it that mathematics can decide."""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, sqrt, symbols

from spec.checking.algebra import same
from spec.checking.claim import Claim, Means, v1, v2
from spec.checking.gaussian import expectation
from spec.checking.numeric import rounds_to
from spec.checking.symbols import dt, kappa, mu, s2
from spec.checking.trace import each
from spec.exact import published
from spec.exact._chain import DRAWS
from spec.paper.settings import PRINTED, SETTINGS, lost

_GREY, _INNER = 255, {"in place": int(str(PRINTED["L"])), "as printed": 1}
# What output_variance runs at.
_RUN_AT = {"N": published.LEVELS, "delta_s": published.LENGTH, "sigma": published.SIGMA,
           "chi": published.CHI}  # fmt: skip


def is_the_residue(grey_levels: Mapping[str, str]) -> bool:
    """With version 1's settings, the exact score and data that are one image, a dark pixel ends
    with noise whose deviation is, to first order, [[in place]] grey levels of [[grey]] if the
    inner loop works in place, and [[as printed]] if the loop is run as printed. The paper calls
    its samples “noise-free”.

    The recursion of R10b for a point, at fifty digits, with as many inner steps a level as take
    effect (E3, E3-literal). The pixel has the value one, where a small change of the logarithm is
    that of the value, and a unit has [[grey]] grey levels."""
    settings = all(mpf(value) == mpf(PRINTED[name]) for name, value in _RUN_AT.items())
    steps = zip(_INNER, each("inner steps", list(_INNER.values())), strict=True)
    with mpmath.workdps(50):
        variances = {name: published.output_variance("0", inner) for name, inner in steps}
        found = [rounds_to(_GREY * mpmath.sqrt(variance), grey_levels[name])
                 for name, variance in variances.items()]  # fmt: skip
    return settings and grey_levels.keys() == _INNER.keys() and all(found)


RESIDUE = Claim(
    "noise-free", "noise that the published sampler leaves", is_the_residue,
    holds={"in place": "2.1", "as printed": "44"},
    equivalent={"in place": "2.12", "as printed": "44.5"}, twins={
        "the two exchanged": {"in place": "44", "as printed": "2.1"},
        "no noise at all": {"in place": "0.0", "as printed": "0"},
        "noise-free in both readings": {"in place": "2.1", "as printed": "2"},
    }, values=lambda: {"grey": _GREY}, means=Means.POINTS,
    sources=v1("App. E: samples are noise-free") + v2("App. F: samples"), sheet=("R10b",),
    assumptions=("the start is exact", DRAWS), depends=("R10b", "E3", "E3-literal", "settings"),
    readings=("version 1's settings; those of version 2 are lost",))  # fmt: skip


def is_the_distance(distance: Expr) -> bool:
    r"""With the exact score of well separated training images the last step of A13, $\kappa$ times
    its noise, returns one of them times the exponential of noise: the mean squared log-distance to
    it, for two pixels, is $[[it]]$. A model that has memorised can give “not identical” samples.

    Near one image the empirical score is that of the kernel from it. Inserted in A13 the state
    cancels, whatever it was, and what is left is the noise. With version 1's $\sigma$ and $\delta$
    and no annealing its deviation in a pixel is [[deviation|2]]."""
    state, image, z, root = symbols("y l z r")  # r = sqrt(h)
    score = -1 + (image + (mu - s2 / 2) * dt - state) / (s2 * dt)
    new = state - dt * (mu - 3 * s2 / 2) + dt * s2 * score + kappa * root * z
    square = expectation((new - image) ** 2, z, 0, 1).subs(root**2, s2 * dt)
    return same(square, _deviation(distance) ** 2)


def _deviation(distance: Expr) -> Expr:
    """In a pixel."""
    return sqrt(distance / _PIXELS)


_PIXELS = 2
_AT = {kappa: 1, s2 * dt: Rational(SETTINGS.holds["step"])}
MEMORISATION = Claim(
    "memorisation-floor", "a sampler that has memorised need not return identical images",
    is_the_distance, holds=2 * kappa**2 * s2 * dt, twins={
        "identical": 0 * s2, "one pixel": kappa**2 * s2 * dt,
        "noise factor not squared": 2 * kappa * s2 * dt,
    }, values=lambda: {"deviation": mpf(_deviation(MEMORISATION.holds.subs(_AT)).evalf(30))},
    sources=v1("App. F: nearest neighbours") + v2("App. G.1: memorization"), sheet=("R3",),
    assumptions=("well separated training images, so that one weight is one", "delta_s = delta"),
    depends=("R3", "A13", "settings"))  # fmt: skip

_JUDGED = "A judgement on pictures that we do not have. "
SEEN = lost("samples-seen", "what is seen on the samples",
    sources=v1("App. E: samples are noise-free") + v2("App. F: samples"), sheet=("R10b",),
    statement="The samples are diverse, resemble the training data, some are entirely novel; "
    "those of Fashion-MNIST are less diverse, which “is by no means evidence of mode collapse”.",
    reason=_JUDGED + "On log-normal data annealing alone, over more than one level, leaves less "
    "log-variance than full noise (E18).")  # fmt: skip
NEIGHBOURS = lost(
    "neighbours-seen", "nearest neighbours of the samples",
    sources=v1("App. F: nearest neighbours") + v2("App. G.1: memorization"), sheet=("R3",),
    statement="The nearest training images, by pixels and by InceptionV3 features, are "
    "semantically coherent with the samples but not identical.",
    reason=_JUDGED + "See memorisation-floor for what it can show.")  # fmt: skip
CLAIMS = (RESIDUE, SEEN, MEMORISATION, NEIGHBOURS)
