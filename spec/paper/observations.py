"""What the paper says about its pictures, and the part of it that mathematics can decide.

Symbols: h = sigma^2 delta; kappa the noise factor of a step; x1 a training image; levels k.
"""

from collections.abc import Mapping

import mpmath
from sympy import Expr, symbols

from spec.checking.algebra import same
from spec.checking.gaussian import expectation
from spec.checking.numeric import rounds_to
from spec.checking.old import Claim, Kind, Means, Proof, v1, v2
from spec.checking.symbols import kappa, mu, s2
from spec.exact.published import output_variance


def is_the_residue(grey_levels: Mapping[str, str]) -> bool:
    """Whether the residual noise has these standard deviations, in grey levels of a dark pixel.

    x = 1 + u/255, so du = 255 x d(log x), and x = 1. The log-variance is that of R10b for a point
    mass. `grey_levels` holds the deviation for the in-place loop (L = 3 inner steps take effect)
    and for the loop as printed (one does).
    """
    with mpmath.workdps(50):
        deviations = {
            "in place": 255 * mpmath.sqrt(output_variance("0", 3)),
            "as printed": 255 * mpmath.sqrt(output_variance("0", 1)),
        }
        return grey_levels.keys() == deviations.keys() and all(
            rounds_to(deviations[name], text) for name, text in grey_levels.items()
        )


RESIDUE = Claim(
    id="noise-free",
    title="noise that the published sampler leaves",
    statement="With version 1's settings, the exact score and data that are one image, a dark "
    "pixel ends with noise of 2.1 grey levels of 255 if the inner loop works in place, and of 44 "
    "if the loop is run as printed. “Noise-free” pictures are what the first leaves, not the "
    "second.",
    kind=Kind.PROVED,
    means=Means.EXACT_LAW,
    sources=(*v1("App. E: samples are noise-free"), *v2("App. F: samples")),
    sheet=("R10b",),
    assumptions=(
        "the exact score of one image, the score being what removes the noise",
        "the start is exact at k = 999",
        "version 1's settings; those of version 2 are lost",
    ),
    depends=("R10b", "E3", "settings"),
    derivation=r"Per inner step $V\leftarrow(1-\frac{h_s}{v_k})^2V+\chi^{2i}h_s$, $v_k=kh$; three "
    "times a level in place, once as printed (E3). From $V=999h$ at $k=999$ the recursion ends at "
    r"$V_0$; $du=255\,x\,d\log x$ gives grey levels. The recursion is run at 50 digits.",
    proof=Proof(
        is_the_residue,
        holds={"in place": "2.1", "as printed": "44"},
        twins={
            "the two exchanged": {"in place": "44", "as printed": "2.1"},
            "no noise at all": {"in place": "0.0", "as printed": "0"},
            "noise-free in both readings": {"in place": "2.1", "as printed": "2"},
        },
    ),
)

SEEN = Claim(
    id="samples-seen",
    title="what is seen on the samples",
    statement="The samples are diverse, resemble the training data, some are entirely novel; "
    "those of Fashion-MNIST are less diverse, which “is by no means evidence of mode collapse”.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=(*v1("App. E: samples are noise-free"), *v2("App. F: samples")),
    sheet=("R10b",),
    reason="A judgement on pictures, which are not in the text we have. Neither algebra nor the "
    "text can decide it. What can be decided is what the sampler does to a known law: annealing "
    "without a change of the drift loses variance (E18), which is less diversity with an exact "
    "score.",
)


def is_the_distance(distance: Expr) -> bool:
    """Whether E |log X_0 - log x1|^2 = distance for two pixels, after the last step of A13.

    The sampler has memorised x1: its score is that of X_1 = x1 e^{m delta + sqrt(h) Z}, so that
    H = -1 + (log x1 + m delta - log X_1)/h. The step is made from an arbitrary state.
    """
    delta = symbols("delta", positive=True)
    z = symbols("z1 z2")
    total = 0
    for i in (0, 1):
        state, image = symbols(f"y{i} l{i}")
        score = -1 + (image + (mu - s2 / 2) * delta - state) / (s2 * delta)
        noise = kappa * symbols("r") * z[i]  # r = sqrt(h)
        new = state - delta * (mu - 3 * s2 / 2) + delta * s2 * score + noise
        total += expectation((new - image) ** 2, z[i], 0, 1)
    return same(total.subs(symbols("r") ** 2, s2 * delta), distance)


_delta = symbols("delta", positive=True)

MEMORISATION = Claim(
    id="memorisation-floor",
    title="a sampler that has memorised does not return identical images",
    statement=r"With the exact score of the training set the last step of A13 returns a training "
    r"image times $e^{\kappa\sqrt hZ}$: the mean squared log-distance to it is $d\kappa^2h>0$, "
    "and an identical image has probability 0. That samples are “not identical” to training "
    "images does not by itself tell a model that generalises from one that does not.",
    kind=Kind.PROVED,
    means=Means.ALGEBRA,
    sources=(*v1("App. F: nearest neighbours"), *v2("App. G.1: memorization")),
    sheet=("R3",),
    assumptions=("well separated training images, so that one weight is 1", "delta_s = delta"),
    depends=("R3", "A13"),
    derivation=r"Near one image $x^{(1)}$ the empirical score is $H=-\mathbf 1+(\log "
    r"x^{(1)}+m\delta-\log X_1)/h$. Insert it in A13: the state cancels, and $\log X_0=\log "
    r"x^{(1)}+\kappa\sqrt hZ$. At $\sigma=0.8$, $N=1000$ that is 2.5 % per pixel: the eye takes "
    "it for the same image. What can tell is a comparison with the distances of test images to "
    "the training set.",
    proof=Proof(
        is_the_distance,
        holds=2 * kappa**2 * s2 * _delta,
        twins={
            "identical": 0 * s2,
            "one pixel": kappa**2 * s2 * _delta,
            "noise factor not squared": 2 * kappa * s2 * _delta,
        },
    ),
)

NEIGHBOURS = Claim(
    id="neighbours-seen",
    title="nearest neighbours of the samples",
    statement="The nearest training images, by pixels and by InceptionV3 features, are "
    "semantically coherent with the samples but not identical.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=(*v1("App. F: nearest neighbours"), *v2("App. G.1: memorization")),
    sheet=("R3",),
    reason="A judgement on pictures, which are not in the text we have. What it can show is "
    "limited by memorisation-floor.",
)

TRAINING = Claim(
    id="training-v2",
    title="training of version 2",
    statement="AdamW; numbers of iterations for each data set; an exponential moving average over "
    "the checkpoints of CIFAR-10.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v2("App. E: training details"),
    sheet=("E24",),
    reason="All numbers are lost in the text we have and nothing forces them; version 1 gives "
    "300k and 200k (E24). Neither version gives the learning rate or the batch size.",
)

GRID = Claim(
    id="grid-search",
    title="how the settings were chosen",
    statement="Three settings are chosen by a grid search that minimises FID and KID.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v2("App. E: grid search"),
    sheet=("E24",),
    reason="The letters, the grid and the number of samples are lost. The procedure is stated "
    "clearly; what the selection does to a score is claim best-of.",
)

CLAIMS = (RESIDUE, SEEN, MEMORISATION, NEIGHBOURS, TRAINING, GRID)
