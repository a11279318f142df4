"""What each start costs: the Gaussian part of KL(law at t = 1 || start), in nats.

With a, C the log moments of the data, Sigma = C + sigma^2 I, and m = 0 (mu = sigma^2/2; with
another m every start moves along). It is a lower bound of the divergence, and exact when log X_0
is Gaussian (claim R23). The starts:

    product         independent pixels, each with its own mean and variance
    one pair        exp(mu_hat + sigma_hat Z), fitted to the pixels of noised images
    averages' pair  the same, fitted to noised class averages (Appendix G.2 of version 2)
    exp(Z)          version 1's Algorithm 1
    class average   a class's average image, noised; given the class, averaged over the classes
"""

import math
from collections.abc import Callable

import numpy as np

from gbm_ref import Gaussian, kl_divergence
from validation.mismatch.moments import Array, ClassMoments, Moments

Prices = dict[str, float]
Route = Callable[[Moments, float], Prices]
Pair = tuple[float, float]


def by_formula(data: Moments, s2: float) -> Prices:
    """From the eigenvalues of C, by the closed forms of claim R23; s2 is sigma^2."""
    mean, cov = data.law
    logdet, d = _logdet(cov, s2), mean.size
    diagonal = np.diag(cov) + s2
    total = float(diagonal.sum())

    def pair(mu: float, variance: float) -> float:
        quadratic = (total + float(((mean - mu) ** 2).sum())) / variance
        return 0.5 * (quadratic - d + d * math.log(variance) - logdet)

    mu, sigma = averages_pair(data, s2)
    best = image_pair(data, s2)
    return {
        "product": 0.5 * (float(np.log(diagonal).sum()) - logdet),
        "one pair": 0.5 * (2 * d * math.log(best[1]) - logdet),
        "averages' pair": pair(mu, sigma**2),
        "exp(Z)": pair(0.0, 1.0),
        "class average": sum(group.share * _given(group, s2) for group in data.classes),
    }


def _logdet(cov: Array, s2: float) -> float:
    return float(np.log(np.linalg.eigvalsh(cov) + s2).sum())


def _given(group: ClassMoments, s2: float) -> float:
    shift = group.law.mean - group.log_average
    ratio = np.linalg.eigvalsh(group.law.cov) / s2
    return 0.5 * float((ratio - np.log1p(ratio)).sum() + shift @ shift / s2)


def by_divergence(data: Moments, s2: float) -> Prices:
    """The same prices from `gbm_ref.kl_divergence`, start by start; s2 is sigma^2."""
    d = data.law.mean.size
    noise, ones = s2 * np.eye(d), np.ones(d)
    law = Gaussian(data.law.mean, data.law.cov + noise)
    starts = {
        "product": Gaussian(law.mean, np.diag(np.diag(law.cov))),
        "one pair": _same_for_all(image_pair(data, s2), ones),
        "averages' pair": _same_for_all(averages_pair(data, s2), ones),
        "exp(Z)": _same_for_all((0.0, 1.0), ones),
    }
    prices = {name: kl_divergence(law, start) for name, start in starts.items()}
    prices["class average"] = sum(
        group.share
        * kl_divergence(
            Gaussian(group.law.mean, group.law.cov + noise), Gaussian(group.log_average, noise)
        )
        for group in data.classes
    )
    return prices


def _same_for_all(pair: Pair, ones: Array) -> Gaussian:
    return Gaussian(pair[0] * ones, np.diag(pair[1] ** 2 * ones))


def image_pair(data: Moments, s2: float) -> Pair:
    """(mu_hat, sigma_hat) over the pixels of all noised images, by claim R23."""
    mean, cov = data.law
    mu = float(mean.mean())
    return mu, float(np.sqrt(np.mean(np.diag(cov) + s2 + (mean - mu) ** 2)))


def averages_pair(data: Moments, s2: float) -> Pair:
    """(mu_hat, sigma_hat) over the pixels of noised class averages, weighted by the shares."""
    logs = np.stack([group.log_average for group in data.classes])
    shares = np.array([group.share for group in data.classes])[:, None] / logs.shape[1]
    mu = float((shares * logs).sum())
    return mu, float(np.sqrt((shares * (logs - mu) ** 2).sum() + s2))
