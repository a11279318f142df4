"""Around the code: versions agree, requirements have bounds, the citation can be parsed."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.support.source_tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(entries: list[str]) -> list[Requirement]:
    """The parsed entries, without the project's reference to its own extras."""
    return [r for r in map(Requirement, entries) if r.name != PROJECT["name"]]


def bounds(requirement: Requirement) -> set[str]:
    """The comparison operators of a requirement, e.g. {">="}."""
    return {specifier.operator for specifier in requirement.specifier}


def test_the_base_install_is_numpy_and_scipy() -> None:
    assert {r.name for r in requirements(PROJECT["dependencies"])} == {"numpy", "scipy"}


def test_the_test_extra_contains_the_others() -> None:
    own = [r for r in map(Requirement, EXTRAS["test"]) if r.name == PROJECT["name"]]
    # The tests need no other samplers: validation.overhead leaves out what is not there.
    assert [r.extras for r in own] == [set(EXTRAS) - {"test", "peers"}]


@pytest.mark.parametrize("extra", ["dependencies", "spec", "fast", "imaging"])
def test_every_requirement_has_a_lower_bound_and_no_cap(extra: str) -> None:
    entries = PROJECT["dependencies"] if extra == "dependencies" else EXTRAS[extra]
    assert {str(r): bounds(r) for r in requirements(entries) if bounds(r) != {">="}} == {}


def test_the_only_cap_is_scipy_in_the_test_extra() -> None:
    others = [r for r in requirements(EXTRAS["test"]) if bounds(r) != {">="}]
    assert [str(r) for r in others] == ["scipy<1.18"]


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert PROJECT["version"] in headings


def citation() -> dict[str, Any]:
    """CITATION.cff, parsed."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


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
    cff = citation()
    assert cff["cff-version"] == "1.2.0"
    assert cff["message"] and cff["title"] == PROJECT["name"]
    assert cff["authors"] == [{"name": "The gbm-diffusion developers"}]
    assert cff["license"] == PROJECT["license"] == "MIT"
    assert cff["version"] == PROJECT["version"]
    assert {"doi", "orcid"} & set(all_keys(cff)) == set()


def test_the_citation_names_the_paper() -> None:
    (paper,) = citation()["references"]
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
