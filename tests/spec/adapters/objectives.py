"""Calls of `gbm_ref.objectives`."""

from tests.spec.adapters.calling import Adapter

ADAPTERS: dict[str, Adapter] = {}
