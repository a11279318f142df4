"""Letters with two meanings, and arguments outside their domain: sheet E30.

Symbols: k index of a level, delta = 1/N, so that the time of the level is k delta.
"""

from collections.abc import Callable, Mapping

from sympy import Expr, Integer, Rational

from spec.checking.algebra import same
from spec.checking.old import Claim, Erratum, Fault, Kind, Means, Proof, v1, v2
from spec.checking.symbols import s2

_N = 50


def is_the_time(argument: Callable[[Integer], Expr]) -> bool:
    """Whether argument(k) is a time in [0, 1] at which the forward process is level k.

    Level k has been reached by k steps that add sigma^2 delta each; the process has the
    log-variance sigma^2 t. All levels k = 1..N are looked at.
    """
    step = s2 * Rational(1, _N)
    for k in range(1, _N + 1):
        time = argument(Integer(k))
        if not 0 <= time <= 1 or not same(s2 * time, k * step):
            return False
    return True


def is_unambiguous(letters: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether each letter has one meaning and no two letters share one."""
    meanings = [meaning for entry in letters.values() for meaning in entry]
    return all(len(set(entry)) == 1 for entry in letters.values()) and (
        len(set(meanings)) == len(letters)
    )


_OURS = {
    "mu": ("drift rate",),
    "sigma": ("diffusion rate",),
    "a": ("log-mean of the data",),
    "v0": ("log-variance of the data",),
    "delta": ("step of the forward process",),
    "delta_s": ("step of the sampler",),
    "p_t": ("density of X_t",),
    "kappa_k": ("noise factor at level k",),
}
_PRINTED = {
    "mu": ("drift rate", "log-mean of the data"),
    "sigma": ("diffusion rate", "log-deviation of the data"),
    "delta": ("step of the forward process", "step of the sampler"),
    "p_X": ("density of X_t",),
    "f_X": ("density of X_t",),
    "kappa": ("input of Algorithm 2", "noise factor, 1 at the start"),
}

E30 = Claim(
    id="E30",
    title="the time that the network is given",
    statement=r"$s_\theta:\mathbb R^d\times[0,1]\to\mathbb R^d$ has to be called with $t=k\delta$ "
    r"at level $k$, and $p_{X_k}(\cdot,k)$ means $p_{k\delta}$.",
    kind=Kind.REFUTED,
    means=Means.ALGEBRA,
    sources=v1("eq. 5", "eq. 13", "eq. 20"),
    sheet=("E30",),
    depends=("A6", "E10"),
    derivation=r"After $k$ steps the log-variance is $k\sigma^2\delta$, and the process at time "
    r"$t$ has $\sigma^2t$; so $t=k\delta$, which lies in $[0,1]$ for $k\le N$. All levels of "
    "$N=50$ are looked at.",
    proof=Proof(
        is_the_time,
        holds=lambda k: k * Rational(1, _N),
        twins={
            "one level early": lambda k: (k - 1) * Rational(1, _N),
            "the sampler's shorter step": lambda k: k * Rational(2, 10_000),
            "levels counted from 0 to N - 1": lambda k: k * Rational(1, _N - 1),
        },
        printed={"the index": lambda k: k},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed=r"$s_{\theta}:\mathbb R^d\times[0,1]\to\mathbb R^d$, and $s_{\theta}(X_k,k)$, "
        r"$p_{X_k}(X_k,k)$ with $k\in\{0,\dots,N-1\}$ (version 1, eq. 13, 20 and the algorithms).",
        trouble=r"The index lies outside the domain of the time. It is harmless where the reader "
        "supplies the factor; in eq. 20 it changes the target by $1/\\delta$ (E10).",
        correction=r"$s_\theta(X_k,k\delta)$ and $p_{k\delta}$, or a network of an index.",
        remains_open="The formulas of version 2 are lost in the text we have; its prose evaluates "
        '"at discrete time".',
    ),
)

LETTERS = Claim(
    id="E30-letters",
    title="letters with two meanings",
    statement="Each letter needs one meaning within the paper.",
    kind=Kind.REFUTED,
    means=Means.TEXT,
    sources=(*v1("Algorithm 2"), *v2("App. D: limit measure")),
    sheet=("E30",),
    derivation="The meanings are collected from the text and counted.",
    proof=Proof(
        is_unambiguous,
        holds=_OURS,
        twins={
            "two letters for one density": {**_OURS, "f_t": ("density of X_t",)},
            "one letter for both steps": {
                **_OURS,
                "delta": ("step of the forward process", "step of the sampler"),
            },
        },
        printed={"letters of the paper": _PRINTED},
    ),
    erratum=Erratum(
        fault=Fault.UNDEFINED,
        printed=r"$f_X$ and $p_X$ for one density (version 1, eq. 4); $\mu,\sigma,\delta$ for the "
        r"process and, in Appendix D of version 2, for the target and its Langevin step; $\delta$ "
        r"for both steps of version 1; $\kappa$ among the inputs of Algorithm 2, then set to 1.",
        trouble=r"Appendix D reads as if the target's parameters were the process's, and what it "
        r"says of $\delta$ and $\sigma$ (D-limit: $\delta<2\sigma^2$) as if it were about the "
        "diffusion rate.",
        correction=r"Ours: $\mu,\sigma$ of the process, $a,v_0$ of log-normal data, "
        r"$\delta,\delta_s$ for the two steps, $\kappa_k$ for the noise factor, $p_t$ for every "
        "density.",
        remains_open="The symbols of version 2 are lost in the text we have; Section 1.3 names "
        "them.",
    ),
)

CLAIMS = (E30, LETTERS)
