"""The comparison of `gbm_ref` with the claims: each pin at each point, to 50 digits."""

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import reduce
from types import FrameType

import mpmath
import numpy as np
from mpmath import mpf

import gbm_ref
from gbm_ref.vectors.oracle import ORACLE
from gbm_ref.vectors.records import verify_rows
from gbm_ref.vectors.store import load
from spec.checking.claim import Claim, Formula, Pin
from spec.checking.pins import bounds, reference, vector_troubles
from validation.pins.shared import Adapter


class PinDisagrees(AssertionError):
    """The function is further from the formula than the pin allows."""


def pinned_function(pin: Pin) -> Callable:
    """The function of `gbm_ref` that a pin names, found by its dotted name."""
    package, *names = pin.function.split(".")
    if package != "gbm_ref":
        raise ValueError(f"{pin.function} is no function of gbm_ref: a pin names one of those.")
    return reduce(getattr, names, gbm_ref)


def called(pin: Pin, adapter: Adapter, point: Mapping[str, float]) -> list[float]:
    """What the pinned function returns at a point, as a flat list."""
    return np.ravel(np.asarray(adapter(pinned_function(pin), point))).tolist()


# A pin is compared with its formula and with each twin: what the function returns is the same each
# time, and so are the bounds, whose numerical derivatives are most of the work.
_KNOWN: dict[tuple[int, int, int], tuple[Pin, Adapter, list[float], list[mpf]]] = {}


def _sides(pin: Pin, adapter: Adapter, index: int) -> tuple[list[float], list[mpf]]:
    """Values and bounds at a point, computed once; keeping pin and adapter keeps their ids."""
    key = (id(pin), id(adapter), index)
    if key not in _KNOWN:
        point = pin.points[index]
        _KNOWN[key] = (pin, adapter, called(pin, adapter, point), bounds(pin, point))
    return _KNOWN[key][2:]


def compare(pin: Pin, formula: Formula, adapter: Adapter) -> None:
    """Raise PinDisagrees unless function and formula agree at every point of the pin."""
    for index, point in enumerate(pin.points):
        values, allowed = _sides(pin, adapter, index)
        wanted = reference(pin, formula, point)
        if len(values) != len(wanted):
            raise ValueError(
                f"{pin.name} returned {len(values)} numbers, not {len(wanted)}: see its adapter."
            )
        for value, truth, bound in zip(values, wanted, allowed, strict=True):
            # A NaN is never within the bound.
            if not abs(mpf(value) - truth) <= bound:
                error, allowed_error = (
                    mpmath.nstr(e, 3) for e in (abs(mpf(value) - truth), bound)
                )
                raise PinDisagrees(f"off by {error}, {allowed_error} allowed, at {dict(point)}")


def on_vectors(pin: Pin) -> list[str]:
    """What is wrong with a pin that names vectors: rows that fail, or another function's rows."""
    function, seen = pinned_function(pin), []
    made = function.__init__ if isinstance(function, type) else function
    wanted = inspect.unwrap(made).__code__

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is wanted:
            seen.append(True)
            sys.setprofile(None)  # once is enough, and watching is slow

    rows, computed = load(pin.vectors), ORACLE[pin.vectors]
    sys.setprofile(watch)
    try:
        report = verify_rows(pin.vectors, rows, computed)
    finally:
        sys.setprofile(None)
    if not seen:
        return [f"the vectors {pin.vectors} are not computed by it"]
    return [f"row {failure.vector.tc_id} fails" for failure in report.failures]


def troubles(pin: Pin, adapters: Mapping[str, Adapter], claim: Claim | None = None) -> list[str]:
    """What is wrong with a pin, in words: empty when it agrees and its twins do not."""
    if pin.vectors:
        return on_vectors(pin) + (vector_troubles(claim, pin) if claim else [])
    if pin.name not in adapters:
        return ["no adapter says how to call it"]
    adapter, found = adapters[pin.name], []
    try:
        compare(pin, pin.formula, adapter)
    except Exception as error:  # whatever goes wrong is what the status reports
        found.append(f"{type(error).__name__}: {error}")
    agree = []
    for name, twin in pin.twins.items():
        try:
            compare(pin, twin, adapter)
        except PinDisagrees:
            continue
        except Exception as error:
            found.append(f"twin '{name}': {type(error).__name__}: {error}")
        else:
            agree.append(name)
    # A mistake of the statement may be in a part of it that the function does not compute.
    if pin.reads is None or len(agree) == len(pin.twins):
        found += [f"twin '{name}' agrees with the function too" for name in agree]
    return found
