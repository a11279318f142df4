"""Input checks shared by every module of the oracle: a wrong argument stops here, with a reason.

All return float64 (arrays) or plain Python numbers, and all raise `ValueError`.
"""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Chosen = NDArray[np.bool_]
Indices = NDArray[np.intp]
# What is accepted for an array: an array, nested lists of numbers, or one number. Narrower than
# NumPy's ArrayLike, whose protocols are slow to check at run time, as the tests do.
Values = NDArray[Any] | np.generic | Sequence[Any] | float

# Times are sums and multiples of steps, so they are compared with the ends of the range up to
# this fraction of the horizon and then moved onto them.
TIME_TOLERANCE = 1e-12
SMALLEST = float(np.finfo(np.float64).tiny)  # below it a float64 loses digits


def real_array(value: Values, name: str) -> Array:
    """`value` in float64: every conversion of the oracle is made here.

    Integers and floating-point numbers of any width, byte order, memory layout and array class are
    converted, and so are Python's int, float and Fraction. What a conversion would drop or make up
    is refused: masked arrays, complex numbers, booleans, text, dates and other objects.
    """
    if _is_masked(value):
        raise ValueError(
            f"{name} is a masked array, whose mask would be ignored: leave out or fill in the "
            "masked entries first."
        )
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be numbers in the form of an array: {error}.") from None
    kind = array.dtype.kind
    if not (kind in "iuf" or kind == "O" and all(map(_is_real, array.flat))):
        what = type(value).__name__ if kind == "O" else str(array.dtype)
        raise ValueError(f"{name} must be real numbers, got {what}: convert them first.")
    try:
        # A wider number beyond the range becomes infinite, which the caller refuses.
        with np.errstate(all="ignore"):
            return np.asarray(array, dtype=np.float64)
    except OverflowError:
        raise ValueError(f"{name} is beyond the range of float64.") from None


def quiet() -> np.errstate:
    """Arithmetic in which a number beyond the range of float64 is infinite, or 0, as in Python.

    Without it the caller's np.seterr would decide whether there is a result.
    """
    return np.errstate(over="ignore", under="ignore")


def times_exp(x: Array, exponent: Array | float) -> Array:
    """x exp(exponent), in two factors: exp(exponent) alone has few digits below 1e-308."""
    half = np.exp(np.asarray(exponent) / 2.0)
    return np.asarray(x * half * half)


def kept(array: Array) -> Array:
    """A copy of `array` that nobody can write to, for what a law, process or step keeps."""
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy


def finite_number(value: float, name: str) -> float:
    """`value` as a finite float."""
    if type(value) in (float, np.float64):
        number = float(value)
    else:
        array = real_array(value, name)
        if array.ndim != 0:
            raise ValueError(f"{name} must be a single number, got an array of {array.shape}.")
        number = float(array)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}.")
    return number


def positive_number(value: float, name: str) -> float:
    """`value` as a finite float above zero."""
    number = finite_number(value, name)
    if number <= 0.0:
        raise ValueError(f"{name} must be positive, got {number}.")
    return number


def square(value: float, name: str) -> float:
    """value^2, once it is known to be a float64 with all its digits."""
    squared = value * value
    if not SMALLEST <= squared < math.inf:
        raise ValueError(
            f"{name} must lie between 1.5e-154 and 1.3e154, so that its square is within the "
            f"range of float64, got {value}."
        )
    return squared


def non_negative_number(value: float, name: str) -> float:
    """`value` as a finite float, zero or above."""
    number = finite_number(value, name)
    if number < 0.0:
        raise ValueError(f"{name} must not be negative, got {number}.")
    return number


def whole_number(value: int, name: str, minimum: int, maximum: float = math.inf) -> int:
    """`value` as an int of at least `minimum` and at most `maximum`."""
    number = finite_number(value, name)
    if number != int(number) or not minimum <= number <= maximum:
        bound = f"at least {minimum}" if maximum == math.inf else f"{minimum} to {maximum}"
        raise ValueError(f"{name} must be a whole number, {bound}, got {value}.")
    return int(value)


def time_in_range(t: float, horizon: float) -> float:
    """`t` as a float in [0, horizon]; rounding errors beyond either end are removed."""
    time = finite_number(t, "t")
    slack = TIME_TOLERANCE * horizon
    if not -slack <= time <= horizon + slack:
        raise ValueError(f"t must lie in [0, {horizon}], the range of the process, got {time}.")
    return min(max(time, 0.0), horizon)


def end_of_step(t: float, dt: float, horizon: float) -> tuple[float, float]:
    """(t, s) with s = t - dt, both in [0, horizon]; an s within rounding of 0 becomes 0.

    Without that last rule a step that should land on the data would ask for a score at 1e-17.
    """
    start = time_in_range(t, horizon)
    length = non_negative_number(dt, "dt")
    end = start - length
    slack = TIME_TOLERANCE * horizon
    if end < -slack:
        raise ValueError(f"a step of length dt={length} from t={start} would go below t=0.")
    return start, 0.0 if end <= slack else end


