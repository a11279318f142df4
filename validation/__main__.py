"""List the studies, and run those that need no image files, are no benchmark and take minutes.

python -m validation [--quick] [--seed N] [--record]
python -m validation --list
"""

from dataclasses import dataclass
from typing import Annotated

import tyro

from validation import (
    additive_peer,
    despeckling,
    guidance,
    kl_vs_stepsize,
    learned_score,
    overhead,
    speed,
    terminal_mismatch,
)
from validation.ending import leave
from validation.study import Settings, Study, run

STUDIES: tuple[Study, ...] = (kl_vs_stepsize.STUDY, learned_score.STUDY, guidance.STUDY)
OTHERS: tuple[Study, ...] = (
    terminal_mismatch.STUDY,
    speed.STUDY,
    overhead.STUDY,
    additive_peer.STUDY,
    despeckling.STUDY,
)
"""What needs image files, or a quiet machine, or half an hour."""
COMMANDS = {
    "validation.image_benchmark": "Table 1 of the paper and its neighbours on one trained run "
    "(needs a run, or trains one)",
    "validation.gpu_check": "what to run first where there is a GPU: is all right, how fast is it",
    "validation.cifar10_fid": "CIFAR-10 from training to clean-fid's own FID and KID; --rehearse "
    "on made-up data",
    "validation.pretrained": "makes a folder of pretrained weights from a run, and their card",
    "validation.gate": "the checks before a benchmark on images, by themselves",
    "validation.pins": "the functions of gbm_ref against the claims that pin them",
    "validation.recorded": "which recorded results belong to the code as it is now",
    "tests.statistics.audit": "many run seeds for every statistical assertion of the test suite",
}
"""Commands beside the studies."""


@dataclass(frozen=True)
class Options(Settings):
    """Settings of every study, and whether to run them."""

    list: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Only print the names and what each shows."""


def _lines(found: dict[str, str]) -> str:
    return "\n".join(f"  python -m {name}: {about}" for name, about in found.items())


def listing() -> str:
    """A line for every study and command: how to run it alone, and what it shows."""
    run_here, others = (
        {f"validation.{study.name}": study.summary for study in studies}
        for studies in (STUDIES, OTHERS)
    )
    return "\n".join(
        (
            "run by python -m validation:",
            _lines(run_here),
            "with image files, on a quiet machine, or in half an hour:",
            _lines(others),
            "beside the studies:",
            _lines(COMMANDS),
        )
    )


def main() -> int:
    """Exit status 0 when every study passed, 1 otherwise."""
    about = (
        "Run every study that needs no image files, is no benchmark and takes minutes, and exit "
        f"with an error when one fails.\n\n{listing()}"
    )
    options = tyro.cli(Options, prog="python -m validation", description=about)
    print(listing())
    if options.list:
        return 0
    settings = Settings(options.quick, options.seed, options.out_dir, options.record)
    verdicts = []
    for study in STUDIES:
        print(f"\n{study.name}", flush=True)
        verdicts.append(run(study, settings))
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    leave(main)
