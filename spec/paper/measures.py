"""How the paper measures its samples: data sets, sample sizes, size of the pictures, best of many;
and its tables, of which the headers are left.
"""

from collections.abc import Mapping

from sympy import (
    Expr,
    Integer,
    Rational,
    Symbol,
    exp,
    expand,
    integrate,
    oo,
    pi,
    sqrt,
    symbols,
)

from spec.checking.algebra import same, vanishes
from spec.checking.claim import Claim, Erratum, Fault, Figure, Means, Values, v1, v2
from spec.paper._lost import lost

# Images for training and for testing: LeCun et al. 1998; Xiao et al. 2017; Clanuwat et al. 2018;
# Krizhevsky 2009.
SPLITS = {
    "MNIST": (60_000, 10_000),
    "Fashion-MNIST": (60_000, 10_000),
    "Kuzushiji-MNIST": (60_000, 10_000),
    "CIFAR-10": (50_000, 10_000),
}
# The layers of InceptionV3 that change the size of the picture (Szegedy et al. 2016, Table 1), as
# (kernel, stride), all without padding; the grid before the last pooling, and its window.
INCEPTION = ((3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 2), (3, 2))
FINAL_GRID = 8


def are_available(wanted: Mapping[str, int]) -> bool:
    """No score can use more real test images than the test splits hold: [[sizes]].

    The number of real samples is compared with the test split of each data set, as it was
    published. Appendix D.2 of version 1 gives the same for the three grey ones.
    """
    return all([count <= SPLITS[name][1] for name, count in wanted.items()])


def is_one_protocol(passages: Mapping[str, tuple[int, int]]) -> bool:
    """Version 1 can have used one pair (generated, real) for its scores only if its three passages
    give one pair, and real images that exist: such as [[pairs]].

    Section 6 says test images “and the same number of generated images”; Appendix F.1 and the
    caption of Table 1 give two other pairs. They are compared with each other and with the test
    splits.
    """
    pairs = set(passages.values())
    real = {name: count for _, count in pairs for name in SPLITS}
    return len(pairs) == 1 and are_available(real)


def fits_the_network(side: Expr) -> bool:
    """Pictures pass InceptionV3 with no row or column cut off and with a last grid of $g$ rows
    only if their sides have $[[of_grid]]$ pixels: [[side]] for the last pooling, whose window has
    [[grid]] rows.

    The layers are followed backwards: a layer that cuts nothing off needs one pixel less than its
    outputs times its stride, and a kernel.
    """
    found = Symbol("g")
    for kernel, stride in reversed(INCEPTION):
        found = (found - 1) * stride + kernel
    return same(found, side)


def is_the_bias_of_the_best(bias: Expr) -> bool:
    r"""The smallest of several noisy scores is too small on average, because it is at most each of
    them: for two configurations of equal quality, with normal noise of deviation $\tau$, by
    $[[it]]$.

    The average of the smaller of two standard normal variables is that of $z$ times twice the
    chance that the other one is larger. Integrated by parts this is minus twice the integral
    of the squared density, which SymPy finds. Version 1 reports “the best FID and KID scores
    obtained”, version 2 selects each setting by FID and KID; whether the reported scores are
    from fresh samples is not said. A score of new samples at the chosen setting is unbiased.
    """
    z, density, larger, tau = symbols("z density larger tau", positive=True)
    # d/dz of -2 density * larger, where density' = -z density and larger' = -density
    slope = -2 * (-z * density) * larger - 2 * density * -density
    by_parts = vanishes(slope - 2 * z * density * larger - 2 * density**2)
    line = Symbol("line", real=True)
    smaller = -2 * integrate((exp(-(line**2) / 2) / sqrt(2 * pi)) ** 2, (line, -oo, oo))
    return by_parts and expand(bias - tau * smaller) == 0


def _everywhere(count: int) -> dict[str, int]:
    return dict.fromkeys(SPLITS, count)


def _sizes(wanted: Mapping[str, int]) -> Values:
    return {"sizes": ", ".join(f"{name} {count}" for name, count in wanted.items())}


def _pairs(passages: Mapping[str, tuple[int, int]]) -> Values:
    said = (f"{made} and {real} in {where}" for where, (made, real) in passages.items())
    return {"pairs": ", ".join(said)}


