"""How the paper measures its samples: sizes of the samples, size of the pictures, best of several.

Facts about data sets and network: spec/paper/_protocol.py.
"""

from collections.abc import Callable, Mapping

import mpmath
from mpmath import mpf

from spec.checking.numeric import agree, normal_expectation
from spec.checking.old import Claim, Erratum, Fault, Figure, Kind, Means, Proof, v1, v2
from spec.paper._protocol import FINAL_GRID, INCEPTION, SPLITS


def are_available(wanted: Mapping[str, int]) -> bool:
    """Whether each data set's test split holds that many distinct images."""
    return all(count <= SPLITS[name][1] for name, count in wanted.items())


def is_one_protocol(passages: Mapping[str, tuple[int, int]]) -> bool:
    """Whether all passages give one pair (generated, real), and the real images exist."""
    pairs = set(passages.values())
    real_images = {name: real for _, real in pairs for name in SPLITS}
    return len(pairs) == 1 and are_available(real_images)


def fits_the_network(side: int) -> bool:
    """Whether pictures of side x side pixels pass InceptionV3 with no row or column cut off.

    Each layer must use up its input, (n - kernel) divisible by the stride, and the grid that
    reaches the last pooling must be as large as its window.
    """
    for kernel, stride in INCEPTION:
        if (side - kernel) % stride:
            return False
        side = (side - kernel) // stride + 1
    return side == FINAL_GRID


def _everywhere(count: int) -> dict[str, int]:
    return dict.fromkeys(SPLITS, count)


_PASSAGES = ("Section 6", "Appendix F.1", "Table 1")


def _missing() -> tuple[Figure, ...]:
    test = SPLITS["MNIST"][1]
    return (
        Figure("images in each test split", test),
        Figure("real images that were counted but do not exist", 50_000 - test),
    )


E23 = Claim(
    id="E23",
    title="real samples from the test set",
    statement="The test splits of MNIST, Fashion-MNIST, Kuzushiji-MNIST and CIFAR-10 hold 10,000 "
    "images each: no score can use more real test images than that.",
    kind=Kind.REFUTED,
    means=Means.TEXT,
    sources=(*v1("App. F: FID and KID protocol"), *v2("sec. 6.4: real samples")),
    sheet=("E23",),
    depends=("datasets",),
    derivation="Version 1, Appendix D.2, gives 60,000 and 10,000 images for the three grey data "
    "sets; CIFAR-10 was published with 50,000 and 10,000. The number of real samples is compared "
    "with the test split of each.",
    proof=Proof(
        are_available,
        holds=_everywhere(10_000),
        twins={
            "one image more": _everywhere(10_001),
            "training split for CIFAR-10": {**_everywhere(10_000), "CIFAR-10": 50_000},
        },
        printed={"50,000 real samples from the test set": _everywhere(50_000)},
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed='"50,000 generated samples and 50,000 real samples from the test set" (version '
        "2, Section 6.4; version 1, Appendix F.1).",
        trouble="There are 10,000 test images in each of the data sets. Either training images "
        "were used, or images were counted more than once, or 10,000 were used. The three give "
        "different scores: FID has a bias that falls with the sample size (Bińkowski et al. 2018; "
        "Chong and Forsyth 2020), so a reader cannot compare.",
        correction="State the number of real images and the split. With all 10,000 test images, "
        "give the score of 10,000 training images beside it as the floor.",
        figures=_missing,
        remains_open="Which images were used cannot be told from the text.",
    ),
)

SIZES = Claim(
    id="E23-counts",
    title="one experiment, three sample sizes",
    statement="Version 1 can have used one pair (generated, real) for its scores only if its "
    "three passages agree, and agree on real images that exist. 50,000 and 10,000, as in the "
    "caption of Table 1, is such a pair.",
    kind=Kind.REFUTED,
    means=Means.TEXT,
    sources=v1("Table 1", "App. F: FID and KID protocol"),
    sheet=("E23",),
    depends=("E23",),
    derivation='Section 6 says 10,000 test images "and the same number of generated images"; '
    "Appendix F.1 says 50,000 and 50,000; the caption of Table 1 says 50,000 and 10,000. They are "
    "compared with each other and with the test split.",
    proof=Proof(
        is_one_protocol,
        holds=dict.fromkeys(_PASSAGES, (50_000, 10_000)),
        twins={
            "agreement on what does not exist": dict.fromkeys(_PASSAGES, (50_000, 50_000)),
            "one passage different": {
                **dict.fromkeys(_PASSAGES, (50_000, 10_000)),
                "Section 6": (10_000, 10_000),
            },
        },
        printed={
            "the three passages": {
                "Section 6": (10_000, 10_000),
                "Appendix F.1": (50_000, 50_000),
                "Table 1": (50_000, 10_000),
            }
        },
    ),
    erratum=Erratum(
        fault=Fault.INCONSISTENT,
        printed="10,000 against 10,000 (Section 6), 50,000 against 50,000 (Appendix F.1), 50,000 "
        "against 10,000 (caption of Table 1).",
        trouble="Both scores depend on the sample sizes, and the numbers of the table cannot be "
        "set beside other papers' without them.",
        correction="One pair of sizes, in one place, for every score.",
        figures=_missing,
        remains_open="The entries of Table 1 are lost in the text we have.",
    ),
)

