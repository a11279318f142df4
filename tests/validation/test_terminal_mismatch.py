"""The study of starts: exact numbers on four images of two pixels; planted mistakes refused."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_ref import Gaussian
from tests.support.fixtures import Patch
from validation import terminal_mismatch
from validation.mismatch import measure
from validation.mismatch.measure import gate, measure_with
from validation.mismatch.moments import Moments, moments
from validation.mismatch.prices import Prices, Route, averages_pair, by_formula
from validation.study import Findings

SIGMA, S2 = 0.8, 0.64
# Class 0: (1, 4) and (1, 1); class 1: (2, 1) and (1, 1). With l = log 2 and q = l^2 / 16 the log
# means are (l/4, l/2), the variances 3q and 12q, the covariance -2q.
IMAGES = torch.tensor([[1.0, 4.0], [1.0, 1.0], [2.0, 1.0], [1.0, 1.0]]).reshape(4, 1, 1, 2)
LABELS = torch.tensor([0, 0, 1, 1])
L = math.log(2.0)
Q = L**2 / 16
DET = (S2 + 3 * Q) * (S2 + 12 * Q) - 4 * Q**2
FIT = (3 * L / 8, math.sqrt(S2 + 7.75 * Q))
CLASS_MEAN = (math.log(2.5) + math.log(1.5)) / 4
CLASS_VAR = S2 + (math.log(2.5) ** 2 + math.log(1.5) ** 2) / 4 - CLASS_MEAN**2


def given_class(variance: float, gap: float) -> float:
    """Price of the average image where one pixel varies in the class, the other does not."""
    return (variance / S2 - math.log1p(variance / S2) + gap**2 / S2) / 2


def pair(mean: float, variance: float) -> float:
    """Price of the start N(mean, variance) for both pixels."""
    spread = 2 * S2 + 15 * Q + (L / 4 - mean) ** 2 + (L / 2 - mean) ** 2
    return (spread / variance - 2 + 2 * math.log(variance) - math.log(DET)) / 2


BRIGHT = given_class(L**2, math.log(2.5) - L)
DARK = given_class(L**2 / 4, math.log(1.5) - L / 2)
EXACT: Prices = {
    "product": (math.log((S2 + 3 * Q) * (S2 + 12 * Q)) - math.log(DET)) / 2,
    "one pair": (2 * math.log(FIT[1] ** 2) - math.log(DET)) / 2,
    "averages' pair": pair(CLASS_MEAN, CLASS_VAR),
    "exp(Z)": pair(0.0, 1.0),
    "class average": (BRIGHT + DARK) / 2,
}


@pytest.fixture(scope="module")
def data() -> Moments:
    return moments(IMAGES, LABELS)


@pytest.fixture(scope="module")
def findings() -> Findings:
    return measure_with([("four images", IMAGES, LABELS)])


def test_every_number_is_the_exact_one(findings: Findings) -> None:
    (row,) = findings.measurements["rows"]
    assert (row["images"], row["pixels"]) == (4, 2)
    assert row["prices"] == pytest.approx(EXACT, rel=1e-13)
    components = [Q * (15 + sign * math.sqrt(97)) / 2 for sign in (1, -1)]
    assert row["components"] == pytest.approx(components, rel=1e-13)
    kept = components[0] / (components[0] + S2)
    assert row["kept_of_a_mean_error"] == pytest.approx(kept, rel=1e-13)
    final = components[0] + kept**2 * (FIT[1] ** 2 - components[0] - S2)
    assert row["variance_left_of_it"] * components[0] == pytest.approx(final, rel=1e-12)
    assert row["fit_to_images"] == pytest.approx(FIT, rel=1e-13)
    assert row["fit_to_averages"] == pytest.approx((CLASS_MEAN, math.sqrt(CLASS_VAR)), rel=1e-13)
    assert row["information_bound"] == pytest.approx(math.log(DET / S2**2) / 2, rel=1e-13)


def test_the_gate_passes(findings: Findings) -> None:
    assert [check for check in findings.checks if not check.passed] == []
    assert len(findings.checks) == 5


def changed(start: str, by: Callable[[Moments, float], float]) -> Route:
    """The closed forms with one price replaced."""
    return lambda data, s2: {**by_formula(data, s2), start: by(data, s2)}


def unshifted(data: Moments, s2: float) -> float:
    ratios = [(group.share, np.linalg.eigvalsh(group.law.cov) / s2) for group in data.classes]
    return sum(0.5 * share * float(np.sum(r - np.log1p(r))) for share, r in ratios)


ROUTES: dict[str, Route] = {
    "covariance divided by n - 1": lambda data, s2: by_formula(
        data._replace(law=Gaussian(data.law.mean, data.law.cov * 4 / 3)), s2
    ),
    "sigma for sigma^2": lambda data, s2: by_formula(data, math.sqrt(s2)),
    "noise left out of the diagonal": changed(
        "product", lambda data, s2: by_formula(data, s2)["product"] - math.log1p(s2)
    ),
    "no shift in the class": changed("class average", unshifted),
    "the averages' pair for the images'": changed(
        "one pair", lambda data, s2: by_formula(data, s2)["averages' pair"]
    ),
}


@pytest.mark.parametrize("name", ROUTES)
def test_a_wrong_price_is_refused(name: str) -> None:
    found = measure_with([("four images", IMAGES, LABELS)], ROUTES[name])
    assert not found.passed
    assert not found.checks[0].passed, "refused for another reason"


def test_a_fit_needs_the_spread(data: Moments, monkeypatch: Patch) -> None:
    def without(data: Moments, s2: float) -> tuple[float, float]:
        return float(data.law.mean.mean()), math.sqrt(np.trace(data.law.cov) / 2 + s2)

    monkeypatch.setattr(measure, "image_pair", without)
    failed = [check.name for check in gate("x", data, EXACT, SIGMA) if not check.passed]
    assert failed == ["x: gbm_fast's fits (R23)"]


def test_wrong_shares_of_the_classes_are_refused(data: Moments) -> None:
    first, second = data.classes
    wrong = data._replace(classes=(first._replace(share=0.25), second._replace(share=0.75)))
    prices = by_formula(wrong, S2)
    assert averages_pair(wrong, S2) != averages_pair(data, S2)
    failed = {check.name for check in gate("x", wrong, prices, SIGMA) if not check.passed}
    assert failed == {"x: law of total covariance", "x: gbm_fast's fits (R23)"}


def test_the_log_of_the_average_is_not_the_average_log(data: Moments) -> None:
    """Averages darker than the mean log would be refused."""
    first, second = data.classes
    dark = first._replace(log_average=first.law.mean - 0.01)
    checks = gate("x", data._replace(classes=(dark, second)), EXACT, SIGMA)
    assert "x: averages are brighter (Jensen)" in {c.name for c in checks if not c.passed}


def test_the_command_leaves_numbers_and_a_picture(tmp_path: Path) -> None:
    assert terminal_mismatch.STUDY.main(["--quick", "--out-dir", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "terminal_mismatch-quick.json").read_text())
    assert record["passed"] is True
    assert [row["name"] for row in record["measurements"]["rows"]] == ["digits"]
    picture = (tmp_path / "terminal_mismatch-quick.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n") and len(picture) > 20_000


def test_missing_data_are_asked_for(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setenv("GBM_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=str(tmp_path)):
        terminal_mismatch.STUDY.main(["--out-dir", str(tmp_path / "out")])
    assert list((tmp_path / "out").iterdir()) == []