def _missing() -> tuple[Figure, ...]:
    test, counted = SPLITS["MNIST"][1], _EVERYWHERE_PRINTED["MNIST"]
    return (
        Figure("images in each test split", test),
        Figure("real images that were counted but do not exist", counted - test),
    )


_EVERYWHERE_PRINTED = _everywhere(50_000)
_PASSAGES = ("Section 6", "Appendix F.1", "Table 1")
_AGREED = dict.fromkeys(_PASSAGES, (50_000, 10_000))

E23 = Claim(
    "E23",
    "real samples from the test set",
    are_available,
    holds=_everywhere(10_000),
    twins={
        "one image more": _everywhere(10_001),
        "training split for CIFAR-10": {**_everywhere(10_000), "CIFAR-10": 50_000},
    },
    printed={"more real samples than there are": _EVERYWHERE_PRINTED},
    shown=_sizes,
    means=Means.READING,
    sources=v1("App. F: FID and KID protocol") + v2("sec. 6.4: real samples"),
    depends=("datasets",),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote="“50,000 generated samples and 50,000 real samples from the test set” (version 2, "
        "Section 6.4; version 1, Appendix F.1): [[printed:sizes]] real ones.",
        trouble="There are fewer test images in each of the data sets. Either training images "
        "were used, or images were counted more than once, or all test images were used. The "
        "three give different scores: FID has a bias that falls with the sample size (Bińkowski "
        "et al. 2018; Chong and Forsyth 2020), so a reader cannot compare.",
        advice="State the number of real images and the split. With all test images, give the "
        "score of as many training images beside it as the floor.",
        figures=_missing,
        remains_open="Which images were used cannot be told from the text.",
    ),
)

SIZES = Claim(
    "E23-counts",
    "one experiment, three sample sizes",
    is_one_protocol,
    holds=_AGREED,
    twins={
        "agreement on what does not exist": dict.fromkeys(_PASSAGES, (50_000, 50_000)),
        "one passage different": {**_AGREED, "Section 6": (10_000, 10_000)},
    },
    printed={
        "the three passages": {**_AGREED, "Section 6": (10_000, 10_000),
                               "Appendix F.1": (50_000, 50_000)}
    },
    shown=_pairs,
    means=Means.READING,
    sources=v1("Table 1", "App. F: FID and KID protocol"),
    sheet=("E23",),
    depends=("E23",),
    erratum=Erratum(
        Fault.INCONSISTENT,
        quote="Generated and real images: [[printed:pairs]].",
        trouble="Both scores depend on the sample sizes, and the numbers of the table cannot be "
        "set beside other papers' without them.",
        advice="One pair of sizes, in one place, for every score.",
        figures=_missing,
        remains_open="The entries of Table 1 are lost in the text we have.",
    ),
)  # fmt: skip

_GRID = Symbol("g")


def _side(of_grid: Expr) -> Values:
    return {"of_grid": of_grid, "side": of_grid.subs(_GRID, FINAL_GRID)}


INPUT_SIZE = Claim(
    "E23-input",
    "input size of the feature network",
    fits_the_network,
    holds=32 * _GRID + 43,
    twins={
        "one pixel more": 32 * _GRID + 44,
        "one reduction left out": 16 * _GRID + 43,
        "one more grid": 32 * _GRID + 75,
    },
    printed={"229 x 229": 32 * _GRID - 27},
    shown=_side,
    values=lambda: {"grid": FINAL_GRID},
    sources=v1("App. F: FID and KID protocol"),
    sheet=("E23",),
    assumptions=("layers as in Table 1 of Szegedy et al. 2016",),
    erratum=Erratum(
        Fault.WRONG,
        quote="“resizing it to $229\\times229$ to match the input dimension expected by the "
        "InceptionV3 network” (version 1, Appendix F.1).",
        trouble="[[printed:side]] is not the input size of InceptionV3; either it is a misprint, "
        "or the features were taken from smaller pictures than the network was made for. Version "
        "2 prints the right side.",
        advice=r"Write $[[side]]\times[[side]]$, as in version 2.",
    ),
)