INPUT_SIZE = Claim(
    id="E23-input",
    title="input size of the feature network",
    statement="InceptionV3 takes pictures of 299 x 299 pixels.",
    kind=Kind.REFUTED,
    means=Means.TEXT,
    sources=v1("App. F: FID and KID protocol"),
    sheet=("E23",),
    assumptions=("layers as in Table 1 of Szegedy et al. 2016",),
    derivation="The size is passed through the seven layers that change it, five of the stem and "
    "two reductions: 299, 149, 147, 73, 71, 35, 17, 8. It is the only side for which no row or "
    "column is cut off anywhere and the last grid is as large as the last pooling, 8 x 8.",
    proof=Proof(
        fits_the_network,
        holds=299,
        twins={"one pixel more": 300, "the size of other networks": 224, "one level up": 587},
        printed={"229 x 229": 229},
    ),
    erratum=Erratum(
        fault=Fault.WRONG,
        printed='"resizing it to $229\\times229$ to match the input dimension expected by the '
        'InceptionV3 network" (version 1, Appendix F.1).',
        trouble="229 is not the input size of InceptionV3; either it is a misprint, or the "
        "features were taken from smaller pictures than the network was made for. Version 2 "
        "prints 299.",
        correction=r"$299\times299$, as in version 2.",
    ),
)


def is_the_bias_of_the_best(bias: Callable[[mpf], mpf]) -> bool:
    """Whether E min(S1, S2) = score + bias(deviation), S1 and S2 independent N(score, dev^2).

    Left: score + dev E min(Z1, Z2), where E min = -int z d/dz [1 - P(Z > z)^2] is the average of
    2 Z P(Z' > Z), integrated against the normal density.
    """
    with mpmath.workdps(50):
        smaller = normal_expectation(lambda z: 2 * z * mpmath.erfc(z / mpmath.sqrt(2)) / 2)
        return all(
            agree(deviation * smaller, bias(deviation)) for deviation in (mpf("0.3"), mpf(7))
        )


BEST_OF = Claim(
    id="best-of",
    title="the best of several scores is biased",
    statement=r"The smallest of several noisy scores is too small on average: $\mathbb "
    r"E\min_iS_i\le\min_i\mathbb ES_i$. For two configurations of equal quality, normal noise of "
    r"deviation $\tau$: $-\tau/\sqrt\pi$.",
    kind=Kind.PROVED,
    means=Means.QUADRATURE,
    sources=(*v1("App. F: FID and KID protocol"), *v2("App. E: grid search")),
    sheet=("E23",),
    assumptions=("the reported score is one of those that selected the configuration",),
    derivation=r"$\min_iS_i\le S_j$ for every $j$; average. For two equal normal scores $\mathbb "
    r"E\min=\mathbb E\,2Z\,P(Z'>Z)$, which by parts is $-2\int\varphi^2=-1/\sqrt\pi$; the "
    'integral is done numerically to 30 digits. Version 1 reports "the best FID and KID scores '
    'obtained", version 2 selects each setting by FID and KID; whether the reported scores are '
    "from fresh samples is not said. A score of new samples at the chosen setting is unbiased.",
    proof=Proof(
        is_the_bias_of_the_best,
        holds=lambda deviation: -deviation / mpmath.sqrt(mpmath.pi),
        twins={
            "unbiased": lambda deviation: mpf(0),
            "too large": lambda deviation: deviation / mpmath.sqrt(mpmath.pi),
            "variance for deviation": lambda deviation: -(deviation**2) / mpmath.sqrt(mpmath.pi),
        },
    ),
)

CLAIMS = (E23, SIZES, INPUT_SIZE, BEST_OF)
