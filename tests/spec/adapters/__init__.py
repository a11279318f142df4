"""How each pinned function is called with the named values of its pin.

An adapter gets the function itself and the values as floats, and returns what the function
returned: a number, or a sequence in the order of the pin's formula. It converts and calls; it does
no mathematics of its own.
"""

from tests.spec.adapters import dynamics, laws, samplers, scores
from tests.spec.adapters.shared import Adapter

_BY_NAME = laws.ADAPTERS | scores.ADAPTERS | samplers.ADAPTERS | dynamics.ADAPTERS
ADAPTERS: dict[str, Adapter] = {f"gbm_ref.{name}": call for name, call in _BY_NAME.items()}
