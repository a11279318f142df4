"""The settings of the experiments, what follows from them, and what does not fit together: E24."""

from collections.abc import Mapping, Sequence
from functools import partial

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, Matrix, Rational, diff, log, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Kind, Means, v1, v2
from spec.checking.diffusions import generator, plain_partials
from spec.checking.numeric import rounds_to
from spec.checking.symbols import mu, s2, x
from spec.checking.trace import each, points

# A passage of which the text that we have lost what it says.
lost = partial(Claim, means=Means.NONE, stated_kind=Kind.UNRECOVERABLE, sheet=("E24",))
# Version 1, Sections 6 and D.4.
PRINTED = {"N": 1000, "L": 3, "delta": "0.001", "delta_s": "0.0002", "sigma": "0.8",
           "chi": "0.995"}  # fmt: skip


def follow(derived: Mapping[str, str]) -> bool:
    r"""Version 1 prints [[settings]]. They give the horizon $N\delta=[[horizon]]$, a step the
    log-variance $\sigma^2\delta=[[step]]$, the inner steps of a level [[rho]] of its time, all
    levels of Algorithm 2 the time [[time]], and the last level the noise factor [[last]].

    A level lasts $\delta$, its $L$ inner steps traverse $L\delta_s$; Algorithm 2 has one level
    less than $N$, and multiplies the noise factor by $\chi$ after each. At fifty digits."""
    with mpmath.workdps(50):
        (at,) = points([PRINTED])
        n, inner, delta, delta_s, sigma, chi = (mpf(value) for value in at.values())
        values = {"horizon": n * delta, "step": sigma**2 * delta, "rho": inner * delta_s / delta,
                  "time": (n - 1) * inner * delta_s, "last": chi ** (n - 2)}  # fmt: skip
        rounded = [rounds_to(values[name], printed) for name, printed in derived.items()]
        return derived.keys() == values.keys() and all(rounded)


_DERIVED = {"horizon": "1.0000", "step": "6.400e-4", "rho": "0.6000", "time": "0.5994",
            "last": "6.721e-3"}  # fmt: skip
SETTINGS = Claim(
    "settings", "settings of version 1 and what follows from them", follow, holds=_DERIVED,
    equivalent={**_DERIVED, "horizon": "1.00000", "step": "0.00064000"}, twins={
        "one inner step": {**_DERIVED, "rho": "0.2000"},
        "the whole time is traversed": {**_DERIVED, "time": "0.9990"},
        "annealed at the first level too": {**_DERIVED, "last": "6.687e-3"},
    },
    values=lambda: {"settings": ", ".join(f"{name} = {value}" for name, value in PRINTED.items())},
    means=Means.POINTS, sources=v1("sec. 6: settings", "App. D.4: settings"), sheet=("E24",),
    depends=("V1-22", "V1-Alg2"), readings=("X is updated in place (E3)",))  # fmt: skip


def removes_the_log_drift(candidate: Expr) -> bool:
    r"""$\mu=[[it]]$ makes the drift of $\log X$ zero, and is the only choice that does.

    By Itô's formula for the logarithm, the drift is the distance of $\mu$ from that value."""
    drift = generator(log(x), Matrix([mu * x]), Matrix([s2 * x**2]), plain_partials((x,)))
    return same(drift, mu - candidate)


DRIFT = Claim(
    "settings-drift", "mu = sigma^2 / 2", removes_the_log_drift, holds=s2 / 2, twins={
        "no drift": Integer(0), "the drift of eq. 16": Rational(3, 2) * s2, "half of it": s2 / 4,
    }, sources=v1("sec. 6: settings", "App. D.4: settings"), sheet=("E24",), depends=("A8",),
)  # fmt: skip

LOST = (
    lost(
        "settings-v2", "settings of version 2", sources=v2("sec. 6: settings"),
        statement="Pixel range, number of levels, step size, drift and rate of Section 6.",
        reason="The numbers are lost and nothing forces them; for version 1 see settings. That "
        "the range is there “to satisfy the positivity constraint” is right (E24-range).",
    ), lost(
        "training-v2", "training of version 2", sources=v2("App. E: training details"),
        statement="AdamW; numbers of iterations for each data set; for CIFAR-10 a moving average.",
        reason="The numbers are lost and nothing forces them; those of version 1 clash (E24). "
        "Neither version gives the learning rate or the batch size.",
    ), lost(
        "grid-search", "how the settings were chosen", sources=v2("App. E: grid search"),
        statement="Three settings are chosen by a grid search that minimises FID and KID.",
        reason="Letters, grid and number of samples are lost. What it does to a score: best-of.",
    ), lost(
        "E24-conditioning", "class conditioning", sources=v2("sec. 6.1: class conditioning"),
        statement="“class conditioning is applied via conditional normalization layers”: what the "
        "network is conditioned on.",
        reason="Two readings. The “labels” of the NCSN code are the indices of the noise levels; "
        "version 1 (Appendix D.1) has class labels and N time-steps side by side, and calls the "
        "network with a state and a level. But Section 6.2 has classes of the data. If labels are "
        "used, the generation is not unconditional, as Section 7 calls it.",
    ))  # fmt: skip


