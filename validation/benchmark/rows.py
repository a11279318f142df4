"""The rows of the benchmark: Table 1 of version 2, every start, and few evaluations.

paper    Table 1: both samplers from the log-normal fit and from class averages, sigma = 0.8,
         N = 1000, with chi, L and delta of the authors' code where it states them (claims
         Table-3, Table-4), else of version 1 (D.4); for colour also without the terminal steps
starts   the same network with chi = 1 from every start, and from the end of its own process,
         where the image is gone; "noised training images" is what no generative model may use
few      distance against evaluations, for every sampler of the run's own process
annealing
         both samplers of the paper from its three starts with chi from 0.99 to 1 (Appendix G.2),
         one step of the length of a level at each level

Nothing heavy is imported here, so that `--help` answers at once.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

from gbm_fast.settings.sampling import SamplerName, SamplingSettings
from gbm_fast.settings.sampling_presets import PAPER, with_preset

Group = Literal["paper", "starts", "few", "annealing"]
SLOW = 200
"""Evaluations above which a row is a slow one."""
_STARTS = {
    "class averages": "class-average",
    "log-normal fit to noised data": "lognormal",
    "log-normal fit to noised averages": "lognormal-averages",
}
# The start of the authors' code (claim coded-start), and the closest log-normal law (claim R23).
_OTHER_STARTS = {
    "class averages moved as coded": "class-average-coded",
    "log-normal with all moments": "lognormal-full",
}
_CHI = (0.99, 0.9925, 0.995, 0.9975, 0.999, 0.9995, 1.0)
# Levels of each sampler; the probability flow reads the score twice a level, but for the last.
_FEW: dict[SamplerName, tuple[int, ...]] = {
    "probability-flow": (3, 5, 10, 18, 50),
    "ddim": (5, 10, 20, 50, 100),
    "dpmpp-2m": (5, 10, 18, 35),
    "dpmpp-3m": (5, 10, 18, 35),
    "ancestral": (10, 30, 100, 300, 1000),
    "dale-langevin": (10, 30, 100, 300, 1000),
}


class Row(NamedTuple):
    """A line of the gate (name, settings) and the part of the benchmark that it belongs to."""

    name: str
    settings: SamplingSettings
    group: Group

    @property
    def evaluations(self) -> int:
        """How often the network is asked for an image."""
        return self.settings.evaluations


def table(dataset: str, groups: tuple[Group, ...], seed: int, num_steps: int = 1000) -> list[Row]:
    """The rows for a run on `dataset`, quick ones first within each group.

    num_steps   N of the paper's samplers; the published settings are for 1000 and are scaled
    """
    base = SamplingSettings(seed=seed)
    found = list(_few(base)) if "few" in groups else []
    fixed = [*(_starts(base) if "starts" in groups else ())]
    fixed += _paper(base, dataset) if "paper" in groups else ()
    fixed += _annealing(base) if "annealing" in groups else ()
    return found + [row._replace(settings=_shortened(row.settings, num_steps)) for row in fixed]


def _shortened(settings: SamplingSettings, num_steps: int) -> SamplingSettings:
    """The same with `num_steps` levels in place of 1000.

    Steps keep their share of a level, and chi what it makes of the noise over all of them.
    """
    if settings.levels != 1000 or num_steps == 1000:
        return settings
    length = settings.step_length and settings.step_length * 1000 / num_steps
    chi = settings.chi ** (1000 / num_steps)
    return replace(settings, num_steps=num_steps, step_length=length, chi=chi)


def _few(base: SamplingSettings) -> Iterator[Row]:
    found = [
        Row(f"noise, {sampler}", replace(base, sampler=sampler, num_steps=levels), "few")
        for sampler, numbers in _FEW.items()
        for levels in numbers
    ]
    for row in sorted(found, key=lambda row: row.evaluations):
        yield row._replace(name=f"{row.name}, {row.evaluations} evaluations")


def _starts(base: SamplingSettings) -> Iterator[Row]:
    fixed = replace(base, process="constant")
    yield Row(
        "noised training images, probability-flow",
        replace(fixed, sampler="probability-flow", start="data"),
        "starts",
    )
    for sampler in ("probability-flow", "dale-langevin", "sign-agnostic"):
        for name, start in (_STARTS | _OTHER_STARTS).items():
            yield Row(f"{name}, {sampler}", replace(fixed, sampler=sampler, start=start), "starts")


def _annealing(base: SamplingSettings) -> Iterator[Row]:
    for sampler in ("dale-langevin", "sign-agnostic"):
        for name, start in _STARTS.items():
            for chi in _CHI:
                settings = replace(base, sampler=sampler, start=start, chi=chi)
                settings = replace(settings, process="constant")
                yield Row(f"{name}, {sampler}, chi {chi:g}", settings, "annealing")


def _paper(base: SamplingSettings, dataset: str) -> Iterator[Row]:
    stated = {preset.dataset for preset in PAPER}
    for sampler in ("dale-langevin", "sign-agnostic"):
        for name in ("log-normal fit to noised data", "class averages"):
            plain = replace(base, sampler=sampler, start=_STARTS[name])
            if dataset in stated:
                settings, _ = with_preset(plain, dataset)
                name += ", as coded"
            else:
                of_version_1 = {"chi": 0.995, "inner_steps": 3, "step_length": 2e-4}
                settings = replace(plain, process="constant", **of_version_1)
                name += ", version 1's chi, L, delta"
            yield Row(f"{name}, {sampler}", settings, "paper")
            if settings.denoise_steps:
                without = replace(settings, denoise_steps=0)
                yield Row(f"{name}, {sampler}, no terminal steps", without, "paper")
