"""The gate of the study: identities and bounds, which hold for every network, good or bad.

How well a network has learned is reported and not judged. Tolerances:

IDENTITY   Both sides of R4b are trapezoidal sums that converge faster than any power, in float64;
           they add up numbers as large as 1 / v(t_1), some 1,600, which leaves 1e-9.
LAW        The chain with the exact score against `gbm_ref.exact_law`, after N steps of one sum
           each; the second derivative of a step's map, which would leave an error, is 0 there.
SIGMAS     In the plane M-DSM is an average of draws: 7 standard errors, 3e-12 for a normal error.
TRANSPORT  Draws are taken in float32 with linear interpolation of the distribution function
           between nodes; both move it by less than this.
"""

import math
from collections.abc import Sequence

import gbm_ref
from validation.learned.identity import Losses
from validation.learned.line import Line
from validation.learned.problems import Array, Plan, process
from validation.study import Check

IDENTITY, LAW, SIGMAS, TRANSPORT = 1e-9, 1e-8, 7.0, 1e-3
_ROUNDING = 1e-9


def line_facts(line: Line, law: Array) -> dict:
    """Gaps of the grid's own numbers: with `law`, the chain's with the exact score.

    For a log-normal law the chain's law and D_N are known in closed form (claims R8, R20b).
    """
    mass = max(abs(line.integral(q) - 1.0) for q in line.densities)
    facts = {"mass_gap": mass}
    if line.target.weights.size == 1:
        data = gbm_ref.LogNormal(line.target.log_means[0], line.target.log_covs[0])
        grid = gbm_ref.uniform(line.num_steps)
        exact = gbm_ref.exact_law(gbm_ref.DaleLangevin(), data, process(), grid, line.start)
        mean = line.integral(law * line.y)
        variance = line.integral(law * (line.y - mean) ** 2)
        stated = gbm_ref.path_divergence(data, process(), line.num_steps)
        facts["law_gap"] = max(
            abs(mean - float(exact.mean[0])), abs(variance - float(exact.cov[0, 0]))
        )
        facts["discretisation_gap"] = abs(line.discretisation - stated)
    return facts


def checks(plan: Plan, laws: dict[str, dict], networks: Sequence[dict]) -> tuple[Check, ...]:
    """The conditions of the study; none of them asks for a good network."""
    expected = len(plan.laws) * plan.seeds * 3
    found = (
        quadrature_check(laws),
        identity_check(networks),
        bound_check(networks),
        pinsker_check(networks),
        transport_check(networks),
    )
    counted = f"{len(networks)} of {expected} networks reported"
    return (Check("every seed is reported", len(networks) == expected, counted), *found)


def quadrature_check(laws: dict[str, dict]) -> Check:
    """The grid on the line reproduces masses, the exact sampler's law and D_N (R8, R20b)."""
    names = ("mass_gap", "law_gap", "discretisation_gap")
    gaps = [facts[name] for facts in laws.values() for name in names if name in facts]
    worst = max(gaps, default=math.inf)
    detail = f"largest gap {worst:.2g} of {len(gaps)}, allowed {LAW:.0e}"
    return Check("grid against closed forms (R8, R20b)", worst <= LAW, detail)


def identity_check(networks: Sequence[dict]) -> Check:
    """M-DSM is its floor plus M-ESM for every network and time: R4b."""
    losses = [Losses(**row) for network in networks for row in network["identity"]]
    exact = [abs(one.gap) for one in losses if one.standard_error == 0.0]
    drawn = [abs(one.gap) / one.standard_error for one in losses if one.standard_error > 0.0]
    worst, sigmas = max(exact, default=0.0), max(drawn, default=0.0)
    detail = (
        f"on the line {len(exact)} gaps up to {worst:.2g} (allowed {IDENTITY:.0e}), in the plane "
        f"{len(drawn)} up to {sigmas:.1f} standard errors (allowed {SIGMAS:g})"
    )
    passed = bool(losses) and worst <= IDENTITY and sigmas <= SIGMAS
    return Check("loss is floor plus error (R4b)", passed, detail)


def bound_check(networks: Sequence[dict]) -> Check:
    """The measured divergence of every network's sampler is within its bound: R20."""
    pairs = [(one["kl_nats"], one["kl_bound_nats"]) for one in networks if "kl_nats" in one]
    passed = bool(pairs) and all(kl <= bound + _ROUNDING for kl, bound in pairs)
    shares = [kl / bound for kl, bound in pairs]
    worst = max(shares, default=math.inf)
    detail = f"{len(pairs)} networks, the divergence up to {worst:.2g} of the bound"
    return Check("divergence within its bound (R20)", passed, detail)


def pinsker_check(networks: Sequence[dict]) -> Check:
    """Projections of draws are no further from the data than the bound and their band allow."""
    planes = [one for one in networks if "kl_nats" not in one]
    excess = [
        one["distance_from_data"] - one["band"] - math.sqrt(0.5 * one["kl_bound_nats"])
        for one in planes
    ]
    worst = max(excess, default=-math.inf)
    detail = f"{len(planes)} networks in the plane, the nearest {-worst:.3f} below its limit"
    passed = bool(planes) and worst <= 0.0
    return Check("projections within Pinsker's limit (R20)", passed, detail)


def transport_check(networks: Sequence[dict]) -> Check:
    """float32 draws of a sampler have the law that the grid gives it."""
    drawn = [one for one in networks if "samples_from_own_law" in one]
    passed = bool(drawn) and all(
        one["samples_from_own_law"] <= one["band"] + TRANSPORT for one in drawn
    )
    worst = max((one["samples_from_own_law"] / one["band"] for one in drawn), default=math.inf)
    detail = f"{len(drawn)} samplers, up to {worst:.2f} of the band of their draws"
    return Check("draws against the sampler's own law", passed, detail)
