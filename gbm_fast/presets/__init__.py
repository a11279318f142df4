"""Presets as plain data, each value with its source; no torch."""
