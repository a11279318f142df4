"""Public facts about the data sets and the feature network, as their authors published them."""

# Images for training and for testing: LeCun et al. 1998; Xiao et al. 2017; Clanuwat et al. 2018;
# Krizhevsky 2009.
SPLITS = {
    "MNIST": (60_000, 10_000),
    "Fashion-MNIST": (60_000, 10_000),
    "Kuzushiji-MNIST": (60_000, 10_000),
    "CIFAR-10": (50_000, 10_000),
}

# The layers of InceptionV3 that change the size of the picture (Szegedy et al. 2016, Table 1), as
# (kernel, stride), all without padding.
INCEPTION = ((3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 2), (3, 2))
# The grid before the last pooling, and that pooling's window.
FINAL_GRID = 8