def log_var_in_range(v: float, largest: float) -> float:
    """`v` as a float in [0, largest]; a rounding error beyond the upper end is removed."""
    value = non_negative_number(v, "v")
    if value > largest * (1 + TIME_TOLERANCE):
        raise ValueError(f"v must lie in [0, {largest}], the range of the process, got {value}.")
    return min(value, largest)


RandomState = int | np.integer | np.random.Generator | np.random.RandomState | None
"""SciPy's convention for where random numbers come from; `generator` says what each means."""


def generator(random_state: RandomState) -> np.random.Generator | np.random.RandomState:
    """Where numbers are drawn from, as SciPy's `check_random_state` has it.

    None is NumPy's own global RandomState, a whole number the seed of a new RandomState, and a
    Generator or RandomState is itself.
    """
    if random_state is None:
        return np.random.mtrand._rand
    if isinstance(random_state, np.random.Generator | np.random.RandomState):
        return random_state
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        seed = int(random_state)
        if 0 <= seed < 2**32:
            return np.random.RandomState(seed)
    raise ValueError(
        "random_state must be None, a whole number in [0, 2^32), a numpy.random.Generator or a "
        f"numpy.random.RandomState, got {random_state!r}."
    )


def indices(random: np.random.Generator | np.random.RandomState, n: int, size: int) -> NDArray:
    """`size` independent draws from 0 .. n - 1, all equally likely."""
    if isinstance(random, np.random.Generator):
        return random.integers(n, size=size)
    return random.randint(n, size=size)


def finite_array(x: Values, name: str) -> Array:
    """`x` as a float64 array without NaN or infinity."""
    array = real_array(x, name)
    bad = np.asarray(~np.isfinite(array))
    if bad.any():
        raise ValueError(f"{name} must be finite: {_count_and_place(bad)} are NaN or infinite.")
    return array


def positive_array(x: Values, name: str) -> Array:
    """`x` as a float64 array, every entry finite and above zero."""
    array = finite_array(x, name)
    bad = np.asarray(array <= 0.0)
    if bad.any():
        raise ValueError(
            f"{name} must be positive: {_count_and_place(bad)} are zero or negative; "
            "rescale the data, for example 8-bit images as 1 + u / 255."
        )
    return array


def with_trailing(x: Array, d: int, name: str) -> Array:
    """`x` itself, once its last axis is known to have length `d`."""
    if x.ndim == 0 or x.shape[-1] != d:
        raise ValueError(f"{name} must have shape (..., {d}), got {x.shape}.")
    return x


def like(value: Values, x: Array, name: str, other: str = "x") -> Array:
    """`value` as a finite float64 array of the shape of `x`."""
    array = finite_array(value, name)
    if array.shape != x.shape:
        raise ValueError(f"{name} must have the shape {x.shape} of {other}, got {array.shape}.")
    return array


def vector(value: Values, name: str) -> Array:
    """`value` as a finite float64 array of shape (d,), d >= 1."""
    array = finite_array(value, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (d,) with d >= 1, got {array.shape}.")
    return array


def covariance(value: Values, d: int, name: str) -> Array:
    """A (d, d) covariance from a number, a (d,) diagonal or a (d, d) matrix.

    Raises ValueError unless it is symmetric and positive semi-definite, entry (i, j) to 1e-10 of
    the two standard deviations: of unlike scales the small ones count as much as the large.
    """
    array = finite_array(value, name)
    if array.ndim == 0:
        array = array * np.eye(d)
    elif array.shape == (d,):
        array = np.diag(array)
    if array.shape != (d, d):
        raise ValueError(f"{name} must be a number, ({d},) or ({d}, {d}), got {array.shape}.")
    with quiet():
        return _positive(array, name)


def _positive(array: Array, name: str) -> Array:
    """The matrix, symmetric to the last bit; ValueError as `covariance`."""
    stds = np.sqrt(np.maximum(np.diag(array), 0.0))
    if (np.abs(array - array.T) > 1e-10 * stds[:, None] * stds).any():
        raise ValueError(f"{name} must be symmetric.")
    units = np.where(stds > 0.0, stds, 1.0)
    correlations = array / units[:, None] / units
    smallest = float(np.linalg.eigvalsh(correlations)[0])
    # Where a variance is 0 the eigenvalue is of second order in what must be 0 too.
    if smallest < -1e-10 or np.any(correlations[stds == 0.0]):
        raise ValueError(
            f"{name} must be positive semi-definite, in units of the standard deviations it has "
            f"eigenvalue {min(smallest, 0.0):.3g}."
        )
    return array / 2 + array.T / 2


def _is_masked(value: object) -> bool:
    """Whether `value` is a masked array, or lists that hold one."""
    if isinstance(value, list | tuple):
        return any(_is_masked(one) for one in value)
    return isinstance(value, np.ma.MaskedArray)


def _is_real(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool)


def _count_and_place(bad: NDArray[np.bool_]) -> str:
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{int(bad.sum())} of {bad.size} entries (the first at index {first})"
