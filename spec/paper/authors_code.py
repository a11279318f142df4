"""What the authors' public code says where the text that we have lost it, and where it differs.

Read, never run: repository Madhavaprasath23/Dale-Meets-Langevin, folders gbm_configs, mnist_exps
and losses.py, in several versions. Nothing says which version made the paper's tables."""

from functools import partial

from sympy import Expr, Integer, Matrix, Rational, solve, sqrt, symbols

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Assumption, Claim, Kind, Means, Pin, v2
from spec.checking.pins import table
from spec.checking.symbols import L, L0, dt, h, mu, s2, sigma, t, v
from spec.objectives._setting import DENOISING, c
from spec.paper.settings import DRIFT, PRINTED, SETTINGS as OF_VERSION_1
from spec.process.equations import A6, mu1
from spec.scores.denoiser import R5
from spec.scores.kernel import A16

stated = partial(Claim, means=Means.NONE, stated_kind=Kind.STATED, sheet=("E24",))
WHERE = "Lost in the text that we have. The authors' code (`gbm_configs/NCSN*`) has, rounded, "
# Mean and deviation of the fitted log-normal, by channel.
FITS = {
    "mnist": ((0.15652,), (0.83528,)), "fashion-mnist": ((0.27712640,), (0.84282905,)),
    "kuzushiji-mnist": ((0.21402,), (0.82904,)),
    "cifar10": ((0.4075, 0.3785, 0.3693), (0.8016, 0.8004, 0.8005))}  # fmt: skip
# delta_s, L, chi by sampler, start and data set; several where versions of the code disagree.
SETTINGS: dict[tuple[str, str], dict[str, tuple[tuple[float, int, float], ...]]] = {
    ("dale-langevin", "lognormal"): {
        "mnist": ((6.16545e-4, 1, 0.995),), "fashion-mnist": ((5.86272727e-4, 1, 0.995),),
        "kuzushiji-mnist": ((2.11316e-4, 3, 0.995),), "cifar10": ((1.14210526e-4, 6, 0.9995),),
    }, ("sign-agnostic", "lognormal"): {
        "mnist": ((1.43845e-4, 4, 0.995),), "fashion-mnist": ((1.46779927e-3, 3, 0.9995),),
        "kuzushiji-mnist": ((2.11316e-4, 3, 1.0),),
        "cifar10": ((1.43844989e-4, 5, 0.9995), (1.14211e-4, 6, 0.995)),
    }, ("sign-agnostic", "class-average"): {
        "mnist": ((1.43845e-4, 4, 0.995),), "fashion-mnist": ((2.5929438e-4, 3, 0.9995),),
        "kuzushiji-mnist": ((3.35982e-4, 2, 0.995),),
        "cifar10": ((1.43845e-4, 5, 0.9995), (2e-4, 4, 0.995)),
    }}  # fmt: skip
# Noise-free steps at the end, of CIFAR-10 alone.
TERMINAL_STEPS = 25


def _fits() -> str:
    shown = lambda numbers: ", ".join(f"{n:.9g}" for n in numbers)  # noqa: E731
    return "; ".join(f"{name}: {shown(m)} and {shown(s)}" for name, (m, s) in FITS.items())


def _rows(sampler: str, start: str) -> str:
    rows = SETTINGS[sampler, start].items()
    shown = lambda row: f"{row[0]:.9g}, {row[1]}, {row[2]:.4g}"  # noqa: E731
    return "; ".join(f"{name}: {' or '.join(map(shown, found))}" for name, found in rows)


TABLES = (
    stated(
        "Table-2", "fitted log-normal parameters", sources=v2("Table 2"),
        statement="Columns $(\\hat\\mu,\\hat\\sigma)$ and Data Set, for the log-normal start; "
        "channel-wise for CIFAR-10 (Section 6.2).",
        values=lambda: {"fits": _fits()},
        reason=WHERE + "mean and deviation, by channel: [[fits]]. See E24-fit.",
    ), stated(
        "Table-3", "sampler settings", sources=v2("Table 3"),
        statement="Sampler by data set; three columns, one of them headed “(approx.)”.",
        values=lambda: {
            "dale": _rows("dale-langevin", "lognormal"),
            "agnostic": _rows("sign-agnostic", "lognormal"), "last": TERMINAL_STEPS,
            "commits": "63773e6 and cb5aff4",
        },
        reason=WHERE + "step, inner steps and noise factor of ADLS: [[dale]]; of ASAMS: "
        "[[agnostic]]. Where two are given, versions of the code disagree (commits [[commits]]); "
        "for grey data, too: one's are given. CIFAR-10 has [[last]] terminal steps without noise.",
    ), stated(
        "Table-4", "sampler settings, class-average start", sources=v2("Table 4"),
        statement="As Table 3, for the start from class averages; by Appendix E it differs for "
        "Fashion-MNIST and Kuzushiji-MNIST only.",
        values=lambda: {"agnostic": _rows("sign-agnostic", "class-average")},
        reason=WHERE + "step, inner steps and noise factor of ASAMS: [[agnostic]]; for ADLS "
        "none of that start's own were found.",
    ))  # fmt: skip


def is_the_coded_weight(weight: Expr) -> bool:
    r"""The squared norm that the code averages, with [[residual]] in it and $h$ for the model, is
    twice the loss of A15 with the weight [[it]] on a level.

    The residual is the distance of $h$ from the conditional score of A16, times $v$."""
    loss = DENOISING.subs(c, A16.holds.subs(dt, t / k))
    return same(_RESIDUAL**2, 2 * weight * loss)


