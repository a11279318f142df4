"""What the functions of gbm_fast refuse: shapes, signs, times, numbers outside a domain."""

import torch
from torch import nn

import gbm_fast as gbm
from tests.support import good
from tests.support.cases import PROCESS, log_linear, torch_generator
from tests.support.good import INF, LAW, NAN, NORMAL, ONE, X, column, each, not_positive, refused
from tests.support.problems import PROCESSES
from tests.support.refusals import Refusal, check, table
from tests.support.twins import tensor, twin_process

PIXELS = each("x", not_positive(-1.3), "positive and finite")
NO_TIME = each("t", (0.0, tensor([0.4, 0.0])), "t must be positive")
SCORES = [
    refused(
        gbm.conditional_hyvarinen_score,
        *PIXELS,
        *each("x0", not_positive(-1.3), "positive and finite"),
        ("x0", X[:, :1], "shape of x"),
        *NO_TIME,
    ),
    refused(gbm.hyvarinen_from_stein, *PIXELS),
    refused(gbm.stein_from_hyvarinen, *PIXELS, ("x", X.long(), "floating-point")),
    refused(gbm.denoiser, *PIXELS, ("hyvarinen", X[0], "shape of x")),
    refused(gbm.hyvarinen_from_denoiser, *PIXELS, *NO_TIME),
    refused(gbm.hyvarinen_from_noise, *NO_TIME, noise=X),
    refused(
        gbm.conditional_logpdf,
        ("t", 0.0, "t must be positive"),
        ("x", -X, "positive|shape"),
        *each("x0", (-X, X[:, :1]), "positive|shape"),
    ),
    refused(lambda x: gbm.conditional_logpdf(x, x, PROCESS, 0.3), ("x", X[0], "batch")),
]

EXPLODING = twin_process(PROCESSES["variance-exploding"])
GRIDS = [
    refused(
        gbm.annealed,
        ("num_steps", 0, "num_steps"),
        ("inner_steps", 0, "inner_steps"),
        ("denoise_steps", -1, "denoise_steps"),
        ("horizon", 0.0, "horizon"),
        *each("chi", (0.0, 1.01, NAN), "chi"),
        *each("start", (11, 0), "start"),
        *each("step_length", (0.11, 0.0), "step_length"),
    ),
    refused(
        gbm.geometric,
        ("num_steps", 1, "num_steps"),
        *each("std_min", (0.0, 1.0, 2.0), "std_min"),
        ("std_max", NAN, "std_max"),
        ("std_max", 50.0, "v must lie"),
        process=EXPLODING,
    ),
    refused(gbm.printed, ("num_steps", 1, "num_steps")),
    refused(gbm.power, ("rho", 0.0, "rho"), process=EXPLODING, rho=5.0),
]

UNIT = gbm.Gamma(1.0, 1.0)
LAWS = [
    refused(
        gbm.Gamma,
        ("shape", 0.0, "shape must be positive"),
        ("rate", NAN, "rate must be positive"),
        ("shape", torch.empty(0), "one shape"),
        **{"shape": 1.0, "rate": 1.0},
    ),
    refused(gbm.Weibull, ("scale", tensor([1.0] * 3), "one shape"), shape=X[0], scale=1.0),
    refused(gbm.InverseGamma, ("shape", ONE[None], "one shape"), shape=ONE, scale=1.0),
    refused(UNIT.logpdf, ("x", 0 * ONE, "positive"), ("x", X[0], "shape"), x=ONE),
    refused(UNIT.rvs, ("size", 0, "size"), size=1, random_state=torch_generator("0")),
    refused(gbm.gamma_denoiser, ("looks", 0.0, "looks")),
    refused(
        gbm.gamma_chain_step,
        ("next_looks", 4.0, "noise grows"),
        ("beta", 1.5 * ONE, "beta"),
        **{"x": ONE, "next_looks": 2.0, "beta": ONE / 2},
    ),
    refused(gbm.gamma_conditional_hyvarinen_score, ("x0", -X, "x0 must be positive")),
]

SINGULAR = torch.stack([good.COV, tensor([[0.3, 0.0], [0.0, 0.0]])])
LONGS = torch.zeros(3, dtype=torch.int64)
DIVERGENCES = [
    refused(
        gbm.kl_divergence,
        ("q", gbm.Gaussian(torch.zeros_like(X), SINGULAR), "q must be positive definite"),
        ("q", gbm.Gaussian(X[0], tensor([[1, 0.5], [0, 1]])), "must be symmetric"),
        ("q", gbm.Gaussian(ONE, ONE[None]), "one dimension"),
        ("q", gbm.Gaussian(X[0], tensor(1.0)), "covariance"),
        **{"p": NORMAL, "q": NORMAL},
    ),
    refused(
        gbm.log_flip_probability,
        ("dt", 0.0, "dt must be positive"),
        ("noise", 0.0, "noise"),
        ("hyvarinen", X / 0, "finite"),
    ),
    refused(gbm.log_average_flip_probability, ("noise", -0.1, "noise")),
    refused(
        gbm.class_averages,
        ("labels", LONGS, "labels must have shape"),
        ("labels", torch.zeros(2), "labels must be integers"),
        ("points", -X, "points must"),
        labels=LONGS[:2],
    ),
    refused(gbm.fitted_lognormal, ("channels", LONGS, "channels must have shape")),
    refused(gbm.terminal_gaussian, ("data", gbm.Gaussian(X[0], X[0]), "data must have a mean")),
    refused(gbm.standard_lognormal, ("d", 0, "d must be")),
]

