"""Calls of `gbm_ref.grids`."""

from tests.spec.adapters.calling import Adapter

ADAPTERS: dict[str, Adapter] = {}
