"""What an adapter is."""

from collections.abc import Callable, Mapping

Values = Mapping[str, float]
Adapter = Callable[[Callable, Values], object]