def agree_with_each_other(counts: Mapping[str, int]) -> bool:
    """Version 1's two passages can both describe the training on MNIST only if they give one
    number of iterations, such as [[Section 6]] and [[Appendix D.3]].

    Section 6 gives a number for all data sets, Appendix D.3 one for MNIST, another for the rest.
    """
    return len(set(counts.values())) == 1


E24 = Claim(
    "E24", "iterations of the MNIST training", agree_with_each_other,
    holds={"Section 6": 300_000, "Appendix D.3": 300_000},
    twins={"off by checkpoints": {"Section 6": 300_000, "Appendix D.3": 305_000}},
    printed={"the two passages": {"Section 6": 200_000, "Appendix D.3": 300_000}},
    means=Means.READING, sources=v1("App. D.3: iterations", "sec. 6: settings"), erratum=Erratum(
        Fault.INCONSISTENT,
        quote="“The model is trained for [[printed:Section 6]] iterations” (Section 6); "
        "[[printed:Appendix D.3]] for MNIST (Appendix D.3).",
        trouble="The two passages differ for MNIST.",
        advice="The appendix distinguishes the data sets and is the likelier one; state it once.",
        remains_open="The numbers of version 2 are lost.",
    ))  # fmt: skip


def has_logarithms(ends: Sequence[int]) -> bool:
    r"""A range of pixels that contains its ends suits the framework only if they have finite
    logarithms: those of the range from [[low]] to [[high]] have.

    The state stays at zero where $X_0$ is zero, and the target of eq. (20) contains $\log X_0$."""
    found = map(mpmath.log, each("pixel", ends))
    return all([mpmath.isfinite(value) and mpmath.im(value) == 0 for value in found])


RANGE = Claim(
    "E24-range", "the pixel range must be positive", has_logarithms, holds=(1, 2),
    equivalent=[1, 2], twins={"centred at 0": (-1, 1), "grey levels": (0, 255)},
    printed={"non-negative dynamic range": (0, 1)},
    shown=lambda ends: {"low": ends[0], "high": ends[1]}, means=Means.POINTS,
    sources=v1("sec. 6: settings"), sheet=("E24",), depends=("A5", "E10"), erratum=Erratum(
        Fault.UNDEFINED,
        quote="“Note that the proposed framework requires a non-negative dynamic range of pixel "
        "values” (version 1, Section 6).",
        trouble="Not enough: no noise ever reaches a pixel at zero, and its target is undefined.",
        advice="Ask for a strictly positive range, as version 2 does and version 1 uses.",
    ))  # fmt: skip


def is_the_mismatch(candidate: Expr) -> bool:
    r"""Sampling with full noise and steps of $\ell\delta$ at the levels of the training, $L$ at
    each, discretises the reverse SDE of log-normal data only if $[[it]]$ vanishes.

    To first order in the log-variance $h$ of a forward step, a step takes $\ell h$ off the
    log-variance, wherever near the level's $v$ it is, so that $L$ of them take off $L$ times as
    much; the next level has $h$ less. What a mismatch does to the law is claim E17-limit."""
    h, v, c = symbols("h v c", positive=True)
    variance = (1 - _ELL * h / v) ** 2 * (v - c * h) + _ELL * h
    taken = -diff(variance, h).subs(h, 0) - c
    return vanishes((variance.subs(h, 0) - v, taken * _INNER - 1 - candidate))


