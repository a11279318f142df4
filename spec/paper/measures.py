"""How the paper measures its samples, and its tables, of which the headers are left."""

from collections.abc import Mapping

from sympy import Expr, Integer, Symbol, exp, expand, integrate, oo, pi, sqrt

from spec.checking.algebra import same
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, v1, v2
from spec.paper.settings import lost

# Images for training and for testing (see claim datasets).
SPLITS = {"MNIST": (60_000, 10_000), "Fashion-MNIST": (60_000, 10_000),
          "Kuzushiji-MNIST": (60_000, 10_000), "CIFAR-10": (50_000, 10_000)}  # fmt: skip
# The layers of InceptionV3 that change the size of the picture (Szegedy et al. 2016, Table 1), as
# (kernel, stride), all without padding; the grid before the last pooling, and its window. The side
# is that of the pictures in the same table and in version 2.
INCEPTION = ((3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 2), (3, 2))
FINAL_GRID, SIDE = 8, 299
_GRID, _TAU = Symbol("g"), Symbol("tau", positive=True)


def are_available(wanted: Mapping[str, int]) -> bool:
    """No score can use more different real test images than the test splits hold: [[sizes]].

    The number of real samples is compared with the published test split of each data set."""
    return dict(wanted) == {name: test for name, (_, test) in SPLITS.items()}


def is_one_protocol(passages: Mapping[str, tuple[int, int]]) -> bool:
    """Version 1 can have used one pair (generated, different real test images) for its scores only
    if its three passages give one, with no more real ones than a test split holds: as [[pairs]].

    The pairs are compared with each other and with the test splits."""
    pairs = set(passages.values())
    most = min(test for _, test in SPLITS.values())
    return len(pairs) == 1 and all(real <= most for _, real in pairs)


def fits_the_network(side: Expr) -> bool:
    """Pictures pass InceptionV3 with no row or column cut off and with a last grid of $g$ rows
    only if their sides have $[[of_grid]]$ pixels: [[side]] for the last pooling, whose window has
    [[grid]] rows.

    The layers are followed backwards: a layer that cuts nothing off needs its kernel, and its
    stride once more for each further output."""
    found = _GRID
    for kernel, stride in reversed(INCEPTION):
        found = (found - 1) * stride + kernel
    return same(found, side) and same(side.subs(_GRID, FINAL_GRID), SIDE)


def is_the_bias_of_the_best(bias: Expr) -> bool:
    r"""For two configurations of equal quality, whose scores have independent normal noise of
    deviation $\tau$, the smaller score is off by $[[it]]$ on average.

    The smaller of two numbers is their average less half of their distance; the difference of the
    scores is normal with twice the variance, over which SymPy integrates. Version 1 reports “the
    best FID and KID scores obtained”, version 2 selects by FID and KID; whether the reported
    scores are from fresh samples, which have no such bias, is not said."""
    apart = Symbol("apart", positive=True)
    density = exp(-(apart**2) / (4 * _TAU**2)) / sqrt(4 * pi * _TAU**2)
    return expand(bias + integrate(2 * apart * density, (apart, 0, oo)) / 2) == 0


def _everywhere(count: int) -> dict[str, int]:
    return dict.fromkeys(SPLITS, count)


_AGREED = dict.fromkeys(("Section 6", "Appendix F.1", "Table 1"), (50_000, 10_000))
E23 = Claim(
    "E23", "real samples from the test set", are_available, holds=_everywhere(10_000), twins={
        "one image more": _everywhere(10_001), "one image less": _everywhere(9_999),
        "training split for CIFAR-10": {**_everywhere(10_000), "CIFAR-10": 50_000},
    }, printed={"more real samples than there are": _everywhere(50_000)},
    shown=lambda wanted: {"sizes": ", ".join(f"{k} {n}" for k, n in wanted.items())},
    means=Means.READING, sources=v1("App. F: FID and KID protocol") + v2("sec. 6.4: real samples"),
    depends=("datasets",), erratum=Erratum(
        Fault.INCONSISTENT,
        quote="“50,000 generated samples and 50,000 real samples from the test set” (version 2, "
        "Section 6.4; likewise version 1, Appendix F.1): [[printed:sizes]] real ones.",
        trouble="Each data set has fewer test images. Whether training images were used, images "
        "counted more than once, or fewer used, makes a difference: FID has a bias that falls "
        "with the sample size (Bińkowski et al. 2018; Chong and Forsyth 2020).",
        advice="State the number of real images and the split, with the score of as many training "
        "images to compare.", remains_open="Which images were used.",
        figures=lambda: (Figure("images in the test split of MNIST", SPLITS["MNIST"][1]),),
    ))  # fmt: skip

