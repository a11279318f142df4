"""The settings of the experiments, what follows from them, and what does not fit together: E24.

Symbols: N levels, delta = 1/N, sigma, mu; of the sampler delta_s, L inner steps, chi; ell is
delta_s / delta;  l1, l2 logarithms of one pixel in two images of a class, lbar that of their
average;  v noise variance, or the log-variance of data at a level;  h = sigma^2 delta.
"""

from collections.abc import Mapping, Sequence

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Rational, Symbol, diff, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, v1, v2
from spec.checking.numeric import rounds_to
from spec.checking.symbols import mu, s2
from spec.checking.trace import points
from spec.paper._lost import lost

# Version 1, Sections 6 and D.4.
PRINTED = {
    "N": 1000,
    "L": 3,
    "delta": "0.001",
    "delta_s": "0.0002",
    "sigma": "0.8",
    "chi": "0.995",
}


def follow(derived: Mapping[str, str]) -> bool:
    r"""Version 1 prints [[settings]]. They give the horizon $N\delta=[[horizon]]$, a step the
    log-variance $\sigma^2\delta=[[step]]$, the inner steps of a level [[rho]] of its time, all
    levels of Algorithm 2 the time [[time]], and the last level the noise factor [[last]].

    Sections 6 and D.4 give the numbers. The time of a level is $\delta$, its $L$ inner steps
    traverse $L\delta_s$; Algorithm 2 has one level less than $N$, and the noise factor is
    multiplied by $\chi$ after each. Computed at fifty digits and compared with the decimals.
    """
    with mpmath.workdps(50):
        (at,) = points([PRINTED])
        levels, inner = int(str(at["N"])) - 1, int(str(at["L"]))
        delta, delta_s, sigma, chi = (
            mpf(str(at[n])) for n in ("delta", "delta_s", "sigma", "chi")
        )
        values = {
            "horizon": (levels + 1) * delta,
            "step": sigma**2 * delta,
            "rho": inner * delta_s / delta,
            "time": mpmath.fsum(inner * delta_s for _ in range(levels)),
            "last": mpmath.fprod(chi for _ in range(levels - 1)),
        }
        return derived.keys() == values.keys() and all(
            [rounds_to(values[name], printed) for name, printed in derived.items()]
        )


_DERIVED = {"horizon": "1.0000", "step": "6.400e-4", "rho": "0.6000", "time": "0.5994",
            "last": "6.721e-3"}  # fmt: skip
SETTINGS = Claim(
    "settings",
    "settings of version 1 and what follows from them",
    follow,
    holds=_DERIVED,
    equivalent={**_DERIVED, "horizon": "1.00000", "step": "0.00064000"},
    twins={
        "one inner step": {**_DERIVED, "rho": "0.2000"},
        "the whole time is traversed": {**_DERIVED, "time": "0.9990"},
        "annealed at the first level too": {**_DERIVED, "last": "6.687e-3"},
    },
    values=lambda: {"settings": ", ".join(f"{name} = {value}" for name, value in PRINTED.items())},
    means=Means.POINTS,
    sources=v1("sec. 6: settings", "App. D.4: settings"),
    sheet=("E24",),
)


def removes_the_log_drift(candidate: Expr) -> bool:
    r"""$\mu=[[it]]$ makes the drift of $\log X$ zero, and is the only choice that does.

    Itô's formula with the two derivatives of the logarithm. The drift is the distance of $\mu$
    from that value.
    """
    x = Symbol("x", positive=True)
    first, second = 1 / x, -1 / x**2
    return same(mu * x * first + s2 * x**2 * second / 2, mu - candidate)


DRIFT = Claim(
    "settings-drift",
    "mu = sigma^2 / 2",
    removes_the_log_drift,
    holds=s2 / 2,
    twins={
        "no drift": Integer(0),
        "the drift of eq. 16": Rational(3, 2) * s2,
        "half of it": s2 / 4,
    },
    sources=v1("sec. 6: settings", "App. D.4: settings"),
    sheet=("E24",),
    depends=("A8",),
)


