"""`.ci/check_report.py` and `.ci/run` refuse what they are there to refuse: planted with stand-ins
for pip, ruff, mypy and pytest; the report reader is the real one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT

CHECK = ROOT / ".ci" / "check_report.py"
REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest">{cases}</testsuite></testsuites>
"""
PASSED = '<testcase classname="tests.a" name="p" time="0.1" />'
FAILED = '<testcase classname="tests.a" name="f"><failure message="assert 1 == 2" /></testcase>'
SKIPPED = '<testcase classname="tests.a" name="s"><skipped type="{}" message="{}" /></testcase>'
ALLOWED = "no network"


def judged(report: Path, floor: int) -> subprocess.CompletedProcess[str]:
    expected = report.with_name("expected.toml")
    expected.write_text(f'minimum_passed = {floor}\nallowed_skips = ["{ALLOWED}"]\n')
    command = [sys.executable, str(CHECK), str(report), str(expected)]
    return subprocess.run(command, capture_output=True, text=True)


def check(folder: Path, cases: str, floor: int) -> subprocess.CompletedProcess[str]:
    report = folder / "report.xml"
    report.write_text(REPORT.format(cases=cases), encoding="utf-8")
    return judged(report, floor)


def test_an_acceptable_run_is_accepted(tmp_path: Path) -> None:
    done = check(tmp_path, PASSED * 3 + SKIPPED.format("pytest.skip", ALLOWED), floor=3)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 passed (floor 3), 0 failed, 1 skipped" in done.stdout


@pytest.mark.parametrize(
    ("cases", "floor", "complaint"),
    [
        (PASSED * 2, 3, "2 tests passed, the committed floor is 3"),
        ("", 1, "0 tests passed"),
        (PASSED * 3, 0, "a floor below 1 checks nothing"),
        # A skipped test is not an executed one.
        (PASSED * 2 + SKIPPED.format("pytest.skip", ALLOWED), 3, "2 tests passed"),
        (PASSED * 3 + FAILED, 3, "1 tests failed or broke"),
        (PASSED * 3 + SKIPPED.format("pytest.skip", "too slow"), 3, "not allowed: 'too slow'"),
        (PASSED * 3 + SKIPPED.format("pytest.xfail", "wrong"), 3, "not allowed: 'wrong'"),
    ],
)
def test_a_planted_defect(tmp_path: Path, cases: str, floor: int, complaint: str) -> None:
    done = check(tmp_path, cases, floor)
    assert done.returncode == 1 and complaint in done.stderr


def test_the_report_of_a_real_run_is_read(tmp_path: Path) -> None:
    """The planted XML above has the form that pytest writes."""
    (tmp_path / "test_real.py").write_text(
        "import pytest\n"
        "def test_passes(): pass\n"
        f"def test_skips(): pytest.skip('{ALLOWED}')\n"
        "@pytest.mark.xfail(reason='known')\n"
        "def test_fails(): assert False\n"
    )
    report = tmp_path / "real.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path)]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}", str(tmp_path)]
    bare = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    bare["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    assert subprocess.run(command, capture_output=True, cwd=tmp_path, env=bare).returncode == 0
    done = judged(report, floor=1)
    assert done.returncode == 1
    assert done.stderr == ("check_report: 1 skipped for a reason that is not allowed: 'known'\n")


PYTHON_STAND_IN = """#!/usr/bin/env bash
# Plays `python -m venv FOLDER`: the folder gets stand-ins for the tools.
bin="$3/bin"; mkdir -p "$bin"; ln -s "$REAL_PYTHON" "$bin/python"
for tool in pip ruff mypy; do
    line='#!/bin/sh\\necho "%s $*" >>"$CALLS"; [ "$BROKEN" != "%s $1" ]\\n'
    printf "$line" $tool $tool >"$bin/$tool"
done
cat >"$bin/pytest" <<'SH'
#!/usr/bin/env bash
echo "pytest $*" >>"$CALLS"
report=${PYTEST_ADDOPTS#*junitxml=\\'}; report=${report%%\\'*}
cp "$PLANTED" "$report"; exit "$PYTEST_STATUS"
SH
chmod +x "$bin"/p* "$bin"/ruff "$bin"/mypy
"""
SPEC_STAND_IN = """import os, sys
with open(os.environ["CALLS"], "a") as calls:
    print("python -m spec", file=calls)
sys.exit(os.environ["BROKEN"] == "python -m spec")
"""
TEST_LINE = "    pip install -e '.[test]' && pytest -n auto tests/\n"


def run_ci(
    folder: Path, readme: str = TEST_LINE, broken: str = "", status: int = 0, passed: int = 2
) -> tuple[int, list[str], str]:
    """Runs `.ci/run` with stand-ins: its exit status, the tools it called, what it printed."""
    project = folder / "project with a space"
    shutil.copytree(ROOT / ".ci", project / ".ci")
    (project / "README.md").write_text(readme)
    (project / "spec").mkdir()
    (project / "spec" / "__main__.py").write_text(SPEC_STAND_IN)
    (project / ".ci" / "expected.toml").write_text("minimum_passed = 2\nallowed_skips = []\n")
    python, calls, planted = folder / "python", folder / "calls", folder / "planted.xml"
    python.write_text(PYTHON_STAND_IN)
    python.chmod(0o755)
    calls.touch()
    planted.write_text(REPORT.format(cases=PASSED * passed))
    env = os.environ | {"PYTHON": str(python), "REAL_PYTHON": sys.executable, "BROKEN": broken}
    env |= {"CALLS": str(calls), "PLANTED": str(planted), "PYTEST_STATUS": str(status)}
    command = [str(project / ".ci" / "run")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder)
    return done.returncode, calls.read_text().splitlines(), done.stdout + done.stderr


def test_the_script_runs_every_phase_with_the_lines_of_the_readme(tmp_path: Path) -> None:
    status, calls, printed = run_ci(tmp_path)
    assert status == 0, printed
    tools = ["pip install -e .[test]", "ruff check .", "ruff format --check ."]
    assert calls == [*tools, "mypy gbm_ref gbm_fast", "python -m spec", "pytest -n auto tests/"]
    assert "== tests: 0 s" in printed


TOOLS = ["pip install", "ruff check", "ruff format", "mypy gbm_ref", "python -m spec"]


@pytest.mark.parametrize("broken", TOOLS)
def test_a_failing_tool_fails_the_script(tmp_path: Path, broken: str) -> None:
    status, calls, printed = run_ci(tmp_path, broken=broken)
    assert status != 0 and calls[-1].startswith(broken)
    assert "ci: passed" not in printed


@pytest.mark.parametrize("pytest_status", [1, 2, 5])
def test_a_failing_or_empty_test_run_fails_the_script(tmp_path: Path, pytest_status: int) -> None:
    status, _, printed = run_ci(tmp_path, status=pytest_status)
    assert status == pytest_status
    assert ("collected no test at all" in printed) == (pytest_status == 5)


def test_too_few_tests_fail_the_script(tmp_path: Path) -> None:
    status, _, printed = run_ci(tmp_path, passed=1)
    assert status == 1
    assert "1 tests passed, the committed floor is 2" in printed


@pytest.mark.parametrize("readme", ["nothing here\n", TEST_LINE + TEST_LINE.replace("auto", "2")])
def test_a_readme_without_exactly_one_test_line_fails(tmp_path: Path, readme: str) -> None:
    status, calls, _ = run_ci(tmp_path, readme=readme)
    assert (status, calls) == (1, [])
