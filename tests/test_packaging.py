"""What wheel and sdist hold, versions, citation; the oracle runs from the wheel, torch-free."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy
import pytest
import scipy
import yaml
from packaging.requirements import Requirement

from tests.support.fixtures import Folders
from tests.support.source_tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(entries: list[str]) -> list[Requirement]:
    """The parsed entries, without the project's reference to its own extras."""
    return [r for r in map(Requirement, entries) if r.name != PROJECT["name"]]


def capped(entries: list[str]) -> list[str]:
    """The requirements whose comparison operators are other than a lower bound."""
    found = [(r, {specifier.operator for specifier in r.specifier}) for r in requirements(entries)]
    return [str(requirement) for requirement, operators in found if operators != {">="}]


def test_the_base_install_is_numpy_and_scipy() -> None:
    assert {r.name for r in requirements(PROJECT["dependencies"])} == {"numpy", "scipy"}


def test_the_test_extra_contains_the_others() -> None:
    own = [r for r in map(Requirement, EXTRAS["test"]) if r.name == PROJECT["name"]]
    # The tests need no other samplers: validation.overhead leaves out what is not there.
    assert [r.extras for r in own] == [set(EXTRAS) - {"test", "peers"}]


@pytest.mark.parametrize("extra", ["dependencies", "spec", "fast", "imaging"])
def test_every_requirement_has_a_lower_bound_and_no_cap(extra: str) -> None:
    assert capped(PROJECT["dependencies"] if extra == "dependencies" else EXTRAS[extra]) == []


def test_the_only_cap_is_scipy_in_the_test_extra() -> None:
    assert capped(EXTRAS["test"]) == ["scipy<1.18"]


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert PROJECT["version"] in headings


CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def all_keys(node: object) -> Iterator[str]:
    """Every key at every depth of parsed YAML."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from all_keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from all_keys(value)


def test_the_citation_has_what_cff_requires() -> None:
    cff = CITATION
    assert cff["cff-version"] == "1.2.0"
    assert cff["message"] and cff["title"] == PROJECT["name"]
    assert cff["authors"] == [{"name": "The gbm-diffusion developers"}]
    assert cff["license"] == PROJECT["license"] == "MIT"
    assert cff["version"] == PROJECT["version"]
    assert {"doi", "orcid"} & set(all_keys(cff)) == set()


def test_the_citation_names_the_paper() -> None:
    (paper,) = CITATION["references"]
    assert {"type", "title", "authors"} <= set(paper)
    assert paper["title"] == "Dale meets Langevin: A Multiplicative Denoising Diffusion Model"
    assert [i["value"] for i in paper["identifiers"]] == ["arXiv:2510.02730"]
    assert all({"given-names", "family-names"} == set(author) for author in paper["authors"])


def test_the_licence_is_the_one_announced() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License\n\nCopyright (c) 2026 The gbm-diffusion developers\n")


@pytest.mark.parametrize("package", ["gbm_ref", "gbm_fast"])
def test_the_packages_announce_their_types(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


NAME = f"gbm_diffusion-{PROJECT['version']}"
PACKAGES = ("gbm_ref", "gbm_fast")

# R8 of the derivations: start from the exact law at the horizon, ten Dale-Langevin steps (eq. (13)
# of version 2) at sigma = 0.8 on log-normal data of log-variance 0.1 return 1.37777 times it.
ORACLE = """
import importlib.util
import numpy as np
import gbm_ref as ref

process = ref.GBM(mu=0.3, sigma=0.8)
target = ref.LogNormal(np.array([0.4, -0.7]), 0.1)
cov = (0.1 + process.log_var(1.0)) * np.eye(2)
start = ref.Gaussian(target.log_mean + process.log_mean(1.0), cov)
law = ref.exact_law(ref.DaleLangevin(), target, process, ref.uniform(10), start)
print(ref.__file__)
print(importlib.util.find_spec("torch"), importlib.util.find_spec("sympy"))
print(*(np.diag(law.cov) / 0.1), law.cov[0, 1], *(law.mean - target.log_mean))
"""


class Distributions(NamedTuple):
    """The two files that a release consists of."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: Folders) -> Distributions:
    """Built as for a release: the sdist from the clone, the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Distributions(folder / f"{NAME}.tar.gz", folder / f"{NAME}-py3-none-any.whl")


def package_files() -> set[str]:
    """Every file of both packages in the clone, except what Python compiled."""
    paths = [p for package in PACKAGES for p in (ROOT / package).rglob("*") if p.is_file()]
    return {p.relative_to(ROOT).as_posix() for p in paths if "__pycache__" not in p.parts}


def test_the_wheel_holds_the_two_packages_and_nothing_else(built: Distributions) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    metadata = {name for name in names if name.startswith(f"{NAME}.dist-info/")}
    assert names - metadata == package_files()
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert f"{NAME}.dist-info/licenses/LICENSE" in metadata


def test_the_sdist_is_the_project(built: Distributions) -> None:
    with tarfile.open(built.sdist) as archive:
        members = [PurePosixPath(member.name) for member in archive if member.isfile()]
    names = {path.relative_to(NAME).as_posix() for path in members}
    assert package_files() <= names
    assert {"LICENSE", "README.md", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md"} <= names
    assert {"pyproject.toml", ".ci/run", "tests/conftest.py"} <= names
    assert {"tests", "validation"} <= {name.split("/")[0] for name in names}
    assert {name for name in names if name.split("/")[0] in {"runs", "data"}} == set()


def empty_environment(folder: Path) -> Path:
    """The interpreter of a new environment with the test run's NumPy and SciPy (links) alone."""
    root = folder / "venv"
    venv.EnvBuilder(symlinks=os.name != "nt").create(root)
    links = folder / "links"
    links.mkdir()
    for module in (numpy, scipy):
        package = Path(module.__file__).parent
        for path in (package, package.with_name(f"{package.name}.libs")):
            if path.exists():
                (links / path.name).symlink_to(path)
    (site_packages,) = {p.resolve() for p in root.glob("[lL]ib*/**/site-packages")}
    (site_packages / "links.pth").write_text(f"{links}\n", encoding="utf-8")
    return root / ("Scripts" if os.name == "nt" else "bin") / "python"


def test_the_oracle_runs_without_torch(built: Distributions, tmp_path: Path) -> None:
    python = empty_environment(tmp_path)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    install += ["--no-deps", "--no-index", built.wheel]
    subprocess.run(install, check=True, cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = [python, "-I", "-W", "error", "-c", ORACLE]
    done = subprocess.run(run, cwd=elsewhere, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    origin, absent, numbers = done.stdout.splitlines()
    assert Path(origin).is_relative_to(tmp_path / "venv")
    assert absent == "None None"
    ratio_1, ratio_2, covariance, *bias = map(float, numbers.split())
    assert abs(ratio_1 - 1.37777) < 5e-6 and abs(ratio_2 - 1.37777) < 5e-6
    assert abs(covariance) < 1e-15
    assert max(map(abs, bias)) < 1e-14
