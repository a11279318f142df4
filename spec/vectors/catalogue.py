"""All functions, in the order in which the manifest lists them."""

from spec.vectors import (
    between_times, divergences, forward, laws, log_normal, mirror, mixtures, moments, paths,
    samplers, steps)  # fmt: skip
from spec.vectors.records import VectorFunction

FUNCTIONS: tuple[VectorFunction, ...] = (
    *forward.FUNCTIONS, *between_times.FUNCTIONS, *log_normal.FUNCTIONS, *mixtures.FUNCTIONS,
    *steps.FUNCTIONS, *paths.FUNCTIONS, *mirror.FUNCTIONS, *divergences.FUNCTIONS,
    *laws.FUNCTIONS, *samplers.FUNCTIONS, *moments.FUNCTIONS)  # fmt: skip
# A function gives the names of its `arguments`, its `cases` (of which `args` are mappings of exact
# floats, in that order), and at such arguments its value `at(args)` to 50 digits and more, S by
# `scale_at(args)`, its `k`, and by `wrong[name](args)` what a mistake gives.
BY_NAME: dict[str, VectorFunction] = {function.name: function for function in FUNCTIONS}
