"""How each pinned function is called: an adapter gets the function and its pin's named values as
floats and returns what it returned, in the formula's order, with no mathematics of its own."""

from validation.pins import between, laws, samplers, scores
from validation.pins.shared import Adapter

_BY_NAME = laws.ADAPTERS | scores.ADAPTERS | samplers.ADAPTERS | between.ADAPTERS
ADAPTERS: dict[str, Adapter] = {f"gbm_ref.{name}": call for name, call in _BY_NAME.items()}
