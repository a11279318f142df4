"""Places where two readings of the paper give different numbers: sheet E24.

Symbols: l1, l2 logarithms of one pixel in two images of one class, lbar that of their average;
v noise variance.
"""

import mpmath
from mpmath import mpf
from sympy import Expr, Rational, symbols

from spec.checking.algebra import vanishes
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v2

_l1, _l2, _lbar, _v = symbols("l1 l2 lbar v")
Fit = tuple[Expr, Expr]


def is_the_fit_to_noised_averages(fit: Fit) -> bool:
    """Whether `fit` holds the mean and variance of log X_1 when X_0 is the class's average image.

    One class of two images, one pixel: every start is the same average, of logarithm lbar, so
    that only the noise varies. The moments are taken over the images that are noised.
    """
    return _are_the_moments((_lbar, _lbar), fit)


def _are_the_moments(logs: tuple[Expr, ...], fit: Fit) -> bool:
    mean = sum(logs) * Rational(1, len(logs))
    variance = sum((entry - mean) ** 2 for entry in logs) * Rational(1, len(logs)) + _v
    return vanishes((mean - fit[0], variance - fit[1]))


_TO_DATA = ((_l1 + _l2) / 2, (_l1 - _l2) ** 2 / 4 + _v)


def _fit_figures() -> tuple[Figure, ...]:
    """A pixel that is 1 in one image and 2 in the other."""
    with mpmath.workdps(50):
        log_two, noise = mpmath.log(2), mpf("0.64")
        return (
            Figure("mu-hat, fit to noised images", log_two / 2),
            Figure("mu-hat, fit to noised averages", mpmath.log(mpf(3) / 2)),
            Figure("sigma-hat, fit to noised images", mpmath.sqrt(noise + log_two**2 / 4)),
            Figure("sigma-hat, fit to noised averages", mpmath.sqrt(noise)),
        )


FIT = Claim(
    id="E24-fit",
    title="two log-normal fits",
    statement=r"A fit to noised class averages has mean $\log\bar x$ and variance $\sigma^2$ for "
    r"one class and one pixel; the fit to noised images of Section 6.2 has mean $\overline{\log "
    r"x}$, which is smaller, and a variance that is larger by the variance of $\log x$ in the "
    "class.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v2("App. G.2: fit to class averages"),
    sheet=("E24", "E22"),
    assumptions=("one class of two images, one pixel",),
    depends=("E22-jensen", "A6"),
    derivation=r"The noise is independent of the start and adds $\sigma^2$. Over the images $\log "
    "x$ has mean $(l_1+l_2)/2$ and variance $(l_1-l_2)^2/4$; over the averages it is the constant "
    r"$\log\bar x$. With several classes the variance of the class means is added to both.",
    proof=Proof(
        is_the_fit_to_noised_averages,
        holds=(_lbar, _v),
        twins={
            "mean over the images": (_TO_DATA[0], _v),
            "variance over the images": (_lbar, _TO_DATA[1]),
        },
        printed={"the fit of Section 6.2": _TO_DATA},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed='Section 6.2: the fit is to "the terminal samples obtained from the forward '
        'process"; Appendix G.2: the parameters are estimated "from the class-averaged images '
        'that have undergone the forward process".',
        trouble="These are two different laws under one name. The second is brighter and "
        "narrower, by the spread within the classes.",
        correction="Say which fit each result uses. For MNIST and Fashion-MNIST both are computed "
        "by `python -m validation.terminal_mismatch`.",
        figures=_fit_figures,
        remains_open="Table 2, which could decide between them, is lost in the text we have.",
    ),
)

CONDITIONING = Claim(
    id="E24-conditioning",
    title="class conditioning",
    statement='"Class conditioning is applied via conditional normalization layers": what the '
    "network is conditioned on.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v2("sec. 6.1: class conditioning"),
    sheet=("E24",),
    reason="The text allows two readings. In the NCSN code the layers are called conditional on "
    '"class labels", which are the indices of the noise levels; version 1 (Appendix D.1) says in '
    "one breath that conditioning is done through class labels and that the network is modified "
    "to work for N time-steps; and every formula and algorithm calls the network with a state and "
    "a level, never with a label. But the word is used for the "
    "classes of the data in Section 6.2, and a label would explain the start from one class's "
    "average. If labels are used, the generation is not unconditional, as Section 7 calls it.",
)


CLAIMS = (FIT, CONDITIONING)
