"""Statistical tests with stated error rates.

| module | what it holds |
| --- | --- |
| `ledger.toml`, `ledger` | every statistical assertion, and the sums of its error rates |
| `checks` | the statistics: exact or distribution-free, each with its own rejection |
| `laws` | null laws: closed forms, exact mixtures, one-dimensional quadrature |
| `scenario`, `families/` | what is drawn, how it is looked at, and its twins |
| `pieces` | samplers taken apart, and the bugs that are planted in a piece |
| `catalogue`, `matrix`, `MATRIX.md` | which check rejects which twin, by exact laws |
| `seeds` | random numbers as a function of a test's id and of the run seed |
| `audit` | many run seeds, recorded in validation/results |
| `witness` | the same equations for torchsde |"""
