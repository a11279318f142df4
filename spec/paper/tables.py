"""The tables and data sets of the paper: what their headers say, and what is lost."""

from spec.checking.old import Claim, Kind, Means, v1, v2

DATASETS = Claim(
    id="datasets",
    title="the data sets",
    statement="MNIST, Fashion-MNIST and Kuzushiji-MNIST: 70,000 grey images of 28 x 28 pixels, "
    "60,000 to train and 10,000 to test. CIFAR-10: 60,000 colour images of 32 x 32, 50,000 and "
    "10,000.",
    kind=Kind.CITED,
    means=Means.LITERATURE,
    sources=v1("App. D.2: datasets"),
    sheet=("E23",),
    reason="Facts about published files: LeCun et al. 1998; Xiao, Rasul and Vollgraf 2017; "
    "Clanuwat et al. 2018; Krizhevsky 2009. Appendix D.2 of version 1 states the first three "
    "rightly. The loaders of gbm_fast.data refuse files with other counts.",
)

METRICS = Claim(
    id="metrics",
    title="FID, KID and nearest neighbours",
    statement="FID: Fréchet distance of the Gaussians fitted to InceptionV3 features of real and "
    "generated images. KID: squared maximum mean discrepancy of the features with a polynomial "
    "kernel. Nearest neighbours: training images at the smallest Euclidean distance.",
    kind=Kind.CITED,
    means=Means.LITERATURE,
    sources=(*v2("App. G: metrics"), *v1("App. F: FID and KID protocol")),
    sheet=("E23",),
    reason="Definitions of others: Heusel et al. 2017 and Bińkowski et al. 2018. The paper names "
    "them without formulas. KID has an unbiased estimate; FID has a bias that depends on the "
    "sample size, which “more robust for small sample sizes” alludes to.",
)

V1_TABLE = Claim(
    id="V1-Table-1",
    title="Table 1 of version 1",
    statement="FID and KID of the samples on the three data sets, “using 50k generated samples "
    "and 10k real samples from the test set”.",
    kind=Kind.UNRECOVERABLE,
    means=Means.NONE,
    sources=v1("Table 1"),
    sheet=("E23",),
    reason="The caption survives, the entries do not. The text says that both scores are lowest "
    "for MNIST. They are measurements: nothing in the paper forces them, and with the sample "
    "sizes in doubt (E23-counts) they could not be repeated from the text.",
)


def _table(number: int, title: str, statement: str, reason: str) -> Claim:
    return Claim(
        id=f"Table-{number}",
        title=title,
        statement=statement,
        kind=Kind.UNRECOVERABLE,
        means=Means.NONE,
        sources=v2(f"Table {number}"),
        sheet=("E24",),
        reason=reason,
    )


TABLE_1 = _table(
    1,
    "FID and KID of version 2",
    "Data set, sampler (ADLS, ASAMS), architecture, initialization (class average, lognormal), "
    "FID, KID: twelve rows for the grey data sets, eight for CIFAR-10, with and without a setting "
    "whose name is lost (terminal denoising).",
    "The rows' headers survive, all numbers are lost. They are measurements that nothing in the "
    "text forces. The comparison drawn from them, that class averages give “comparable or "
    "better” scores, cannot be looked at.",
)
TABLE_2 = _table(
    2,
    "fitted log-normal parameters",
    "Two parameters of the log-normal start for each of the four data sets, channel-wise for "
    "CIFAR-10 (Section 6.2).",
    "Both columns are lost. They are moments of published data at a known noise, so that they "
    "could be predicted if the settings and the fit were known; the text allows two fits "
    "(E24-fit), and `python -m validation.terminal_mismatch` computes both for version 1's "
    "settings. Section 6.3 also refers to this table for the terminal denoising, which its "
    "columns do not fit.",
)
TABLE_3 = _table(
    3,
    "sampler settings, log-normal start",
    'Sampler by data set; three columns, one of them headed "(approx.)".',
    "All entries and two of the headers are lost. Section 6.3 says that three parameters were "
    "chosen by a grid search, without letters that could be read: by the notation of Section 1.3 "
    "the step, the inner steps and the annealing factor.",
)
TABLE_4 = _table(
    4,
    "sampler settings, class-average start",
    "As Table 3, for the start from class averages; by Appendix E it differs from Table 3 for "
    "Fashion-MNIST and Kuzushiji-MNIST only.",
    "All entries and two of the headers are lost.",
)

CLAIMS = (DATASETS, METRICS, V1_TABLE, TABLE_1, TABLE_2, TABLE_3, TABLE_4)