def is_the_coded_score(learned: Expr) -> bool:
    r"""The code draws the data at level $k$ and tells the network $k$, but takes the level after
    it in the loss. The minimiser's score of $\log X$ is [[it]], with $h$ the Hyvärinen score of
    level $k$.

    The mean of the residual given the state is put to zero, with the denoiser of R5 in place of
    $\log X_0$."""
    return same(_minimiser(1), learned)


def _minimiser(ahead: int) -> Expr:
    """1 + h where the residual of level k + ahead has the mean zero, at a state of level k."""
    here, found = k * delta, symbols("found")
    denoiser = R5.holds[0](L, (mu - s2 / 2) * here, s2 * here, h)
    mean = _RESIDUAL.subs(h, found).subs({L0: denoiser, t: (k + ahead) * delta})
    return solve(mean, found)[0] + 1


def is_the_coded_start(law: tuple[Expr, Expr]) -> bool:
    r"""The class-average start of the code adds to the logarithm of an average a normal variable
    of mean [[mean]] and variance [[variance]], where the process with $\mu=[[drift]]$ has the mean
    [[own mean]] and the variance [[own variance]], at [[level]] of the horizon. For MNIST the mean
    is [[mnist]] and the deviation [[deviation]] where the process, with the horizon and the
    $\sigma$ of version 1, has [[own]].

    The averages are pushed by the kernel of A6 with the fitted parameters in place of $\mu$ and
    $\sigma$."""
    laws = *_kernel(_MU, _S), *_kernel(DRIFT.holds, sqrt(s2))
    squares = [deviation**2 for deviation in _DEVIATIONS]
    return vanishes(Matrix([*law, *_PROCESS, *squares]) - Matrix([*laws, *laws[1::2]]))


def _kernel(drift: Expr, rate: Expr) -> tuple[Expr, Expr]:
    """Mean and variance that A6 adds to the logarithm, with these in place of mu and sigma."""
    _, means, covariance = A6.holds
    return means[0].subs({mu1: drift, sigma: rate}), covariance[0, 0].subs(sigma, rate)


k, delta = symbols("k delta", positive=True)
_MU, _S = symbols("muhat sigmahat", positive=True)
_RESIDUAL = s2 * t * h + L - L0 - mu * t + Rational(3, 2) * s2 * t
_LEARNED = k / (k + 1) * (1 + h) + (mu - s2 / 2) / (s2 * (k + 1))
_START, _PROCESS = ((_MU - _S**2 / 2) * t, _S**2 * t), (0 * t, s2 * t)
_LEVEL, _DEVIATIONS = Rational(999, 1000), (_S * sqrt(t), sqrt(s2 * t))
_NAMES = {"L": r"\log X", "L0": r"\log X_0", "muhat": r"\hat\mu",
          "sigmahat": r"\hat\sigma", "h": "h"}  # fmt: skip


def _of_mnist() -> dict[str, object]:
    (mean,), (deviation,) = FITS["mnist"]
    at = {_MU: Rational(str(mean)), _S: Rational(str(deviation)), sqrt(s2): PRINTED["sigma"],
          t: _LEVEL * Rational(OF_VERSION_1.holds["horizon"])}  # fmt: skip
    found = {"mnist": _START[0], "deviation": _DEVIATIONS[0], "own": _DEVIATIONS[1]}
    numbers = {name: f"{float(e.subs(at)):.3f}" for name, e in found.items()}
    own = dict(zip(("own mean", "own variance"), _PROCESS, strict=True))
    return {"level": _LEVEL, "drift": DRIFT.holds, **own, **numbers}


READ = "the code is as we read it, in the versions named in spec/paper/authors_code.py"
WEIGHT = Claim(
    "coded-weight", "the weight of the loss as coded", is_the_coded_weight, holds=(s2 * t) ** 2,
    twins={"no weight, as printed": Integer(1), "v": s2 * t, "of the likelihood": s2},
    values=lambda: {"residual": _RESIDUAL}, names=_NAMES, sheet=("A15",), readings=(READ,),
    assumptions=("mu and sigma are constant",), depends=("A15", "A16"), pins=(Pin(
        "gbm_ref.squared_variance_weighting", table("v", (0.64,), (6.4e-4,), (1e-12,), (17.0,)),
        reads=lambda weight: weight.subs(s2 * t, v), twins={"unweighted": Integer(1), "v": v},
    ),))  # fmt: skip
LEVEL = Claim(
    "coded-level", "the level of the loss as coded", is_the_coded_score, holds=_LEARNED, twins={
        "the score of the level": 1 + h, "the other way round": (k + 1) / k * (1 + h),
        "the drift forgotten": k / (k + 1) * (1 + h),
    }, names=_NAMES, sheet=("A15",), readings=(READ,), assumptions=(
        Assumption(
            "the level of the loss is one above that of the data", "the mean of the residual",
            lambda: same(_minimiser(0), 1 + h),
        ), "mu and sigma are constant", "the network can be any function of state and level",
        "k is at least one",
    ), depends=("coded-weight", "R5"))  # fmt: skip
START = Claim(
    "coded-start", "the class-average start as coded", is_the_coded_start, holds=_START, twins={
        "the process": _PROCESS, "no Ito term": (_MU * t, _S**2 * t),
        "deviation for variance": (_START[0], _S * t),
    }, shown=lambda law: {"mean": law[0], "variance": law[1]}, values=_of_mnist, names=_NAMES,
    sheet=("E22",), readings=(READ,), depends=("A6", "Table-2", "settings", "settings-drift"),
)  # fmt: skip
CLAIMS = (*TABLES, WEIGHT, LEVEL, START)
