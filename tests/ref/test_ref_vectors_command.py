"""The command `python -m gbm_ref.vectors`, the page about the vectors, and the example on it."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from gbm_ref.vectors import ORACLE, __main__, load, names, oracle, store
from gbm_ref.vectors._process import Prescribed
from tests.support.fixtures import Patch, Shown
from tests.support.source_tree import ROOT
from tests.test_commands import HEAVY, imported_modules, run_timed

Shown = Shown
FOLDER = ROOT / "gbm_ref" / "vectors"
EXAMPLE = ROOT / "examples" / "check_against_vectors.py"
PAGE = (ROOT / "docs" / "vectors.md").read_text(encoding="utf-8")


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "gbm_ref.vectors", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, input=given)


def test_verify_passes_for_the_oracle() -> None:
    done = run("verify")
    assert (done.returncode, done.stderr) == (0, "")
    table = done.stdout.splitlines()
    assert [line.split()[0] for line in table] == list(names())
    assert all(line.endswith("passed") for line in table)


def test_results_are_read_from_standard_input() -> None:
    rows = [{"fn": "denoiser", "tcId": r.tc_id, "out": r.nearest} for r in load("denoiser")]
    rows[4]["out"] = float(rows[4]["out"]) + 1e-9
    done = run("verify", "--results", "-", given="\n".join(map(json.dumps, rows)))
    assert done.returncode == 1
    assert "1 FAILED" in done.stdout and "tcId 5" in done.stdout


def test_results_are_read_from_a_file(tmp_path: Path) -> None:
    rows = [{"fn": "denoiser", "tcId": r.tc_id, "out": r.nearest} for r in load("denoiser")]
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert __main__.main(["verify", "--results", str(path)]) == 0
    assert __main__.main(["verify", "--results", str(path), "denoiser", "gradient_step"]) == 1
    path.write_text("", encoding="utf-8")
    assert __main__.main(["verify", "--results", str(path)]) == 1
    assert __main__.main(["verify", "--results", str(tmp_path / "none")]) == 1


def test_help_is_light() -> None:
    done = run_timed("-m", "gbm_ref.vectors", "verify", "--help")
    assert done.returncode == 0 and "usage" in done.stdout
    assert imported_modules(done.stderr) & HEAVY == set()


def test_list_names_every_function(capsys: Shown) -> None:
    assert __main__.main(["list"]) == 0
    out = capsys.readouterr().out
    assert [name for name in names() if not re.search(rf"^{name} ", out, re.MULTILINE)] == []
    assert out.splitlines()[-1].endswith(f"functions, version {store.version()}")


def test_rows_are_printed(capsys: Shown) -> None:
    assert __main__.main(["print", "denoiser", "--json"]) == 0
    assert capsys.readouterr().out.splitlines() == store.lines("denoiser")
    assert __main__.main(["print", "denoiser", "--id", "3"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert repr(load("denoiser")[2].nearest) in line and "h=" in line
    assert __main__.main(["print", "denoiser", "--id", "9999"]) == 2
    assert "no row 9999" in capsys.readouterr().err
    assert __main__.main(["print", "nothing"]) == 2


def test_a_failing_row_gives_exit_code_1(monkeypatch: Patch, capsys: Shown) -> None:
    monkeypatch.setattr(oracle, "ORACLE", {**ORACLE, "denoiser": lambda x, h, m, v: 0.0})
    assert __main__.main(["verify", "gradient_step"]) == 0
    assert __main__.main(["verify", "gradient_step", "denoiser"]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_a_changed_file_gives_exit_code_1(
    monkeypatch: Patch, tmp_path: Path, capsys: Shown
) -> None:
    for path in (ROOT / "gbm_ref" / "vectors").glob("*.json*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(store, "folder", lambda: tmp_path)
    assert __main__.main(["verify", "denoiser"]) == 0
    (tmp_path / "gradient_step.jsonl").write_text("{}\n", encoding="utf-8")
    assert __main__.main(["verify", "denoiser"]) == 1
    assert "gradient_step.jsonl was changed" in capsys.readouterr().err


def run_example(path: Path, *folder: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The example without any installed package: -I -S leaves the standard library alone."""
    command = [sys.executable, "-I", "-S", str(path), *folder]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_example_needs_nothing_but_python(tmp_path: Path) -> None:
    done = run_example(EXAMPLE, cwd=tmp_path)  # it finds the clone that it lies in from anywhere
    rows = len(load("forward_sample"))
    assert (done.returncode, done.stdout) == (0, f"{rows} of {rows} rows passed\n"), done.stderr
    text = EXAMPLE.read_text(encoding="utf-8")
    for mistake in ("math.sqrt(v) * z + v / 2", "v * z", "math.sqrt(v) * z * math.nan"):
        wrong = tmp_path / "wrong.py"
        wrong.write_text(text.replace("math.sqrt(v) * z", mistake), encoding="utf-8")
        refused = run_example(wrong, str(FOLDER), cwd=tmp_path)
        assert refused.returncode == 1 and "failed, perhaps one of" in refused.stdout


def test_the_page_shows_the_example_and_a_row_as_they_are() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert blocks[0] == EXAMPLE.read_text(encoding="utf-8")
    (row,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    shown = json.loads(row)
    assert shown == json.loads(store.lines(shown["fn"])[shown["tcId"] - 1])
    assert f"for {len(names())} functions" in PAGE


def test_the_page_s_other_block_runs(tmp_path: Path, capsys: Shown) -> None:
    """As a program of its own, which is given the denoiser that the page leaves to the reader."""
    (_, block) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    program = tmp_path / "block.py"
    program.write_text(block, encoding="utf-8")

    def my_denoiser(x: float, h: float, m: float, v: float) -> object:
        return ORACLE["denoiser"](x=x, h=h, m=m, v=v)

    report = runpy.run_path(str(program), init_globals={"my_denoiser": my_denoiser})["report"]
    assert report.passed and report.worst <= 1.0
    assert capsys.readouterr().out == f"True {report.worst} []\n"


def test_the_prescribed_process_is_consistent() -> None:
    for process in (Prescribed(0.3, 0.7), Prescribed(-0.2, 0.4, v_s=0.9)):
        s = process.s
        assert process.increments(1.0, 1.0 - s) == (process.dm, process.dv)
        assert process.log_var(s) == process.v_s and process.log_mean(s) == 0.0
        for t in (0.3 * s, s, s + 0.4 * (1 - s), 1.0):
            assert process.time_at_log_var(process.log_var(t)) == pytest.approx(t, abs=1e-15)
            step = 1e-6 * (1 if t < 1.0 else -1)
            change = (process.log_var(t + step) - process.log_var(t)) / step
            assert process.diffusion(t) ** 2 == pytest.approx(change, rel=1e-8)
            slope = (process.log_mean(t + step) - process.log_mean(t)) / step
            assert process.drift(t) == pytest.approx(slope + change / 2, rel=1e-8)
    with pytest.raises(ValueError, match=r"must lie in \[0.5, 1\]"):
        Prescribed(0.1, 0.2, v_s=0.3).increments(1.0, 0.75)
