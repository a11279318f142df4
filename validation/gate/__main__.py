"""The gate alone: `python -m validation.gate --run RUN`, with the options of the benchmark.

Exit status 0 when every check passed, 1 otherwise. Nothing is trained, sampled or written.
"""

from collections.abc import Sequence

import tyro

from validation.ending import leave
from validation.image_benchmark import Options, rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gate of `validation.image_benchmark`; returns the exit status."""
    options = tyro.cli(
        Options, prog="python -m validation.gate", description=__doc__, args=arguments
    )
    from validation.gate.gate import run_gate
    from validation.trained import before_training, trained

    config = options.source.training()
    run = trained(options.source) if config is None else before_training(config)
    gate = run_gate(run, rows(options, run.config.dataset))
    gate.report()
    return 0 if gate.passed else 1


if __name__ == "__main__":
    leave(main)
