"""Calls of `gbm_ref.targets`."""

from tests.spec.adapters.calling import Adapter

ADAPTERS: dict[str, Adapter] = {}
