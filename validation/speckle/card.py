"""The card of weights that restore: data, command, and figures of the weights as stored."""

from pathlib import Path

import numpy as np

from gbm_fast.training.runs import TrainedModel, weights_facts
from validation.speckle.images import NAMES, case, filled
from validation.speckle.ours import load_restorer, one_evaluation
from validation.speckle.photographs import LICENCES, listed
from validation.speckle.scores import covered, score

LOOKS = (1.0, 4.0, 10.0)
MOST_BYTES = 8 * 2**20


def card(name: str, folder: Path) -> str:
    """README.md of a folder of weights, Markdown."""
    run = load_restorer(folder)
    facts, config = weights_facts(folder), run.config
    count = sum(parameter.numel() for parameter in run.model.parameters())
    packages = "\n".join(f"- {package}: {licence}" for package, licence in LICENCES.items())
    trained = f"{facts['step']:,} steps of {config.batch_size} pieces"
    return f"""# {name}

A network `{config.network}` of {count:,} parameters, stored in half precision, that restores
images with speckle of {config.least_looks:g} to {config.most_looks:g} looks.

    python -m gbm_fast.restore --looks 1 --out clean radar.tif

Trained on {len(listed())} photographs, grey, as intensities
([the list](../../validation/speckle/photographs.csv), with the hash of each):

    python -m validation.speckle.photographs --out photographs.npy
    python -m gbm_fast.train --dataset npy --data-dir photographs.npy --range data --zeros floor \\
        --noise gamma --crop {config.crop} --symmetries {config.symmetries} \\
        --batch-size {config.batch_size} --learning-rate {config.learning_rate:g}

for {trained}, {facts["seconds"] / 60:.0f} minutes on one core; all settings stand in
`config.json`. {_before(facts)}The weights are moving averages. Their hash, as loaded, is
`{run.weights_sha256()[:16]}`; that of the training images `{(run.train_sha256 or "")[:16]}`.

By one evaluation, on centre crops of 256 x 256 pixels of three photographs that are in no training
set (PSNR in dB, peak 255, of the posterior mean of the intensity; and the share of pixels in the
band from 5 to 95 %):

{_table(run)}

Beside other methods: `python -m validation.despeckling`,
[results](../../validation/results/despeckling.md).
The photographs are of the packages

{packages}

Licence of the weights: MIT, as the code; that of the photographs is their authors'.
"""


def _before(facts: dict) -> str:
    """The trainings that the weights come from."""
    ledger = facts.get("began_from", [])
    if not ledger:
        return ""
    earlier = "; ".join(
        f"{one['images']:,} pieces in {one['seconds'] / 60:.0f} minutes" for one in ledger
    )
    return f"It began with the weights of earlier trainings:\n{earlier}. "


def _table(run: TrainedModel) -> str:
    """PSNR and coverage, a line a number of looks."""
    lines = [f"| looks | {' | '.join(NAMES)} | mean | in the band |", "| --- " * 6 + "|"]
    for looks in LOOKS:
        values, shares = [], []
        for name in NAMES:
            of = case(name, looks)
            found, *ends = one_evaluation(run, filled(of.noisy), looks)
            values.append(score(of, np.where(of.noisy > 0, found, 0.0), 0.0).psnr)
            shares.append(covered(of, *ends))
        cells = [*(f"{value:.2f}" for value in values), f"{np.mean(values):.2f}"]
        inside = ", ".join(f"{share:.3f}" for share in shares)
        lines.append(f"| {looks:g} | {' | '.join(cells)} | {inside} |")
    return "\n".join(lines)
