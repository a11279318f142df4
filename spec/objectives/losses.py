"""The losses as the paper defines them. There is nothing to prove in a definition.

Symbols: h = x * s_theta(x, t) the model, as a Hyvarinen score.
"""

from spec.checking.old import Claim, Kind, Means, v1, v2
from spec.objectives import explicit_pins

LOST = "The formula is lost in the text of version 2; "

A3 = Claim(
    id="A3",
    title="denoising score matching, additive noise",
    statement=r"$\mathcal L(\theta)=\mathbb E_{t\sim\mathcal U[0,1]}\,\mathbb E_{X_0,X_t}\,"
    r"\lambda(t)\,\lVert s_\theta(X_t,t)-\nabla\log p_{X_t\mid X_0}(X_t\mid X_0)\rVert^2$.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 5"), *v2("eq. 3")),
    sheet=("A3",),
    assumptions=("t > 0, where the conditional density exists",),
    reason="It defines the loss of Song et al. (2021), quoted as background. " + LOST + "version "
    r"1 has it. The weight $\lambda(t)$ is a number; the later losses weight by the matrix "
    r"$\mathrm{diag}(x^2)$ and drop $\lambda$.",
)

A14 = Claim(
    id="A14",
    title="multiplicative explicit score matching",
    statement=r"$\mathcal L_{\text{M-ESM}}(\theta)=\mathbb E_{X_t}\tfrac12\lVert X_t\circ"
    r"\nabla\log p_{X_t}(X_t)-X_t\circ s_\theta(X_t,t)\rVert^2$.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 17"), *v2("eq. 14")),
    sheet=("A14",),
    reason="It defines a loss at one time $t$: no average over $t$ is written. "
    + LOST
    + "reconstructed from version 1 and from the words around it.",
    pins=(explicit_pins.M_ESM,),
)

V1_19 = Claim(
    id="V1-19",
    title="the loss that is proposed",
    statement=r"The training loss is $\mathcal L_{\text{M-DSM}}$ of A15.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=v1("eq. 19"),
    sheet=("A15",),
    depends=("A15",),
    reason="Equation 19 of version 1 repeats its equation 18.",
)

A17 = Claim(
    id="A17",
    title="non-negative score matching",
    statement=r"$\mathcal L_{\text{NN}}(\theta)=\tfrac12\,\mathbb E_{X_0}\lVert X_0\circ"
    r"\nabla\log p_{X_0}(X_0)-X_0\circ s_\theta(X_0)\rVert^2$.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 21"), *v2("eq. 17")),
    sheet=("A17",),
    reason="It quotes the loss of Hyvärinen (2007) for non-negative data. "
    + LOST
    + "version 1 has it.",
    pins=(explicit_pins.STATIC,),
)

A24 = Claim(
    id="A24",
    title="explicit loss, recalled",
    statement=r"$\mathcal L_{\text{M-ESM}}$ as in A14.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 24"), *v2("eq. 24")),
    sheet=("A24",),
    depends=("A14",),
    reason="The appendix recalls the definition of the main text. " + LOST + "version 1 has it.",
)

A25 = Claim(
    id="A25",
    title="denoising loss, recalled",
    statement=r"$\mathcal L_{\text{M-DSM}}$ as in A15.",
    kind=Kind.DEFINITION,
    means=Means.NONE,
    sources=(*v1("eq. 25"), *v2("eq. 25")),
    sheet=("A25",),
    depends=("A15",),
    reason="The appendix recalls the definition of the main text. " + LOST + "version 1 has it.",
)

CLAIMS = (A3, A14, V1_19, A17, A24, A25)
