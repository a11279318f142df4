"""Arrays as people have them: any layout and width gives the same numbers, what a conversion would
drop is refused everywhere, and laws keep copies."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import gbm_ref as ref
from tests.ref import test_refusals as one
from tests.ref import test_refusals_of_samplers as two
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.refusals import Refusal, check, table

P = PROCESSES["constant"]
LN, PLANE = LOG_NORMALS["log-normal-2d"], MIXTURES["mixture-2d"]


class Own(np.ndarray):
    """A class of arrays of somebody's own."""


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(x, 2, axis=-1), 3, axis=0)[::3, ::2]


def read_only(x: np.ndarray) -> np.ndarray:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


# Numbers that float16 holds.
X = np.array([[0.5, 1.25], [2.0, 0.75], [1.5, 3.0]])
FORMS: dict[str, Callable[[np.ndarray], object]] = {
    "float16": lambda x: x.astype(np.float16),
    "float32": lambda x: x.astype(np.float32),
    "long double": lambda x: x.astype(np.longdouble),
    "big endian": lambda x: x.astype(">f8"),
    "fortran": np.asfortranarray,
    "strided": strided,
    "read-only": read_only,
    "subclass": lambda x: x.view(Own),
    "matrix": lambda x: x.view(np.matrix),
    "lists": lambda x: x.tolist(),
    "fractions": lambda x: [[Fraction(entry) for entry in row] for row in x.tolist()],
    "objects": lambda x: x.astype(object),
}
STEPS = (ref.DaleLangevin(), ref.AmbientMilstein(), ref.Ancestral([[0.3, 0.1], [0.1, 0.2]]))
TAKES: dict[str, Callable[[object], object]] = {
    "densities": lambda x: (LN.logpdf(x), PLANE.logpdf(x), ref.Gamma(2.3, 0.7).logpdf(x[:, :1])),
    "scores": lambda x: (PLANE.stein_score(x), ref.denoiser(x, x, P, 0.3), LN.log_score(x)),
    "law": lambda x: (ref.PointMasses(x, 0.1).points, ref.Weibull(x[0], 1.0).shape),
    "process": lambda x: (P.sample(x, 0.3, x), ref.PiecewiseGBM(x[0]).sigma),
    "steps": lambda x: tuple(
        step(P, ref.exact_score(LN, P), x, 0.3, 0.1, 1.0, x) for step in STEPS
    ),
    "posterior": lambda x: ref.posterior_log_cov(x, PLANE, P, 0.3),
    "losses": lambda x: ref.m_dsm(lambda x, t: -x, x, 0.3, x, P).loss,
    "likelihood": lambda x: ref.exact_log_likelihood(x, LN, P, LN.diffuse(P, 0.9)),
    "mirror": lambda x: (ref.gradient_step(x, x, 0.1), ref.bregman(ref.ENTROPY, x, x)),
}


def bits(result: object) -> bytes:
    """Every number of a result."""
    if isinstance(result, tuple | list):
        return b"".join(map(bits, result))
    if isinstance(result, ref.Target | ref.ProductLaw):
        return bits([vars(result)[name] for name in sorted(vars(result))])
    assert type(result) in (np.ndarray, np.float64, float, int, bool), type(result)
    return np.asarray(result).tobytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "call", ["densities", "scores", "process", "steps", "likelihood", "mirror"]
)
def test_forms_of_arrays_give_the_same_bits(call: str, form: str) -> None:
    rows = FORMS[form](X)
    if isinstance(rows, list | np.matrix) and call != "mirror":
        rows = np.asarray(rows, dtype=object if form == "fractions" else None)
    assert bits(TAKES[call](rows)) == bits(TAKES[call](X))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("whole", [1, np.int8(1), np.float32(1), np.array(1), Fraction(1)])
def test_whole_numbers_are_their_floats(whole: float) -> None:
    for make in (lambda s: ref.GBM(sigma=s), lambda s: ref.VarianceExploding(std_max=s)):
        assert make(whole) == make(1.0)
        assert all(type(value) is float for value in vars(make(whole)).values())
    law, same = ref.LogNormal([0, 1], whole), ref.LogNormal([0.0, 1.0], 1.0)
    assert bits(law) == bits(same)
    assert ref.MarginalPreserving(whole) == ref.MarginalPreserving(1.0)


# What replaces an array of numbers, and the words of its refusal.
NOT_NUMBERS: dict[str, tuple[Callable[[np.ndarray], object], str]] = {
    "masked": (lambda x: np.ma.masked_less_equal(x, x.min()), "masked"),
    "masked rows": (lambda x: [np.ma.masked_array(row, mask=True) for row in x], "masked"),
    "complex": (lambda x: x + 0.5j, "real numbers, got complex"),
    "text": (lambda x: x.astype(str), "real numbers, got <U"),
    "bytes": (lambda x: x.astype("S8"), "real numbers, got [|]S"),
    "objects of text": (lambda x: x.astype(str).astype(object), "real numbers"),
    "nothing": (lambda x: np.full(x.shape, None), "real numbers"),
    "booleans": (lambda x: x > 0, "real numbers, got bool"),
    "dates": (lambda x: np.full(x.shape, np.datetime64("2020-01-01")), "real numbers"),
    "ragged": (lambda x: [[1.0], [1.0, 2.0]], "numbers|must"),
}
# text, complex, boolean, nothing, masked, beyond the range
NOT_A_NUMBER = ("0.5", 0.5 + 0j, np.True_, None, np.ma.masked, 10**400)
TABLES = [
    *one.OF_PROCESSES, *one.OF_TARGETS, *one.OF_SCORES, *one.OF_STEPS,
    *two.OF_SAMPLERS, *two.OF_LIKELIHOODS, *two.OF_STARTS, *two.OF_THE_PROBE,
]  # fmt: skip