EVEN = gbm.uniform(4)
LIKELIHOODS = [
    refused(
        gbm.log_likelihood,
        ("grid", (), "no rows"),
        *each("grid", ((*EVEN[:2], *EVEN[3:]), gbm.annealed(4, inner_steps=2)), "begin where"),
        ("grid", (gbm.Row(1.0, 0.0, 1.0),), "dt > 0"),
        ("grid", (gbm.Row(0.4, 0.5, 1.0),), "stay at t >= 0"),
        *each("x", (-X, X[0], X[:, :1]), "positive|shape|elements"),
        score=gbm.exact_score(LAW, PROCESS),
        divergence=gbm.exact_divergence(LAW, PROCESS),
        grid=EVEN,
    ),
    refused(
        gbm.exact_log_likelihood,
        ("target", gbm.LogNormal(tensor([0.1, 0.2]), tensor(0.0)), "no density at t_min"),
    ),
    refused(gbm.bits_per_dim, ("log_likelihood", NAN * ONE, "finite"), log_likelihood=ONE),
    refused(
        lambda score: gbm.autograd_divergence(score)(X, 0.3),
        ("score", lambda x, t: torch.ones_like(x), "no derivative"),
    ),
    refused(
        lambda probes: gbm.hutchinson_divergence(log_linear, probes)(X[:1], 0.3),
        *each("probes", map(torch.ones, ((1, 2), (3, 2, 2), (0, 1, 2))), "must have shape"),
        probes=torch.ones(1, 1, 2),
    ),
    refused(gbm.log_score_divergence, ("x", X[:, :1], "shape"), ("x", -X, "positive")),
]

DEVIATIONS = each("log_std", (0.0, -0.2, NAN, INF), "log_std")
OBJECTIVES = [
    refused(
        gbm.m_dsm,
        *each("t", (0.0, torch.tensor([0.4, 0.0])), "t = 0"),
        ("t", torch.tensor([0.3, 0.3, 0.3]), "one value a sample"),
        *each("x0", not_positive(-0.2), "x0 must be positive and finite"),
        ("z", X[:, :1], "z must have the shape"),
        ("model", column, "model's score must have the shape"),
    ),
    refused(
        gbm.m_esm,
        ("x", -X, "x must be positive"),
        ("x", X[:, :1], "shape"),
        ("target", good.LINE, "shape"),
        ("model", column, "model's score must have the shape"),
    ),
    refused(
        gbm.implicit_m_esm,
        ("slope", column, "slope of the model's score"),
        ("x", X[0], "hold data"),
        slope=log_linear,
    ),
    refused(gbm.nonnegative_score_matching, ("stein", X[:, :1], "stein must have"), slope=X),
    refused(
        lambda v: gbm.LikelihoodWeighting(PROCESS)(v),
        ("v", tensor([0.3, 0.5]), "v must lie in"),
        v=tensor([0.3, 0.4]),
    ),
    refused(gbm.PreconditionedWeighting, *each("log_std", (0.0, -0.3, NAN), "log_std")),
    refused(gbm.Denoiser, *DEVIATIONS, log_mean=0.27),
    refused(
        gbm.ScoreModel,
        *DEVIATIONS,
        **{"network": nn.Identity(), "parameterisation": gbm.Hyvarinen(), "log_mean": 0.27},
    ),
]

DESCENTS = (gbm.exponentiated_gradient_step, gbm.gradient_step)
SIGNED = tensor([0.3, -0.2])
MIRRORS = [
    refused(
        gbm.mirrored_langevin_step,
        *each("delta", (0.0, -0.1, INF, NAN), "delta"),
        *each("x", not_positive(-0.4), "positive"),
        ("stein", X[:, :1], "stein"),
        ("z", X[0], "z"),
    ),
    *(
        refused(
            step,
            ("eta", 0.0, "eta must be"),
            ("grad", X[0, :1], "grad must have the shape"),
            ("grad", X[0] / 0, "finite"),
        )
        for step in DESCENTS
    ),
    refused(
        gbm.bregman,
        ("w_ref", tensor([0.0, 1.0]), "the gradient of phi must be finite"),
        **{"phi": gbm.ENTROPY, "w": SIGNED, "w_ref": SIGNED},
    ),
]


@table(*SCORES, *GRIDS, *LAWS, *DIVERGENCES, *LIKELIHOODS, *OBJECTIVES, *MIRRORS)
def test_functions_refuse(refusal: Refusal) -> None:
    check(refusal)
