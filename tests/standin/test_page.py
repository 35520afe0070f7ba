"""docs/standin.md, tried line by line on a stand-in that is started as it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from globus_sdk import TransferData

from .helpers import BLOCKS, LINES, Documented


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_curl_line(documented: Documented) -> None:
    """Each line with curl is accepted, and answers with the state."""
    lab, archive = documented.variables["LAB"], documented.variables["ARCHIVE"]
    data = TransferData(source_endpoint=lab, destination_endpoint=archive)
    data.add_item("/missing", "/copy")
    with documented.sign_in() as client:
        task_id = client.submit_transfer(data)["task_id"]
    curls = [line for line in LINES if line.startswith("curl ")]
    assert len(curls) > 30
    for line in curls:
        done = subprocess.run(
            ["sh", "-ec", line.replace("curl ", "curl -sS ", 1)], capture_output=True, text=True, timeout=20,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*", "TASK": task_id, **documented.variables},
        )  # fmt: skip
        assert "now" in json.loads(done.stdout), (line, done.stdout, done.stderr)
    assert json.loads(done.stdout)["tasks"] == {}


def test_every_line_is_known() -> None:
    """Every line of the page is of a kind that a test tries."""
    venv = ("venv/bin/python -m globus_sync_directory.standin serve ", "venv/bin/pip ")
    kinds = (*venv, "curl ", "mkdir ", "echo ", "globus ", "export ")
    shell = [line for block in BLOCKS if "import pytest" not in block for line in block.splitlines()]
    assert [line for line in shell if not line.startswith(kinds) and not re.match("[A-Z]+=", line)] == []


@pytest.mark.slow
def test_the_python_block(tmp_path: Path) -> None:
    """The fixture on the page works unchanged."""
    (block,) = [block for block in BLOCKS if "import pytest" in block]
    (tmp_path / "test_page.py").write_text(block)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