def calls() -> dict[str, tuple[Callable[..., object], dict[str, object]]]:
    """Every call of the tables of refusals, with its good arguments, once."""
    found = {}
    for call, good, *_ in TABLES:
        name = getattr(call, "__qualname__", type(call).__name__)
        found.setdefault(name, (call, dict(good)))
    return found


CALLS = calls()
# A step without noise ignores them, as it says.
IGNORED = {("ProbabilityFlow", "z"), ("ProbabilityFlow", "noise")}


def arguments(kind: type | tuple[type, ...]) -> list[tuple[str, str]]:
    """Names of calls, with their arguments of this kind."""
    return [
        (name, argument)
        for name, (_, good) in CALLS.items()
        for argument, value in good.items()
        if isinstance(value, kind) and (name, argument) not in IGNORED
    ]


ARRAYS = [
    (name, argument)
    for name, argument in arguments((np.ndarray, list))
    if np.asarray(CALLS[name][1][argument]).size and np.asarray(CALLS[name][1][argument]).ndim
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_what_a_conversion_would_drop_is_refused(name: str, argument: str) -> None:
    call, good = CALLS[name]
    call(**good)
    for make, words in NOT_NUMBERS.values():
        wrong = make(np.asarray(good[argument], dtype=np.float64))
        with pytest.raises(ValueError, match=words):
            call(**{**good, argument: wrong})


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("name", "argument"), arguments((float, int)))
def test_what_is_no_number_is_refused(name: str, argument: str) -> None:
    call, good = CALLS[name]
    for value in NOT_A_NUMBER:
        with pytest.raises(ValueError, match=r".*"):
            call(**{**good, argument: value})


def test_the_tables_are_read() -> None:
    assert len(ARRAYS) > 50 and len(arguments((float, int))) > 50
    assert ("Target.stein_score", "x") in ARRAYS and ("PiecewiseGBM.log_var", "t") not in ARRAYS


KEEPS: dict[str, tuple[Callable[[np.ndarray], object], np.ndarray]] = {
    "LogNormal mean": (lambda a: ref.LogNormal(a, 0.3), np.array([0.3, -0.2])),
    "LogNormal cov": (lambda a: ref.LogNormal([0.3, -0.2], a), LN.log_cov.copy()),
    "mixture means": (lambda a: ref.LogNormalMixture([0.5, 0.5], a, [0.1, 0.2]), np.eye(2)),
    "mixture weights": (
        lambda a: ref.LogNormalMixture(a, np.eye(2), [0.1, 0.2]),
        np.array([0.25, 0.75]),
    ),
    "mixture covs": (
        lambda a: ref.LogNormalMixture([0.5, 0.5], np.eye(2), a),
        np.stack([LN.log_cov, LN.log_cov]),
    ),
    "points": (lambda a: ref.PointMasses(a, 0.1), X.copy()),
    "piecewise sigma": (lambda a: ref.PiecewiseGBM(a), np.array([0.3, 0.4])),
    "piecewise mu": (lambda a: ref.PiecewiseGBM([0.3, 0.4], a), np.array([0.1, 0.2])),
    "ancestral": (lambda a: ref.Ancestral(a), LN.log_cov.copy()),
    **{
        make.__name__: (lambda a, make=make: make(a, 1.0), np.array([2.3, 0.7]))
        for make in (ref.Gamma, ref.InverseGamma, ref.Weibull, ref.BetaPrime)
    },
    "kappa": (lambda a: ref.MarginalPreserving(a), np.array(0.7)),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", KEEPS)
def test_what_is_kept_is_a_copy_that_nobody_writes_to(name: str) -> None:
    make, given = KEEPS[name]
    buffer = given.copy()
    made = make(buffer)
    before = {key: np.array(value) for key, value in vars(made).items()}
    buffer[...] = 0.0
    for key, value in vars(made).items():
        np.testing.assert_array_equal(value, before[key])
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0.0


FEW = {"sigma": 0.8, "horizon": 1.0}
RANGE = {"std_min": 0.1, "std_max": 2.0, "horizon": 1.0}
RATES = {"sigma": [0.3, 0.4], "mu": [0.1, 0.2], "horizon": 1.0}


@table(
    [
        *(Refusal(ref.GBM, FEW, "sigma", sigma, "range of float64") for sigma in (1e200, 1e-200)),
        Refusal(ref.GBM, FEW, "horizon", 1e-320, "range of float64"),
        Refusal(ref.GBM, {**FEW, "sigma": 1e10}, "horizon", 1e300, "range of float64"),
        Refusal(ref.GBM, {"mu": 0.1, "horizon": 1e10}, "mu", 1e300, "range of float64"),
        Refusal(ref.VarianceExploding, RANGE, "std_max", 1e200, "range of float64"),
        Refusal(ref.VarianceExploding, RANGE, "std_min", 1e-200, "range of float64"),
        Refusal(ref.PiecewiseGBM, RATES, "sigma", [0.3, 1e200], "range of float64"),
        Refusal(ref.PiecewiseGBM, RATES, "sigma", [1e-200, 0.3], "range of float64"),
        Refusal(ref.PiecewiseGBM, {**RATES, "horizon": 3.0}, "mu", [1.7e308, 1.0], "range of"),
    ]
)
def test_processes_beyond_the_range_of_numbers(refusal: Refusal) -> None:
    check(refusal)


def test_long_horizons_are_served() -> None:
    long = ref.GBM(mu=0.0, sigma=1e-120, horizon=1e200)
    assert math.isclose(long.log_var(1e200), 1e-40)
    assert long.time_at_log_var(long.log_var(0.5e200)) == pytest.approx(0.5e200, rel=1e-15)
