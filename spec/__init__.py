"""What the paper states, proved or refuted by code where it can be decided.

"Dale meets Langevin" (arXiv 2510.02730, versions 1 and 2) is taken apart into claims. A claim is a
small record: the statement, where it stands, what it assumes and rests on, a routine that decides
it, nearby mistakes that the same routine must refuse, and the functions of `gbm_ref` that it pins.
`python -m spec` runs all of it.

    checking    the record and the means of proof: polynomial identities, Gaussian moments,
                high-precision numbers, pins; how formulas are printed from what is accepted
    verdicts    the status of every claim, computed
    pages       the table, ERRATA.md, TRACE.md and the page for a browser, made from the records
    catalogue   all claims; `inventory` lists what the paper states, so that nothing is left out
    process, targets, scores, objectives, steps, exact, mirror, divergence
                the claims, under the names of the modules of `gbm_ref` that they pin;
                `reverse` holds the reverse-time equations and `paper` what is said about
                experiments

SymPy and mpmath are all that it needs."""
