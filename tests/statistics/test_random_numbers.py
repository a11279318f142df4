"""How tests may draw, read from their syntax trees: seeds from names or a test's id, no global
generator; more than a thousand draws are statistics, for here or the ledger."""

import ast
from collections.abc import Iterator

import pytest

from tests.statistics.ledger import LEDGER
from tests.support.source_tree import called_name, nodes, sources

GLOBAL_SEED = "torch's modules take first weights, and dropout its masks, from this generator"
# path -> why a rule does not hold there. An entry that is no longer needed fails.
EXCEPTIONS: dict[str, str] = {
    "tests/fast/training/test_build.py": GLOBAL_SEED,  # and that batches do not depend on it
    "tests/fast/mathematics/test_devices.py": "fake tensors, which hold no numbers",
    "tests/fast/mathematics/test_distributions.py": "torch.distributions draws from it",
    "tests/statistics/families/data_laws.py": "torch.distributions draws from it",
    "tests/fast/evaluation/test_metrics.py": "repeats the draws of evaluate_images",
    "tests/fast/networks/test_networks.py": GLOBAL_SEED,
    "tests/fast/networks/test_local_unet.py": GLOBAL_SEED,
    "tests/fast/mathematics/test_parameterisation.py": GLOBAL_SEED,
    "tests/fast/training/test_trainer.py": "shows that the global generator has no influence",
    "tests/support/batch_noise.py": "restates the streams of gbm_fast, torch's own among them",
    "tests/fast/mathematics/test_state.py": "shows that the global generator has no influence",
    "tests/fast/runtime/test_state.py": "shows that the global generator has no influence",
    "tests/ref/test_ref_quantiles.py": "shows that None draws from NumPy's own generator",
    "tests/ref/test_ref_state.py": "shows that the global generator has no influence",
}
# path -> why so many numbers there are not statistics.
BULK: dict[str, str] = {}

MAKERS = {"default_rng", "manual_seed", "SeedSequence", "Philox", "PCG64", "RandomState"}
ALLOWED_OF_NUMPY = {"Generator", "default_rng", "SeedSequence", "Philox", "PCG64"}
DRAWERS = {
    "rvs", "standard_normal", "normal", "uniform", "random", "integers", "choice", "exponential",
    "standard_gamma", "beta", "randn", "rand", "randint", "multinomial", "normal_", "uniform_",
    "sample", "rsample",
}  # fmt: skip
MANY = 1000


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute, the name of a name, empty for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    yield from (node for node in nodes(tree) if isinstance(node, ast.Call))


def seeding(tree: ast.Module) -> list[str]:
    found = []
    for call in _calls(tree):
        name, dotted = called_name(call), _dotted(call.func)
        literal = not call.args or isinstance(call.args[0], ast.Constant)
        if name in MAKERS and literal:
            found.append(f"line {call.lineno}: {name} of a literal, or of nothing")
        elif dotted in {"torch.manual_seed", "torch.seed"}:
            found.append(f"line {call.lineno}: {dotted}")
        elif dotted.startswith(("np.random.", "numpy.random.")):
            if name not in ALLOWED_OF_NUMPY:
                found.append(f"line {call.lineno}: {dotted}")
        elif dotted.startswith("random.") and (name != "Random" or literal):
            found.append(f"line {call.lineno}: {dotted}")
        elif dotted in {"torch.randn", "torch.rand", "torch.randint", "torch.randperm"}:
            if not any(keyword.arg == "generator" for keyword in call.keywords):
                found.append(f"line {call.lineno}: {dotted} without a generator")
    return found


def bulk(tree: ast.Module) -> list[str]:
    """Calls that draw more than MANY numbers, as the call or its module says."""
    assigned = [node for node in nodes(tree) if isinstance(node, ast.Assign)]
    pairs = [(target, node.value) for node in assigned for target in node.targets]
    constants = {t.id: _largest(value, {}) for t, value in pairs if isinstance(t, ast.Name)}
    found = []
    for call in _calls(tree):
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        size = max((_largest(argument, constants) for argument in arguments), default=0)
        if called_name(call) in DRAWERS and size > MANY:
            found.append(f"line {call.lineno}: {called_name(call)} of {size}")
    return found


def _largest(node: ast.expr, constants: dict[str, int]) -> int:
    """The largest whole number in an expression: literals, powers of them, known names."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int) else 0
    if isinstance(node, ast.Name):
        return constants.get(node.id, 0)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = _largest(node.left, constants), _largest(node.right, constants)
        return base**power if power < 64 else 0
    if isinstance(node, ast.Tuple | ast.List):
        return max((_largest(part, constants) for part in node.elts), default=0)
    return 0


def test_seeds_are_no_literals_and_generators_are_not_global() -> None:
    found = {source.path: seeding(source.tree) for source in sources("tests")}
    assert {path: lines for path, lines in found.items() if lines and path not in EXCEPTIONS} == {}
    assert [path for path in EXCEPTIONS if not found.get(path)] == []


def test_who_draws_many_numbers_is_in_the_ledger() -> None:
    others = [s for s in sources("tests") if not s.path.startswith("tests/statistics/")]
    found = {source.path: bulk(source.tree) for source in others}
    known = {entry.scenario for entry in LEDGER if entry.elsewhere} | set(BULK)
    assert {path: lines for path, lines in found.items() if lines and path not in known} == {}
    assert [path for path in BULK if not found.get(path)] == []


WRONG = ["rng = np.random.default_rng(5)", "rng = np.random.default_rng()", "x = torch.randn(3)"]
WRONG += ["x = np.random.normal(size=3)", "np.random.seed(seed)", "x = random.random()"]
WRONG += ["torch.manual_seed(seed('name'))", "g = torch.Generator().manual_seed(1234)"]
WRONG += ["draw = random.Random(3)"]


@pytest.mark.parametrize("line", WRONG)
def test_a_planted_seed_is_seen(line: str) -> None:
    assert len(seeding(ast.parse(line))) == 1


RIGHT = ["rng = np.random.default_rng(seed('name'))", "x = torch.randn(3, generator=g)"]
RIGHT += ["g = torch.Generator().manual_seed(seed('name'))", "x = rng.random(3)"]
RIGHT += ["def f(rng: np.random.Generator) -> None: ..."]


@pytest.mark.parametrize("line", RIGHT)
def test_what_is_right_is_left_alone(line: str) -> None:
    assert seeding(ast.parse(line)) == []


@pytest.mark.parametrize(
    "text",
    [
        "x = law.rvs(20_000, rng)",
        "def f():\n    size = 20_000\n    return law.sample((size,))",
        "N = 40_000\nx = rng.standard_normal((N, 2))",
        "x = torch.randn(2**16, 1, generator=g)",
    ],
)
def test_planted_bulk_is_seen(text: str) -> None:
    assert len(bulk(ast.parse(text))) == 1
    few = text.replace("20_000", "20").replace("40_000", "40").replace("2**16", "2**6")
    assert bulk(ast.parse(few)) == []
