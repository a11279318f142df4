"""What the paper states and the equation sheet lists: everything that some claim must be about.

A claim names its places in the paper and its items of the sheet with the strings of this module;
`python -m spec` fails when one of them is named by no claim, or a claim names one that is not
here."""

PAPER: dict[str, tuple[str, ...]] = {
    "v1": (*(f"eq. {n}" for n in range(1, 34)), "Algorithm 1", "Algorithm 2", "Theorem 5.1",
        "Theorem C.1", "Table 1", "abstract: Fokker-Planck density",
        "abstract: sampling equivalent of EGD", "abstract: subsumes non-negative score matching",
        "sec. 1.1: log transform loses the richness",
        "sec. 2: squared norm gives gradient descent", "sec. 2: unnormalised relative entropy",
        "sec. 2: EGD weights are log-normal", "sec. 2: equilibrium of GBM",
        "sec. 4: Ornstein-Uhlenbeck", "sec. 4: solution of eq. 6",
        "sec. 4: law of the solution of eq. 6", "sec. 4: law of X_t", "sec. 4: solution of eq. 8",
        "sec. 4: terminal samples are log-normal", "Fig. 1: noise becomes log-normal",
        "sec. 4: score change of variables", "sec. 5: subsumes non-negative score matching",
        "sec. 5: motivation of non-negative score matching", "sec. 6: settings", "App. B: mean",
        "App. B: variance", "App. B: multivariate", "App. C: positivity of the densities",
        "App. D.2: datasets", "App. D.3: iterations", "App. D.4: operator splitting",
        "App. D.4: initial fit", "App. D.4: settings", "App. E: samples are noise-free",
        "App. F: FID and KID protocol", "App. F: nearest neighbours"),
    "v2": (*(f"eq. {n}" for n in range(1, 39)), "Algorithm 1", "Algorithm 2", "Theorem 4.1",
        "Theorem B.1", "Assumption 1", "Assumption 2", "Table 1", "Table 2", "Table 3", "Table 4",
        "abstract: EGD weights are log-normal", "abstract: marginal of GBM is log-normal",
        "abstract: subsumes non-negative score matching",
        "sec. 1: Langevin is gradient descent on KL", "sec. 3: Ornstein-Uhlenbeck",
        "sec. 3: solution of eq. 4", "sec. 3: law of X_t", "sec. 3: marginal is log-normal",
        "sec. 3: terminal samples are log-normal", "sec. 3.1: score change of variables",
        "sec. 4: sampling the marginal is intractable", "sec. 4: special case at t = 0",
        "sec. 4: motivation of non-negative score matching", "sec. 5: one convex generator",
        "sec. 5.1: squared norm gives gradient descent", "sec. 5.1: unnormalised relative entropy",
        "sec. 5.1: EGD weights are log-normal", "sec. 5.1: structural equivalence",
        "sec. 5.2: recovered from eq. 11", "sec. 5.2: convergence guarantees", "sec. 6: settings",
        "sec. 6.1: class conditioning", "sec. 6.2: class-averaged initialization",
        "sec. 6.2: lognormal initialization", "sec. 6.3: setting that recovers Euler-Maruyama",
        "sec. 6.3: decay of the noise", "sec. 6.3: terminal denoising", "sec. 6.4: real samples",
        "sec. 6.4: initialization is critical", "sec. 7: log-normal marginal",
        "sec. 7: positivity throughout", "sec. 7: equivalent to additive Langevin dynamics",
        "App. A: mean and variance", "App. A: multivariate", "App. B: positivity of the densities",
        "App. C: choice of drift and diffusion", "App. C: target", "App. D: Gaussian case",
        "App. D: score of the log-normal target", "App. D: recursion", "App. D: unrolled",
        "App. D: limit measure", "App. D: bias of GBM", "App. E: training details",
        "App. E: grid search", "App. F: samples", "App. G: metrics", "App. G.1: memorization",
        "App. G.2: annealing", "App. G.2: fit to class averages")}  # fmt: skip

# The sheet has no E29 and no R12; R1-R25 include the lettered ones.
SHEET: tuple[str, ...] = (*(f"A{n}" for n in range(1, 39)), "A-Thm", "A-Assumption-1",
    "A-Assumption-2", "A-Alg1", "A-Alg2", *(f"E{n}" for n in range(1, 35) if n != 29),
    *(f"R{n}" for n in range(1, 26) if n != 12), "R4b", "R10b", "R14b", "R20b", "R24b", "R24c",
    "C4", "C6")  # fmt: skip

PLACES = [f"{version} {place}" for version, places in PAPER.items() for place in places]
LISTED = (*PLACES, *(f"sheet {item}" for item in SHEET))
