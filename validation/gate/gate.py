"""All checks of the gate for the lines of a benchmark, and what the result stores of them."""

import dataclasses
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

import gbm_ref
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.training.runs import TrainedModel
from validation.gate.line import Line
from validation.gate.noise import noise_checks
from validation.gate.reference import reference
from validation.gate.samplers import agreement, exact_law, sampled_law
from validation.study import Check

_AFFINE = (
    gbm_ref.LogAffineStep, gbm_ref.ProbabilityFlow, gbm_ref.DPMSolver, gbm_ref.Churn
)  # fmt: skip
"""The steps whose exact law is known to `gbm_ref.exact_law`."""
_SHORT = 0.03
"""Of a step in log-variance: the excess kurtosis of log |x_0| is of this order."""


class Outcome(NamedTuple):
    """What the gate found, and the seconds it took."""

    checks: tuple[Check, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """At least one check was made and all of them passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def as_dict(self) -> dict[str, object]:
        """For the result of the benchmark."""
        return {
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "checks": [check._asdict() for check in self.checks],
        }

    def report(self) -> None:
        """Print every check, and the verdict."""
        for check in self.checks:
            print(f"{'pass' if check.passed else 'FAIL'}  {check.name}: {check.detail}")
        failed = sum(not check.passed for check in self.checks)
        verdict = "passed" if self.passed else f"FAILED ({failed} checks)"
        print(f"gate {verdict}: {len(self.checks)} checks in {self.seconds:.0f} s", flush=True)


@torch.no_grad()
def run_gate(run: TrainedModel, lines: Sequence[Line]) -> Outcome:
    """The gate of a benchmark that samples `lines` from `run`, which need not be trained yet.

    Raises ValueError for a line that the run cannot serve, or that has no reference.
    """
    started = time.perf_counter()
    checks = list(noise_checks(lines[0].settings.seed, run.event_shape, run.device))
    different = _different(lines)
    for line in different:
        checks.append(agreement(run, line))
        if isinstance(reference(run.config, line.settings).step, _AFFINE):
            checks.append(exact_law(run, line))
    checks += [sampled_law(run, line) for line in _noisy(run, different)]
    return Outcome(tuple(checks), time.perf_counter() - started)


def _different(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that differ from an earlier one in the number of images alone."""
    kinds: dict[SamplingSettings, Line] = {}
    for line in lines:
        kinds.setdefault(dataclasses.replace(line.settings, num_images=1, batch_size=1), line)
    return list(kinds.values())


def _noisy(run: TrainedModel, lines: Sequence[Line]) -> list[Line]:
    """One line of each sampler that draws noise at full strength, on each process.

    Of those written in X the sign-agnostic one alone, whose moments are known, and only where its
    steps are short enough for log |x_0| to be nearly normal.
    """
    kinds: dict[tuple[str, str], Line] = {}
    for line in lines:
        settings: SamplingSettings = line.settings
        full = settings.chi == 1 and settings.inner_steps == 1 and not settings.denoise_steps
        sampler = reference(run.config, settings)
        affine = isinstance(sampler.step, _AFFINE)
        agnostic = isinstance(sampler.step, gbm_ref.SignAgnostic)
        long = max(sampler.process.increments(row.t_score, row.dt)[1] for row in sampler.grid)
        if full and sampler.step.uses_noise and (affine or agnostic and long <= _SHORT):
            kinds.setdefault((settings.sampler, settings.process), line)
    return list(kinds.values())
