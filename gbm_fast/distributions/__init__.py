"""The laws of this package as `torch.distributions`, for programs that are written in them.

| class | a |
| --- | --- |
| `LogNormal(log_mean, log_cov)` | `TransformedDistribution` of a `MultivariateNormal` |
| `LogNormalMixture(weights, log_means, log_covs)` | `MixtureSameFamily` of those |
| `PointMasses(points, log_var)` | `Distribution`: a data set and its diffusions |
| `ForwardKernel(process, x0, t)` | `Independent` log-normal: the law of X_t given X_0 |

Parameters are always those of log X, never `loc` and `scale`. Beside the interface of torch all
have `log_score`, `hyvarinen_score` and `stein_score`; the first three `diffuse(process, t)`, the
law of X_t, with one time for all laws of a batch or one for each. `hyvarinen_score` and
`from_target` serve other distributions and the laws of `gbm_fast.targets`. Draws come from torch's
global generator, as everywhere in torch.distributions; a target's `rvs` takes a generator.

Log densities and scores are differentiable in the parameters. Mixtures and data sets have `sample`
and no `rsample`: a choice has no pathwise derivative. `torch.distributions.kl_divergence` of two
`LogNormal` is that of `gbm_fast.divergence`, which keeps its digits where the laws nearly agree.
"""

from gbm_fast.distributions.conversion import from_target, hyvarinen_score
from gbm_fast.distributions.kernel import ForwardKernel
from gbm_fast.distributions.lognormal import LogNormal, LogNormalMixture
from gbm_fast.distributions.points import PointMasses

__all__ = [
    "ForwardKernel",
    "LogNormal",
    "LogNormalMixture",
    "PointMasses",
    "from_target",
    "hyvarinen_score",
]