LOST = (
    lost(
        "settings-v2", "settings of version 2", v2("sec. 6: settings"), "E24",
        "Pixel range, number of levels, step size, drift and rate of Section 6 of version 2.",
        "The numbers are lost in the text we have. Nothing in the rest of it forces them; those "
        "of version 1 are in claim settings. That the range is there “to satisfy the positivity "
        "constraint” is right (E24-range).",
    ),
    lost(
        "training-v2", "training of version 2", v2("App. E: training details"), "E24",
        "AdamW; numbers of iterations for each data set; an exponential moving average over the "
        "checkpoints of CIFAR-10.",
        "All numbers are lost in the text we have and nothing forces them; version 1 gives two "
        "numbers of iterations (E24). Neither version gives the learning rate or the batch size.",
    ),
    lost(
        "grid-search", "how the settings were chosen", v2("App. E: grid search"), "E24",
        "Three settings are chosen by a grid search that minimises FID and KID.",
        "The letters, the grid and the number of samples are lost. The procedure is stated "
        "clearly; what the selection does to a score is claim best-of.",
    ),
    lost(
        "E24-conditioning", "class conditioning", v2("sec. 6.1: class conditioning"), "E24",
        "“Class conditioning is applied via conditional normalization layers”: what the network "
        "is conditioned on.",
        "The text allows two readings. In the NCSN code the layers are called conditional on "
        "“class labels”, which are the indices of the noise levels; version 1 (Appendix D.1) says "
        "in one breath that conditioning is done through class labels and that the network is "
        "modified to work for N time-steps; and every formula and algorithm calls the network "
        "with a state and a level, never with a label. But the word is used for the classes of "
        "the data in Section 6.2, and a label would explain the start from one class's average. "
        "If labels are used, the generation is not unconditional, as Section 7 calls it.",
    ),
)  # fmt: skip


def agree_with_each_other(counts: Mapping[str, int]) -> bool:
    """Version 1's two passages can both describe the training on MNIST only if they give one
    number of iterations, such as [[Section 6]] and [[Appendix D.3]].

    Section 6 gives a number for all data sets, Appendix D.3 one for MNIST and another for the
    other two. The numbers that we read are compared.
    """
    return len(set(counts.values())) == 1


E24 = Claim(
    "E24",
    "iterations of the MNIST training",
    agree_with_each_other,
    holds={"Section 6": 300_000, "Appendix D.3": 300_000},
    twins={"off by checkpoints": {"Section 6": 300_000, "Appendix D.3": 305_000}},
    printed={"the two passages": {"Section 6": 200_000, "Appendix D.3": 300_000}},
    means=Means.READING,
    sources=v1("App. D.3: iterations", "sec. 6: settings"),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote="“The model is trained for [[printed:Section 6]] iterations” (Section 6); "
        "[[printed:Appendix D.3]] for MNIST (Appendix D.3).",
        trouble="The two passages of version 1 differ for MNIST.",
        advice="The appendix distinguishes the data sets and is the likelier one; state it once.",
        remains_open="Version 2 distinguishes the data sets too, but its numbers are lost in the "
        "text we have.",
    ),
)


def has_logarithms(ends: Sequence[int]) -> bool:
    r"""The framework needs pixels in a range whose ends have finite logarithms: the range from
    [[low]] to [[high]] has.

    The state stays at zero for ever where $X_0$ is zero, and the target of eq. (20) contains
    $\log X_0$. The ends of the range are inserted.
    """
    found = [mpmath.log(mpf(int(str(at["pixel"])))) for at in points({"pixel": e} for e in ends)]
    return all([mpmath.isfinite(value) and mpmath.im(value) == 0 for value in found])


def _range_figures() -> tuple[Figure, ...]:
    low, high = RANGE.holds
    return (
        Figure(f"log-range of [{low}, {high}]", mpmath.log(mpf(high) / low)),
        Figure("noise deviation in the log at the end", mpf(PRINTED["sigma"])),
    )


RANGE = Claim(
    "E24-range",
    "the pixel range must be positive",
    has_logarithms,
    holds=(1, 2),
    equivalent=[1, 2],
    twins={"centred at 0": (-1, 1), "grey levels": (0, 255)},
    printed={"non-negative dynamic range": (0, 1)},
    shown=lambda ends: {"low": ends[0], "high": ends[1]},
    means=Means.POINTS,
    sources=v1("sec. 6: settings"),
    sheet=("E24",),
    erratum=Erratum(
        Fault.UNDEFINED,
        quote="“Note that the proposed framework requires a non-negative dynamic range of "
        "pixel values” (version 1, Section 6).",
        trouble="Necessary, but not enough: a pixel at zero has no logarithm, no noise ever "
        "reaches it, and its target is undefined. The range that is used is right; version 2 asks "
        "for positivity.",
        advice="Ask for a strictly positive range.",
        figures=_range_figures,
    ),
)


def is_the_mismatch(candidate: Expr) -> bool:
    r"""Sampling with steps of $\ell\delta$ at the levels of the training, $L$ at each, discretises
    the reverse SDE of log-normal data only if $[[it]]$ vanishes.

    To first order in $h$ a step takes the log-variance from $v$ less any multiple of $h$ to $v$
    less $\ell$ more, so that $L$ of them take off $L\ell$ multiples; the law of the next level has
    one multiple less. What a mismatch does to the law is claim E17-limit.
    """
    h, v, c, ell, inner = symbols("h v c ell L", positive=True)
    variance = (1 - ell * h / v) ** 2 * (v - c * h) + ell * h
    taken = -diff(variance, h).subs(h, 0) - c
    return same(variance.subs(h, 0), v) and same(taken * inner - 1, candidate)


_ELL, _INNER = symbols("ell L", positive=True)


