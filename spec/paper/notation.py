"""Letters with two meanings, and arguments outside their domain: sheet E30."""

from collections.abc import Callable, Mapping

from sympy import Expr, symbols

from spec.checking.algebra import vanishes
from spec.checking.claim import Claim, Erratum, Fault, Means, v1, v2
from spec.checking.symbols import s2


def is_the_time(argument: Callable[[Expr, Expr], Expr]) -> bool:
    r"""With $N$ equal steps in a unit of time the network $s_\theta$, whose second argument is a
    time, has to be called with $[[it]]$ at level $k$; $p_{X_k}(\cdot,k)$ means the density then.

    The process has at that time the log-variance of $k$ steps, and the last level is the end."""
    k, N = symbols("k N", positive=True)
    return vanishes((s2 * argument(k, N) - k * s2 / N, argument(N, N) - 1))


def is_unambiguous(letters: Mapping[str, tuple[str, ...]]) -> bool:
    """Each letter needs one meaning within the paper, and each meaning one letter, as in
    [[letters]].

    The meanings are read from the text and counted."""
    meanings = [set(entry) for entry in letters.values()]
    return all(len(m) == 1 for m in meanings) and len(set().union(*meanings)) == len(letters)


_OURS = {"mu": ("drift rate",), "sigma": ("diffusion rate",), "a": ("log-mean of a law",),
         "v0": ("log-variance of a law",), "delta": ("step of the forward process",),
         "delta_s": ("step of the sampler",), "p_t": ("density of X_t",),
         "kappa_k": ("noise factor at level k",)}  # fmt: skip
_PRINTED = {"mu": ("drift rate", "log-mean of a law"), "p_X": ("density of X_t",),
            "sigma": ("diffusion rate", "log-deviation of a law"), "f_X": ("density of X_t",),
            "delta": ("step of the forward process", "step of the sampler"),
            "kappa": ("input of Algorithm 2", "noise factor, 1 at the start")}  # fmt: skip

E30 = Claim(
    "E30", "the time that the network is given", is_the_time, holds=lambda k, N: k / N, twins={
        "one level early": lambda k, N: (k - 1) / N, "a fifth of a step": lambda k, N: k / (5 * N),
        "levels counted from 0 to N - 1": lambda k, N: k / (N - 1),
    }, printed={"the index": lambda k, N: k}, sources=v1("eq. 5", "eq. 13", "eq. 20"),
    depends=("A6", "E10"), erratum=Erratum(
        Fault.UNDEFINED,
        quote=r"$s_{\theta}:\mathbb R^d\times[0,1]\to\mathbb R^d$, and $s_{\theta}(X_k,k)$, "
        r"$p_{X_k}(X_k,k)$ with $k\in\{0,\dots,N-1\}$ (version 1, eq. 13, 20 and the algorithms).",
        trouble="An index above one is outside the domain; eq. (20) puts a time for it (E10).",
        advice=r"Write $s_\theta(X_k,k\delta)$ and $p_{k\delta}$, or a network of an index.",
        remains_open="The formulas of version 2 are lost; it evaluates “at discrete time”.",
    ))  # fmt: skip

LETTERS = Claim(
    "E30-letters", "letters with two meanings", is_unambiguous, holds=_OURS, twins={
        "two letters for one density": {**_OURS, "f_t": ("density of X_t",)},
        "one letter for both steps": {**_OURS, "delta": _PRINTED["delta"]},
    }, printed={"letters of the paper": _PRINTED}, means=Means.READING, shown=lambda letters: {
        "letters": ", ".join(f"{k} ({' and '.join(meant)})" for k, meant in letters.items())
    }, sources=v1("Algorithm 2") + v2("App. D: limit measure"), sheet=("E30",), erratum=Erratum(
        Fault.UNDEFINED,
        quote=r"Version 1: $f_X$ and $p_X$ for one density (eqs. 4 and 5); $\mu,\sigma$ for the "
        r"process and, in Appendix B, for a log-normal law; $\delta$ for both steps; $\kappa$ "
        r"among the inputs of Algorithm 2, then set to one.",
        trouble="The parameters of a law read as the rates of the process, as in E6.",
        remains_open="The letters of version 2 are lost, also those of its Appendix D.",
    ))  # fmt: skip
CLAIMS = (E30, LETTERS)
