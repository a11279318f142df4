"""List the studies, and run those that need no image files and are no benchmark.

python -m validation [--quick] [--seed N] [--list]
"""

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

from validation import kl_vs_stepsize, learned_score
from validation.study import Settings, Study, run

STUDIES: tuple[Study, ...] = (kl_vs_stepsize.STUDY, learned_score.STUDY)


@dataclass(frozen=True)
class Options(Settings):
    """Settings of every study, and whether to run them."""

    list: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Only print the names and what each study shows."""


def listing() -> str:
    """One line a study: the module to run it alone, and what it shows."""
    return "\n".join(f"validation.{study.name}: {study.summary}" for study in STUDIES)


def main() -> int:
    """Exit status 0 when every study passed, 1 otherwise."""
    about = (
        "Run every study that needs no image files and is no benchmark, and exit with an error "
        f"when one fails.\n\n{listing()}"
    )
    options = tyro.cli(Options, prog="python -m validation", description=about)
    print(listing())
    if options.list:
        return 0
    settings = Settings(options.quick, options.seed, options.out_dir)
    verdicts = []
    for study in STUDIES:
        print(f"\n{study.name}", flush=True)
        verdicts.append(run(study, settings))
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"error: {error}")
