"""Networks that stand in for trained ones, and runs that never trained."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor, nn

import gbm_fast as gbm
from gbm_fast.data.statistics import data_statistics
from tests.support.tiny_runs import tiny_config

SIZE = (1, 4, 4)
LOG_MEAN, LOG_STD = 0.4, 0.2


def points() -> Tensor:
    """Three pictures with pixels in [1.2, 1.8], far apart: stripes across, down, and a ramp."""
    rows = torch.arange(4)[:, None].expand(4, 4)
    pictures = [rows % 2, rows.T % 2, (rows + rows.T) / 6]
    return 1.2 + 0.6 * torch.stack([p.double() for p in pictures])[:, None]


class Preset(nn.Module):
    """A network that puts out what it was given, whatever it sees."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.output


class ExactNetwork(nn.Module):
    """The Hyvarinen score of a finite data set under noise of variance v, as a network in float64.
    It sees (u - a) / sqrt(v + s^2) and log(v) / 4."""

    def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
        v = (4 * condition.double()).exp()
        width = (v + LOG_STD**2).sqrt()[:, None, None, None]
        x = (LOG_MEAN + inputs.double() * width).exp().flatten(1)
        scores = [
            gbm.PointMasses(points().flatten(1), float(log_var)).hyvarinen_score(row[None])
            for log_var, row in zip(v, x, strict=True)
        ]
        return torch.cat(scores).reshape(inputs.shape).to(inputs.dtype)


def stub_run(network: nn.Module | None = None, **overrides: object) -> gbm.Run:
    """A run that never trained: settings, statistics of three pictures, and a network."""
    model = gbm.ScoreModel(network or ExactNetwork(), gbm.Hyvarinen(), LOG_MEAN, LOG_STD)
    statistics = data_statistics(points(), torch.tensor([0, 0, 1]), 2)
    config = tiny_config(**overrides)
    return gbm.Run(Path(), config, model, torch.device("cpu"), SIZE, statistics, 255)


def paper(**overrides: object) -> gbm.SamplingSettings:
    """Settings on the constant process, sigma = 0.7."""
    base = gbm.SamplingSettings(process="constant", sigma=0.7, num_steps=20)
    return dataclasses.replace(base, **overrides)  # type: ignore[arg-type]
