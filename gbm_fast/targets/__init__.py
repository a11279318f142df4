"""Data laws that are closed under the process, so that their scores at any time are exact."""

from gbm_fast.targets.base import Target
from gbm_fast.targets.lognormal import LogNormal, LogNormalMixture
from gbm_fast.targets.points import PointMasses

__all__ = ["LogNormal", "LogNormalMixture", "PointMasses", "Target"]
