"""How far the law at the end of the forward process is from a log-normal.

Symbols: V   log-variance added up to t = 1, sigma^2 = 0.8^2
         gap log 2, between the log pixels 1 and 2, the ends of the range of the images
         KL  in nats, the same for X and log X
"""

import mpmath
from mpmath import mpf

from spec.checking.numeric import normal_expectation, rounds_to
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2

_SIGMA = "0.8"
_BRIGHT = "0.19"
_PIXELS = 784


def are_the_divergences(printed: tuple[str, str]) -> bool:
    """Whether the KL divergences from the closest log-normal round to these two decimals.

    First: one pixel that is 1 or 2 (19 % bright), against every log-normal. Second: an image of
    784 pixels that is one of two prototypes, different in every pixel, against every log-normal
    with independent pixels. Both are zero when the terminal samples are log-normal.
    """
    with mpmath.workdps(50):
        return rounds_to(_one_pixel(), printed[0]) and rounds_to(_two_prototypes(), printed[1])


def _one_pixel() -> mpf:
    """KL(p_1 | LN(M, V)) with M and V the mean and variance of log X_1: the least over LN."""
    sigma, bright, gap = mpf(_SIGMA), mpf(_BRIGHT), mpmath.log(2)
    parts = ((1 - bright, mpf(0)), (bright, gap))
    mean, variance = bright * gap, sigma**2 + bright * (1 - bright) * gap**2

    def log_ratio(y: mpf) -> mpf:
        density = sum(w * mpmath.npdf(y, centre, sigma) for w, centre in parts)
        return mpmath.log(density / mpmath.npdf(y, mean, mpmath.sqrt(variance)))

    return sum(
        w * normal_expectation(lambda u, at=centre: log_ratio(at + sigma * u))
        for w, centre in parts
    )


def _two_prototypes() -> mpf:
    """KL(p_1 | product of the marginals' closest log-normals), equally likely prototypes.

    The entropy of log X_1 is that of the noise plus I(j; Y), what the image tells about its
    prototype; the cross entropy is that of normal laws with variances V + gap^2 / 4.
    """
    V, gap = mpf(_SIGMA) ** 2, mpmath.log(2)
    return mpf(_PIXELS) / 2 * mpmath.log1p(gap**2 / (4 * V)) - _information()


def _best_correlated() -> mpf:
    """The same against every log-normal: only the direction between the prototypes differs."""
    V, gap = mpf(_SIGMA) ** 2, mpmath.log(2)
    return mpmath.log1p(_PIXELS * gap**2 / (4 * V)) / 2 - _information()


def _information() -> mpf:
    """I(j; Y) = log 2 - E log(1 + e^{-2 R^2 - 2 R u}), R half the distance over sigma."""
    R = mpmath.sqrt(_PIXELS) * mpmath.log(2) / (2 * mpf(_SIGMA))
    two = mpmath.log(2)
    return normal_expectation(lambda u: two - mpmath.log1p(mpmath.exp(-2 * R * (R + u))))


def _third_cumulant() -> mpf:
    """Skewness of log X_1 for the one pixel: zero for every log-normal."""
    bright, gap = mpf(_BRIGHT), mpmath.log(2)
    spread = bright * (1 - bright)
    return spread * (1 - 2 * bright) * gap**3 / (mpf(_SIGMA) ** 2 + spread * gap**2) ** mpf("1.5")


def _figures() -> tuple[Figure, ...]:
    with mpmath.workdps(50):
        return (
            Figure("one pixel, 1 or 2 (19 % bright): KL to the closest log-normal", _one_pixel()),
            Figure("skewness of log X_1 for that pixel (0 if log-normal)", _third_cumulant()),
            Figure("two prototypes, 784 pixels: KL to the closest product", _two_prototypes()),
            Figure("the same, to the closest log-normal of any covariance", _best_correlated()),
            Figure("bits that X_1 tells about its prototype (of 1)", _bits()),
        )


def _bits() -> mpf:
    return _information() / mpmath.log(2)


E21 = Claim(
    id="E21",
    title="terminal samples are log-normal",
    statement=r"$\log X_1=\log X_0+m+\sigma Z$ is normal given $X_0$; unconditionally it is the "
    r"law of the log data blurred by $\mathcal N(m,\sigma^2I)$, and log-normal only if $X_0$ is "
    r"log-normal or constant. With pixels in $[1,2]$ and $\sigma=0.8$: one pixel that is 1 or 2 "
    r"is $2.4\cdot10^{-4}$ nats from the closest log-normal, an image of 784 pixels with two "
    "prototypes 66.7 nats from the closest one with independent pixels.",
    kind=Kind.REFUTED,
    means=Means.QUADRATURE,
    sources=(
        *v1("sec. 4: terminal samples are log-normal", "Fig. 1: noise becomes log-normal"),
        *v2("sec. 3: terminal samples are log-normal"),
    ),
    sheet=("E21",),
    assumptions=(
        "m is the same for each pixel; it shifts all laws alike and cancels",
        "the pixel is bright with probability 0.19",
        "the prototypes are equally likely and differ in every pixel, 1 in one and 2 in the other",
    ),
    depends=("E6", "E6-marginal", "R2", "R23"),
    derivation=r"Among log-normals the one with the mean and variance of $\log X_1$ is closest "
    r"(R23). One pixel: integrate $\log(q/\mathcal N)$ against the two components. Image: "
    r"$\mathrm{KL}=\frac d2\log\big(2\pi e(\sigma^2+\frac{\Delta^2}4)\big)-\mathrm{Ent}(\log "
    r"X_1)$ and $\mathrm{Ent}=\frac d2\log(2\pi e\sigma^2)+I(j;Y)$, so $\mathrm{KL}=\frac "
    r"d2\log\big(1+\frac{\Delta^2}{4\sigma^2}\big)-I(j;Y)$ with $\Delta=\log2$ and "
    r"$I(j;Y)\le\log2$, computed from the projection on the line between the prototypes.",
    proof=Proof(
        are_the_divergences,
        holds=("2.4e-4", "66.7"),
        twins={
            "last digit of the first": ("2.3e-4", "66.7"),
            "last digit of the second": ("2.4e-4", "66.8"),
            "information left out": ("2.4e-4", "67.4"),
        },
        printed={"log-normal, so that both are zero": ("0.0e-4", "0.0")},
    ),
    erratum=Erratum(
        fault=Fault.OVERCLAIMED,
        printed="The samples at the end of the forward process are log-normally distributed.",
        trouble=r"True given $X_0$, not for the samples as a whole: $\log X_1$ is the log data "
        r"plus normal noise, and a sum of independent parts is normal only if both are (Cramér). "
        "For a single pixel the difference is negligible. For whole images it is not: with "
        r"$\sigma=0.8$ and pixels in $[1,2]$ the noise on the line between two very different "
        "images is small against their distance, so $X_1$ still tells which of them it came from. "
        "Counterexample: two prototypes that differ in every pixel. There the error of starting "
        "the reverse process from independent log-normal pixels grows in proportion to the number "
        "of pixels; most of it is the correlation that they miss, and the rest is that one normal "
        "law stands for two.",
        correction=r"Given $X_0$ the samples at the end are log-normal; their marginal law is the "
        r"data law blurred in log space, and close to a log-normal when $\sigma^2$ is large "
        r"against the spread of the log data in every direction, or when the log data are nearly "
        r"normal themselves.",
        figures=_figures,
        remains_open="The sentence is the same in both versions; no formula is attached to it. "
        "Fig. 1 of version 1 says that an image 'eventually becomes log-normally distributed'.",
    ),
)

CLAIMS = (E21,)
