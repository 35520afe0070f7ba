"""The table in docs/reliability.md counts what it names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import reliability_table

CONFTEST = """
import pathlib, pytest, reliability_table

def pytest_configure(config):
    config.addinivalue_line("markers", "promise(number, fault): a promise")
    config.pluginmanager.register(reliability_table.Table(pathlib.Path("table.md")))
"""
TESTS = """
import pytest
from reliability_table import count_cases, note_request_over_http

@pytest.fixture
def broken():
    raise OSError("no world")

@pytest.fixture
def world():
    yield
    note_request_over_http()

@pytest.fixture
def leaky():
    yield
    assert False, "the secret is in a file"

@pytest.mark.promise(1, "set-up fails")
def test_set_up(broken): ...

@pytest.mark.promise(2, "the fifth of many cases fails")
def test_many(request, world):
    for number in range(1, 10):
        count_cases(request, number)
        assert number < 5

@pytest.mark.promise(3, "what is checked afterwards fails")
def test_afterwards(leaky): ...

@pytest.mark.promise(4, "good")
@pytest.mark.parametrize("number", range(3))
def test_good(world, number): ...

@pytest.mark.promise(4, "good")
def test_without_http(): ...

@pytest.mark.promise(5, "skipped")
@pytest.mark.skipif(True, reason="not here")
def test_skipped(): ...

@pytest.mark.promise(5, "skipped")
def test_skipped_later(world):
    pytest.skip("not here")
"""
ROWS = f"""
| 1. The source is never written. | set-up fails | `test_it.py::test_set_up` | 1 | 0 | 1 |
| 2. Nothing is deleted at the destination. | the fifth of many cases fails | `test_it.py::test_many` | 5 | 5 | 1 |
| 3. {reliability_table.PROMISES[3]} | what is checked afterwards fails | `test_it.py::test_afterwards` | 1 | 0 | 1 |
| 4. {reliability_table.PROMISES[4]} | good | `test_it.py::test_good`<br>`test_it.py::test_without_http` | 4 | 3 | 0 |
| | all | | 11 | 8 | 3 |
"""


def run_pytest(directory: Path, *tests: str) -> int:
    """Run these tests with the table, in a process of their own."""
    (directory / "conftest.py").write_text(CONFTEST)
    for number, text in enumerate(tests):
        (directory / f"test_it{number or ''}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {"PYTHONPATH": str(Path(reliability_table.__file__).parent), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL, timeout=60).returncode


def test_what_is_counted(tmp_path: Path) -> None:
    """A failed set-up is a failure, one bad case of several is one of them, and a skipped test is no case."""
    table = tmp_path / "table.md"
    table.write_text(f"an older table\n{reliability_table.BELOW}\n99 of 100\n")
    assert run_pytest(tmp_path, TESTS) == 1
    above, heading, below = table.read_text().partition(reliability_table.BELOW)
    assert above.endswith(f"| --- | --- | --- | ---: | ---: | ---: |{ROWS}")
    assert (bool(heading), below) == (True, "\n99 of 100\n")


def test_a_run_that_is_not_whole(tmp_path: Path) -> None:
    """Where a file of tests cannot be read, the table stays as it was."""
    assert run_pytest(tmp_path, TESTS, "import nothing_of_this_name") != 0
    assert not (tmp_path / "table.md").exists()
