"""All functions, in the order in which the manifest lists them."""

from spec.vectors import (
    data_points,
    divergences,
    forward,
    laws,
    log_normal,
    mirror,
    mixtures,
    paths,
    samplers,
    steps,
)
from spec.vectors.records import VectorFunction

FUNCTIONS: tuple[VectorFunction, ...] = (
    *forward.KERNEL, *forward.EXPLODING, *log_normal.LAW, *mixtures.LAW, *data_points.SCORE,
    *forward.FORMS, *steps.EULER_MARUYAMA, *steps.MARGINAL_PRESERVING, *steps.GAUSSIAN,
    *steps.FLOW, *paths.PATHS, *mirror.STEPS, *divergences.LINE, *laws.NOISE, *laws.SCORES,
    *laws.DENSITIES, *steps.FLIPS, *divergences.LIKELIHOOD, *log_normal.POSTERIOR,
    *mixtures.POSTERIOR, *data_points.POSTERIOR, *mixtures.STARTS, *divergences.PLANE,
    *divergences.MISMATCH, *samplers.MEANS, *samplers.VARIANCES, *samplers.LOOPS,
    *samplers.LIMITS, *divergences.PATHS, *mirror.LAWS, *forward.PIECEWISE, *laws.CDFS,
    *laws.BETA_PRIME_CDF, *mixtures.CDF, *data_points.LAW,
)  # fmt: skip
# A function gives the names of its `arguments`, its `cases` (of which `args` are mappings of exact
# floats, in that order), and at such arguments its value `at(args)` to 50 digits and more, S by
# `scale_at(args)`, its `k`, and by `wrong[name](args)` what a mistake gives.
BY_NAME: dict[str, VectorFunction] = {function.name: function for function in FUNCTIONS}
