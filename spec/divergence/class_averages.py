"""The start from class averages against the law at t = 1, given the class: erratum E22.

Symbols: C1, C2 the class's log means and C11, C12, C22 its log covariances; b1, b2 the logarithm
of its average image; tau = sigma^2; Lg = log det(I + C/tau).
"""

from sympy import Expr, Integer, eye, log, symbols

from spec.checking.algebra import same
from spec.checking.old import Claim, Kind, Means, Pin, Proof, v2
from spec.divergence._plane import law
from spec.divergence.gaussian import kl

_x1, _x2 = symbols("x1 x2", positive=True)
_tau, _Lg = symbols("tau Lg")


def is_the_price_of_the_average(cost: Expr) -> bool:
    """Whether KL(N(M, C + tau I) || N(b, tau I)) = cost: a class against its average image.

    `cost` is in the entries of C, the shift M - b, tau = sigma^2, and the logarithm Lg of
    det(I + C/tau), which is what the two log determinants differ by. Left: the formula for two
    Gaussians. Two pixels, full covariance.
    """
    mean, within, _ = law("C")
    start, _, _ = law("b")
    return same(kl(within + _tau * eye(2), _tau * eye(2), mean - start, _Lg), cost)


def _price(by: Expr) -> Expr:
    mean, within, _ = law("C")
    shift = mean - law("b")[0]
    return (within.trace() / _tau - _Lg + (shift.T * shift)[0] / by) / 2


def _in_numbers(price: Expr) -> Expr:
    """The price with its logarithm written out."""
    return price.subs(_Lg, log((eye(2) + law("C")[1] / _tau).det()))


def is_the_gap(gap: Expr) -> bool:
    """Whether (mean x)^2 / (product x) = 1 + gap, two images, gap manifestly >= 0.

    That is e^{2 [log(mean) - mean(log)]} for a pixel that is x1 in one image, x2 in the other.
    """
    return same(((_x1 + _x2) / 2) ** 2 / (_x1 * _x2), 1 + gap)


CLASS_AVERAGE = Claim(
    id="E22-class-average",
    title="the price of a start from class averages",
    statement=r"Given the class, with within-class log moments $a_c,C_c$ and average image $\bar "
    r"x_c$: $\mathrm{KL}\ge\frac12[\mathrm{tr}\,C_c/\sigma^2-\ln\det(I+C_c/\sigma^2)+"
    r"\lVert\log\bar x_c-a_c\rVert^2/\sigma^2]$, zero only when all images of the class are "
    r"equal.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("sec. 6.2: class-averaged initialization"),
    sheet=("E22",),
    assumptions=("t = 1, constant sigma", "C_c is the covariance within the class, in the log"),
    depends=("gaussian-kl", "R23"),
    derivation=r"Pushed through the forward process, the average image ends at $\mathcal "
    r"N(\log\bar x_c+m,\sigma^2I)$, the class at moments $a_c+m$, $C_c+\sigma^2I$; insert them in "
    r"the formula for two Gaussians, and use R23 for the inequality. With $w_i\ge1$ the "
    r"eigenvalues of $I+C_c/\sigma^2$ the first two terms are $\sum(w_i-1-\ln w_i)\ge0$.",
    proof=Proof(
        is_the_price_of_the_average,
        holds=_price(_tau),
        twins={
            "covariance left out": _price(_tau) - law("C")[1].trace() / _tau / 2,
            "sign of the determinant": _price(_tau) + _Lg,
            "shift not divided by the variance": _price(Integer(1)),
        },
    ),
    pins=(
        Pin(
            "gbm_ref.terminal_mismatch",
            formula=_in_numbers(_price(_tau)),
            twins={"shift not divided by the variance": _in_numbers(_price(Integer(1)))},
            points=(
                {"C1": 0.3, "C2": -0.9, "C11": 0.7, "C12": 0.4, "C22": 1.3, "b1": 0.5, "b2": -0.4}
                | {"tau": 0.64},
                {"C1": -0.7, "C2": 1.25, "C11": 0.1, "C12": -0.05, "C22": 0.5}
                | {"b1": -0.65, "b2": 1.7, "tau": 2.1},
            ),
            variant="class average",
        ),
    ),
)

JENSEN = Claim(
    id="E22-jensen",
    title="an average image is too bright in the log",
    statement=r"$\log\bar x\ge\overline{\log x}$ per pixel; for two images $e^{2(\log\bar "
    r"x-\overline{\log x})}=1+\frac{(x_1-x_2)^2}{4x_1x_2}$, so equal only if the images agree "
    "there.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=v2("sec. 6.2: class-averaged initialization"),
    sheet=("E22",),
    assumptions=("x > 0", "two images; Jensen's inequality for more"),
    derivation=r"$(x_1+x_2)^2-4x_1x_2=(x_1-x_2)^2$; divide by $4x_1x_2$ and take the logarithm. "
    "For any number of images it is Jensen's inequality for the concave logarithm.",
    proof=Proof(
        is_the_gap,
        holds=(_x1 - _x2) ** 2 / (4 * _x1 * _x2),
        twins={
            "no gap": Integer(0),
            "without the factor 1/4": (_x1 - _x2) ** 2 / (_x1 * _x2),
        },
    ),
)

CLAIMS = (CLASS_AVERAGE, JENSEN)
