"""Laws and processes that several adapters build from the named values.

Names of values: a and S mean and covariance of log X, b and T those of a second component, w1 and
w2 their weights; mu, sigma and, where it matters, T the process.
"""

import gbm_ref
from tests.spec.adapters.calling import Values


def process(at: Values, horizon: float = 2.0) -> gbm_ref.GBM:
    """The process with the rates of the point."""
    return gbm_ref.GBM(at["mu"], at["sigma"], horizon)


def law_in_plane(at: Values, mean: str = "a", cov: str = "S") -> gbm_ref.LogNormal:
    """The first component in the plane."""
    off = at[f"{cov}12"]
    return gbm_ref.LogNormal(
        [at[f"{mean}1"], at[f"{mean}2"]], [[at[f"{cov}11"], off], [off, at[f"{cov}22"]]]
    )


def mixture_in_plane(at: Values) -> gbm_ref.LogNormalMixture:
    """Both components in the plane."""
    first, second = law_in_plane(at), law_in_plane(at, "b", "T")
    return gbm_ref.LogNormalMixture(
        [at["w1"], at["w2"]],
        [first.log_mean.tolist(), second.log_mean.tolist()],
        [first.log_cov.tolist(), second.log_cov.tolist()],
    )


def flat(law: gbm_ref.LogNormal | gbm_ref.Gaussian) -> list[float]:
    """Mean and covariance of log X as one list."""
    mean, cov = law if isinstance(law, gbm_ref.Gaussian) else (law.log_mean, law.log_cov)
    return [*mean.tolist(), *cov.ravel().tolist()]


def flat_mixture(law: gbm_ref.LogNormalMixture) -> list[float]:
    """Weight, mean and covariance of each component as one list."""
    parts = zip(law.weights, law.log_means, law.log_covs, strict=True)
    return [number for w, mean, cov in parts for number in (w, *mean, *cov.ravel())]