def _clock_figures() -> tuple[Figure, ...]:
    ratio = mpf(PRINTED["delta_s"]) / mpf(PRINTED["delta"])
    return (Figure("L delta_s / delta as printed", PRINTED["L"] * ratio),)


CLOCK = Claim(
    "E24-clock",
    "other steps, same levels",
    is_the_mismatch,
    holds=_INNER * _ELL - 1,
    twins={
        "one step a level": _ELL - 1,
        "full steps": _INNER - 1,
        "two levels at once": _INNER * _ELL - 2,
    },
    printed={"any L and any step": Integer(0)},
    names={"ell": r"\ell", "L": "L"},
    sources=v1("App. D.4: settings"),
    sheet=("E24",),
    assumptions=("log-normal data", "the exact score of the level at every inner step"),
    depends=("A13", "E17-limit", "settings"),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote=r"Training with $\delta=10^{-3}$ (Section 6); sampling with "
        r"$\delta=2\cdot10^{-4}$, $L=3$, at the same levels $k$ (Appendix D.4).",
        trouble="One letter has two values, and the steps traverse only a part of a level: the "
        "sampler is not a discretisation of the reverse SDE. That smaller steps worked better, as "
        "the authors report, is an observation about this other process.",
        advice="Let the steps of a level add up to the level, or call the scores at the times "
        "that are really traversed.",
        figures=_clock_figures,
        remains_open="The values of version 2 (its Tables 3 and 4) are lost in the text we have.",
    ),
)

_l1, _l2, _lbar, _v = symbols("l1 l2 lbar v")
_TO_DATA = ((_l1 + _l2) / 2, (_l1 - _l2) ** 2 / 4 + _v)


def is_the_fit_to_noised_averages(fit: tuple[Expr, Expr]) -> bool:
    r"""For one class of two images and one pixel a fit to noised class averages has the mean
    $[[0]]$ and the variance $[[1]]$ of $\log X$; the fit to noised images of Section 6.2 has the
    mean $[[printed:0]]$ and the variance $[[printed:1]]$.

    The noise is independent of the start and adds its variance $v$. Over the averages the start is
    a constant; over the images it has the mean and the variance of their logarithms.
    """
    return _are_the_moments((_lbar, _lbar), fit) and _are_the_moments((_l1, _l2), _TO_DATA)


def _are_the_moments(logs: tuple[Expr, ...], fit: tuple[Expr, Expr]) -> bool:
    mean = sum(logs) * Rational(1, len(logs))
    variance = sum((entry - mean) ** 2 for entry in logs) * Rational(1, len(logs)) + _v
    return vanishes((mean - fit[0], variance - fit[1]))


def _fit_figures() -> tuple[Figure, ...]:
    """A pixel that is 1 in one image and 2 in the other."""
    with mpmath.workdps(50):
        noise, low, high = mpf(PRINTED["sigma"]) ** 2, mpf(1), mpf(2)
        at = {_l1: mpmath.log(low), _l2: mpmath.log(high), _v: noise}
        at[_lbar] = mpmath.log((low + high) / 2)
        fits = {"images": _TO_DATA, "averages": FIT.holds}
        where = f"a pixel that is {int(low)} or {int(high)}, sigma = {PRINTED['sigma']}"
        return tuple(
            Figure(f"{name}, fit to noised {of} ({where})", root(mpf(fit[i].subs(at))))
            for i, name, root in ((0, "mu-hat", mpf), (1, "sigma-hat", mpmath.sqrt))
            for of, fit in fits.items()
        )


FIT = Claim(
    "E24-fit",
    "two log-normal fits",
    is_the_fit_to_noised_averages,
    holds=(_lbar, _v),
    twins={
        "mean over the images": (_TO_DATA[0], _v),
        "variance over the images": (_lbar, _TO_DATA[1]),
    },
    printed={"the fit of Section 6.2": _TO_DATA},
    names={"lbar": r"\log\bar x", "l1": r"\log x_1", "l2": r"\log x_2"},
    sources=v2("App. G.2: fit to class averages"),
    sheet=("E24", "E22"),
    assumptions=("one class of two images, one pixel",),
    depends=("E22-jensen", "A6"),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote="Section 6.2: the fit is to “the terminal samples obtained from the forward "
        "process”; Appendix G.2: the parameters are estimated “from the class-averaged images "
        "that have undergone the forward process”.",
        trouble="These are two different laws under one name. The second is brighter (E22-jensen) "
        "and narrower, by the spread within the classes.",
        advice="Say which fit each result uses. For MNIST and Fashion-MNIST both are computed by "
        "`python -m validation.terminal_mismatch`.",
        figures=_fit_figures,
        remains_open="Table 2, which could decide between them, is lost in the text we have.",
    ),
)

CLAIMS = (SETTINGS, DRIFT, *LOST, E24, RANGE, CLOCK, FIT)