_TAU = Symbol("tau", positive=True)
BEST_OF = Claim(
    "best-of",
    "the best of several scores is biased",
    is_the_bias_of_the_best,
    holds=-_TAU / sqrt(pi),
    twins={
        "unbiased": Integer(0),
        "too large": _TAU / sqrt(pi),
        "variance for deviation": -(_TAU**2) / sqrt(pi),
        "half": -_TAU * Rational(1, 2) / sqrt(pi),
    },
    means=Means.CALCULUS,
    sources=v1("App. F: FID and KID protocol") + v2("App. E: grid search"),
    sheet=("E23",),
    assumptions=("the reported score is one of those that selected the configuration",),
)


def _published(of: int) -> str:
    return ", ".join(f"{name} {split[of]}" for name, split in SPLITS.items())


DATASETS = Claim(
    "datasets",
    "the data sets",
    means=Means.LITERATURE,
    sources=v1("App. D.2: datasets"),
    sheet=("E23",),
    values=lambda: {"train": _published(0), "test": _published(1)},
    statement="Images to train: [[train]]; to test: [[test]]. Those of CIFAR-10 are in colour.",
    reason="Facts about published files: LeCun et al. 1998; Xiao, Rasul and Vollgraf 2017; "
    "Clanuwat et al. 2018; Krizhevsky 2009. Appendix D.2 of version 1 states the first three "
    "rightly. The loaders of gbm_fast.data refuse files with other counts.",
)

METRICS = Claim(
    "metrics",
    "FID, KID and nearest neighbours",
    means=Means.LITERATURE,
    sources=v2("App. G: metrics") + v1("App. F: FID and KID protocol"),
    sheet=("E23",),
    statement="FID: Fréchet distance of the Gaussians fitted to InceptionV3 features of real and "
    "generated images. KID: squared maximum mean discrepancy of the features with a polynomial "
    "kernel. Nearest neighbours: training images at the smallest Euclidean distance.",
    reason="Definitions of others: Heusel et al. 2017 and Bińkowski et al. 2018. The paper names "
    "them without formulas. KID has an unbiased estimate; FID has a bias that depends on the "
    "sample size, which “more robust for small sample sizes” alludes to.",
)


TABLES = (
    lost(
        "V1-Table-1", "Table 1 of version 1", v1("Table 1"), "E23",
        "FID and KID of the samples on the three data sets, “using 50k generated samples and 10k "
        "real samples from the test set”.",
        "The caption survives, the entries do not. The text says that both scores are lowest for "
        "MNIST. They are measurements: nothing in the paper forces them, and with the sample "
        "sizes in doubt (E23-counts) they could not be repeated from the text.",
    ),
    lost(
        "Table-1", "FID and KID of version 2", v2("Table 1"), "E24",
        "Data set, sampler (ADLS, ASAMS), architecture, initialization (class average, "
        "lognormal), FID, KID: twelve rows for the grey data sets, eight for CIFAR-10, with and "
        "without a setting whose name is lost (terminal denoising).",
        "The rows' headers survive, all numbers are lost. They are measurements that nothing in "
        "the text forces. The comparison drawn from them, that class averages give “comparable "
        "or better” scores, cannot be looked at.",
    ),
    lost(
        "Table-2", "fitted log-normal parameters", v2("Table 2"), "E24",
        "Two parameters of the log-normal start for each of the four data sets, channel-wise for "
        "CIFAR-10 (Section 6.2).",
        "Both columns are lost. They are moments of published data at a known noise, so that they "
        "could be predicted if the settings and the fit were known; the text allows two fits "
        "(E24-fit), and `python -m validation.terminal_mismatch` computes both for version 1's "
        "settings. Section 6.3 also refers to this table for the terminal denoising, which its "
        "columns do not fit.",
    ),
    lost(
        "Table-3", "sampler settings, log-normal start", v2("Table 3"), "E24",
        "Sampler by data set; three columns, one of them headed “(approx.)”.",
        "All entries and two of the headers are lost. Section 6.3 says that three parameters were "
        "chosen by a grid search, without letters that could be read: by the notation of Section "
        "1.3 the step, the inner steps and the annealing factor.",
    ),
    lost(
        "Table-4", "sampler settings, class-average start", v2("Table 4"), "E24",
        "As Table 3, for the start from class averages; by Appendix E it differs from Table 3 for "
        "Fashion-MNIST and Kuzushiji-MNIST only.",
        "All entries and two of the headers are lost.",
    ),
)  # fmt: skip

CLAIMS = (E23, SIZES, INPUT_SIZE, BEST_OF, DATASETS, METRICS, *TABLES)