_ELL, _INNER = symbols("ell L", positive=True)
CLOCK = Claim(
    "E24-clock", "other steps, same levels", is_the_mismatch, holds=_INNER * _ELL - 1, twins={
        "one step a level": _ELL - 1, "full steps": _INNER - 1,
        "two levels at once": _INNER * _ELL - 2,
    }, printed={"any L and any step": Integer(0)}, names={"ell": r"\ell", "L": "L"},
    sources=v1("App. D.4: settings"), sheet=("E24",), assumptions=(
        "log-normal data in one coordinate, and draws independent of the state",
        "the exact score of the level at every inner step",
    ), depends=("A13", "E17-limit", "settings"), erratum=Erratum(
        Fault.INCONSISTENT,
        quote=r"Training with $\delta=10^{-3}$ (Section 6); sampling with $\delta=2\cdot10^{-4}$, "
        r"$L=3$, at the same levels $k$ (Appendix D.4).",
        trouble="One letter has two values, and the steps traverse only a part of a level.",
        advice="Let the steps add up to the level, or call the scores at the traversed times, "
        "down to the data.",
        figures=lambda: (Figure("L delta_s / delta as printed", mpf(_DERIVED["rho"])),),
        remains_open="The values of version 2 (its Tables 3 and 4) are lost.",
    ))  # fmt: skip

_PIXELS, _v = symbols("x1 x2", positive=True), symbols("v")
_TO_DATA = sum(map(log, _PIXELS)) / 2, (log(_PIXELS[0]) - log(_PIXELS[1])) ** 2 / 4 + _v
_TO_AVERAGES = log(sum(_PIXELS) / 2), _v


def _mean(one: Expr, other: Expr) -> Expr:
    return (one + other) / 2


def is_the_fit_to_noised_averages(fit: tuple[Expr, Expr]) -> bool:
    r"""For one class of two images of one pixel, $x_1$ and $x_2$, a fit to noised class averages
    has the mean $[[0]]$ and the variance $[[1]]$ of $\log X$; the fit to noised images of Section
    6.2 has the mean $[[printed:0]]$ and the variance $[[printed:1]]$.

    The noise is independent of the start and adds its variance $v$. Over the averages the start is
    a constant; over the images it has the mean and the variance of their logarithms."""
    average, found = _mean(*_PIXELS), []
    for ends, moments in (((average, average), fit), (_PIXELS, _TO_DATA)):
        one, other = map(log, ends)
        mean = _mean(one, other)
        variance = ((one - mean) ** 2 + (other - mean) ** 2) / 2 + _v
        found += [mean - moments[0], variance - moments[1]]
    named = zip(map(log, (average, *_PIXELS)), symbols("l l1 l2"), strict=True)
    return vanishes(list(Matrix(found).xreplace(dict(named))))


def _fit_figures() -> tuple[Figure, ...]:
    low, high, noise = Integer(1), Integer(2), Rational(_DERIVED["step"]) * PRINTED["N"]
    at = {**dict(zip(_PIXELS, (low, high), strict=True)), _v: noise}
    where = f"a pixel that is {low} or {high}, sigma = {PRINTED['sigma']}"
    return tuple(
        Figure(f"{name}, fit to noised {of} ({where})", mpf(value.subs(at).evalf(30)))
        for of, (mean, variance) in (("images", _TO_DATA), ("averages", FIT.holds))
        for name, value in (("mu-hat", mean), ("sigma-hat", sqrt(variance)))
    )


FIT = Claim(
    "E24-fit", "two log-normal fits", is_the_fit_to_noised_averages, holds=_TO_AVERAGES, twins={
        "mean over the images": (_TO_DATA[0], _v),
        "variance over the images": (_TO_AVERAGES[0], _TO_DATA[1]),
    }, printed={"the fit of Section 6.2": _TO_DATA},
    sources=v2("App. G.2: fit to class averages"), sheet=("E24", "E22"),
    assumptions=("one class of two images that differ, one pixel", "mu = sigma^2 / 2",
                 "a fit has the mean and the variance of the law of log X"),
    depends=("E22-jensen", "A6", "settings-drift"), erratum=Erratum(
        Fault.INCONSISTENT,
        quote="Section 6.2: the fit is to “the terminal samples obtained from the forward "
        "process”; Appendix G.2: the parameters are estimated “from the class-averaged images "
        "that have undergone the forward process”.",
        trouble="Two laws under one name. The second is brighter (E22-jensen) and, for a pixel of "
        "one class, narrower, by the spread within the class.",
        advice="Say which fit each result uses; `python -m validation.terminal_mismatch` computes "
        "both for MNIST and Fashion-MNIST.", figures=_fit_figures,
        remains_open="Table 2, which could decide between them, is lost.",
    ))  # fmt: skip
CLAIMS = (SETTINGS, DRIFT, *LOST, E24, RANGE, CLOCK, FIT)
