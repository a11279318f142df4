"""Statistical tests with stated error rates.

| module | what it holds |
| --- | --- |
| `ledger.toml`, `ledger` | every statistical assertion, and the sums of its error rates |
| `checks` | the statistics: exact or distribution-free, each with its own rejection |
| `laws`, `transport` | null laws: closed forms, exact mixtures, one-dimensional quadrature |
| `scenario`, `catalogue` | what is drawn, how it is looked at, and the twins with a planted bug |
| `families/` | the scenarios |
| `matrix` | which check rejects which twin: `python -m tests.statistics.matrix` |
| `audit` | many run seeds, recorded: `python -m tests.statistics.audit` |
"""
