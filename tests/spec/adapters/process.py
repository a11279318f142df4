"""Calls of `gbm_ref.process`."""

from tests.spec.adapters.calling import Adapter

ADAPTERS: dict[str, Adapter] = {}