SIZES = Claim(
    "E23-counts", "one experiment, three sample sizes", is_one_protocol, holds=_AGREED, twins={
        "agreement on more than a test split holds": dict.fromkeys(_AGREED, (50_000, 50_000)),
        "one passage different": {**_AGREED, "Section 6": (10_000, 10_000)},
    }, printed={"the three passages": _AGREED | {
        "Section 6": (10_000, 10_000), "Appendix F.1": (50_000, 50_000),
    }}, shown=lambda said: {
        "pairs": ", ".join(f"{made} and {real} in {k}" for k, (made, real) in said.items())
    }, means=Means.READING, sources=v1("Table 1", "App. F: FID and KID protocol"),
    sheet=("E23",), depends=("E23", "datasets"), erratum=Erratum(
        Fault.INCONSISTENT, quote="Generated and real images: [[printed:pairs]].",
        trouble="FID depends on the sample sizes (E23) and cannot be compared without them.",
        advice="One pair of sizes, in one place, for every score.",
        remains_open="The entries of Table 1 are lost.",
    ))  # fmt: skip

INPUT_SIZE = Claim(
    "E23-input", "input size of the feature network", fits_the_network, holds=32 * _GRID + 43,
    twins={
        "one pixel more": 32 * _GRID + 44, "one reduction left out": 16 * _GRID + 43,
        "one more grid": 32 * _GRID + 75,
    }, printed={"229 x 229": Integer(229)}, shown=lambda of_grid: {"of_grid": of_grid},
    values=lambda: {"grid": FINAL_GRID, "side": SIDE},
    sources=v1("App. F: FID and KID protocol"), sheet=("E23",),
    assumptions=("layers as in Table 1 of Szegedy et al. 2016",), erratum=Erratum(
        Fault.WRONG,
        quote="“resizing it to $229\\times229$ to match the input dimension expected by the "
        "InceptionV3 network” (version 1, Appendix F.1).",
        trouble="It is a misprint, or the pictures were smaller than the network was made for.",
        advice=r"Write $[[side]]\times[[side]]$, as in version 2.",
    ))  # fmt: skip

BEST_OF = Claim(
    "best-of", "the better of two scores is biased", is_the_bias_of_the_best,
    holds=-_TAU / sqrt(pi), twins={
        "unbiased": Integer(0), "too large": _TAU / sqrt(pi),
        "variance for deviation": -(_TAU**2) / sqrt(pi), "half": -_TAU / (2 * sqrt(pi)),
    }, means=Means.CALCULUS,
    sources=v1("App. F: FID and KID protocol") + v2("App. E: grid search"), sheet=("E23",),
    assumptions=("the reported score is one of those that selected the configuration",),
)  # fmt: skip

DATASETS = Claim(
    "datasets", "the data sets", means=Means.LITERATURE, sources=v1("App. D.2: datasets"),
    sheet=("E23",), values=lambda: {
        slot: ", ".join(f"{name} {split[of]}" for name, split in SPLITS.items())
        for of, slot in enumerate(("train", "test"))
    },
    statement="Images to train: [[train]]; to test: [[test]]. Those of CIFAR-10 are in colour.",
    reason="Facts about published files: LeCun et al. 1998; Xiao, Rasul and Vollgraf 2017; "
    "Clanuwat et al. 2018; Krizhevsky 2009. Appendix D.2 of version 1 has the first three.",
)  # fmt: skip

METRICS = Claim(
    "metrics", "FID, KID and nearest neighbours", means=Means.LITERATURE,
    sources=v2("App. G: metrics") + v1("App. F: FID and KID protocol"), sheet=("E23",),
    statement="FID: squared Fréchet distance of the Gaussians fitted to InceptionV3 features of "
    "real and generated images. KID: squared maximum mean discrepancy of the features with a "
    "polynomial kernel. Nearest neighbours: training images at the smallest Euclidean distance.",
    reason="Definitions of others (Heusel et al. 2017; Bińkowski et al. 2018), without formulas.",
)  # fmt: skip

TABLES = (
    lost(
        "V1-Table-1", "Table 1 of version 1", sources=v1("Table 1"), sheet=("E23",),
        statement="FID and KID of the samples on the three data sets, “using 50k generated "
        "samples and 10k real samples from the test set”.",
        reason="The entries, measurements, are lost; by the text both are lowest for MNIST.",
    ), lost(
        "Table-1", "FID and KID of version 2", sources=v2("Table 1"),
        statement="Data set, sampler (ADLS, ASAMS), architecture, initialization (class average, "
        "lognormal), FID, KID: twelve rows for the grey data sets, eight for CIFAR-10, with and "
        "without a setting whose name is lost (terminal denoising).",
        reason="All numbers are lost, measurements that nothing in the text forces; that class "
        "averages give “comparable or better” scores cannot be looked at.",
    ))  # fmt: skip
CLAIMS = (E23, SIZES, INPUT_SIZE, BEST_OF, DATASETS, METRICS, *TABLES)
