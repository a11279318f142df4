"""Accuracy vectors: arguments, 50-digit values and error bounds for the oracle's closed forms.

The data are JSON lines, one file a function, described by `manifest.json` and `schema.json` and
independent of this code and of Python; docs/vectors.md explains them to an implementer. A row
passes when

    |computed - out50| <= k * 2^-53 * S + 2^-1074

with k and the condition scale S as the row states them. Here they are read and applied:

    names(), function_entry(name), load(name)   what there is
    verify(name, implementation)                judge any implementation of one function
    verify_oracle(name)                         judge that of `gbm_ref`
    read_results(lines), verify_results(name, results)   judge what another program wrote
    check_files()                               raises ValueError when a file was changed

and `python -m gbm_ref.vectors` does the same from the shell.
"""

from gbm_ref.vectors.oracle import ORACLE, verify_oracle
from gbm_ref.vectors.records import Failure, Report, Vector
from gbm_ref.vectors.results import read_results, verify_results
from gbm_ref.vectors.store import (
    FunctionEntry,
    check_files,
    function_entry,
    load,
    names,
    verify,
    version,
)

__all__ = [
    "ORACLE", "Failure", "FunctionEntry", "Report", "Vector", "check_files", "function_entry",
    "load", "names", "read_results", "verify", "verify_oracle", "verify_results", "version",
]  # fmt: skip
