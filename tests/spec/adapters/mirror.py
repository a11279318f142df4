"""Calls of `gbm_ref.mirror`."""

from tests.spec.adapters.calling import Adapter

ADAPTERS: dict[str, Adapter] = {}
