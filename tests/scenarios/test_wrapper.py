"""The wrapper, run as cron would run it: with a real Python in a venv of its own, and a small program as the tool."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiers import also_slow
from wrapper_site import MODULE_FUNCTION, WRAPPER, Site

from globus_sync_directory.installation import REQUIRED

DEFAULT_MODULE = "Python/3.11.6-foss-2023a"
MODULE_VARIABLE = "GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, tmp_path / "O'Brien's lab" / "sync")
    site.packages.mkdir(parents=True)
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    site.python.parent.mkdir()
    site.python.symlink_to(base)
    (site.folder / "venv" / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    for name in (*REQUIRED, "pip"):
        (site.packages / f"{name}.py").write_text("")
    shutil.copy(WRAPPER, site.wrapper)
    site.modules("")
    site.tool("print('answer')")
    return site


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """Return the wrapper's only line on stderr, without the script's name."""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{WRAPPER.name}: ")
    return line.removeprefix(f"{WRAPPER.name}: ")


def test_runs_the_tool_in_its_own_folder(site: Site) -> None:
    """From anywhere: the venv's tool, in the wrapper's folder, with a log file there; stdout is the tool's."""
    result = site.run("-q", "-d")
    assert (result.returncode, result.stdout, result.stderr) == (0, "answer\n", "")
    assert site.seen()["directory"] == str(site.folder)
    assert site.seen()["arguments"] == ["--log-file", str(site.log), "-q", "-d"]
    assert site.seen()["environment"]["PYTHONNOUSERSITE"] == "1"


def test_arguments_arrive_unchanged(site: Site) -> None:
    """Blanks, quotes, patterns, line breaks, backslashes and empty arguments reach the tool as given."""
    given = ["-p", "two words", "", "*", "it's", '"', "a\nb", "$HOME", "`id`", "\\", "-d", "--", "ï", " ", "-c", "-"]
    site.run(*given)
    assert site.seen()["arguments"][2:] == given


@pytest.mark.parametrize("status", [0, *also_slow(3, 1, 2, 4, 69, 70, 72, 75, 130)])
def test_exit_status_is_the_tools(site: Site, status: int) -> None:
    site.tool(f"sys.exit({status})")
    result = site.run()
    assert (result.returncode, result.stderr) == (status, "")


def test_empty_environment(site: Site) -> None:
    """With nothing but HOME in the environment the tool runs and finds programs on a default PATH."""
    result = site.run(env={"HOME": str(site.root), MODULE_VARIABLE: ""})
    assert (result.returncode, result.stderr) == (0, "")
    assert "/usr/bin" in site.seen()["environment"]["PATH"]


def test_line_of_a_crontab(site: Site) -> None:
    """README's line works: a shell expands $HOME, the rest is the wrapper's work."""
    (site.root / "globus_sync_directory").symlink_to(site.folder)
    line = f"$HOME/globus_sync_directory/{WRAPPER.name} -q -d"
    assert site.run("-c", line, command="/bin/sh").returncode == 0
    assert site.seen()["arguments"][2:] == ["-q", "-d"]


def test_symbolic_links_and_path(site: Site) -> None:
    """A link to a link to the wrapper, or its name on PATH, runs it in the folder of the script itself."""
    first, second = site.root / "first link", site.root / "second"
    first.symlink_to(site.wrapper)
    second.symlink_to("first link")
    assert site.run(command=second).returncode == 0
    assert site.seen()["directory"] == str(site.folder)
    (site.root / "seen").unlink()
    path = f"{site.folder}:{site.environment['PATH']}"
    assert site.run_in_shell(f"{WRAPPER.name}", env=site.environment | {"PATH": path}).returncode == 0
    assert site.seen()["directory"] == str(site.folder)


def test_unknown_own_folder(site: Site) -> None:
    """Read from a pipe the script has no folder: status 71, and nothing runs."""
    with site.wrapper.open() as script:
        result = site.run("-s", command="/bin/bash", stdin=script)
    assert result.returncode == 71
    assert "call it by its path" in complaint(result)
    assert not site.was_run()


@pytest.mark.parametrize("closed", also_slow("<&- >&- 2>&-", "<&-", ">&-", "2>&-"))
def test_closed_streams(site: Site, closed: str) -> None:
    """A stream that the caller closed is open for the tool, so that no file of its own takes the number."""
    site.tool("sys.exit(3)")
    assert site.run_in_shell(f'"$wrapper" {closed}').returncode == 3
    assert site.seen()["streams"][:3] == [0, 1, 2]


def test_tool_takes_the_place_of_the_wrapper(site: Site) -> None:
    """The tool is the process that the caller started, so that no signal has to be passed on; no other file is open."""
    site.run()
    assert site.seen()["parent"] == os.getpid()
    assert len(site.seen()["streams"]) == 4  # the fourth is the look at /dev/fd itself


@pytest.mark.parametrize("number", also_slow(signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
def test_signals_reach_the_tool(site: Site, number: signal.Signals) -> None:
    """A signal to the wrapper is the tool's to deal with: its last words appear, its status counts."""
    handler = "lambda *_: (print('caught'), sys.exit(130))"
    site.tool(f"signal.signal({number.value}, {handler}); print('ready', flush=True); signal.sigtimedwait([], 15)")
    with site.start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (130, "caught\n")


def test_signal_before_the_tool_is_started(site: Site) -> None:
    """A signal while the module loads ends the wrapper, and nothing runs."""
    site.modules(f"{MODULE_FUNCTION}\nkill -TERM $$")
    assert site.run().returncode == -signal.SIGTERM
    assert not site.was_run()


@pytest.mark.parametrize("variable", also_slow("MODULESHOME", "LMOD_PKG"))
def test_loads_the_module(site: Site, variable: str) -> None:
    """The start-up file that the module system's variables name defines ``module``; nothing of it is printed."""
    site.modules(f"echo hello; echo hello >&2; : $ANOTHER_UNSET_VARIABLE; false\n{MODULE_FUNCTION}")
    result = site.run(env={"HOME": str(site.root), variable: site.environment["MODULESHOME"]})
    assert (result.returncode, result.stdout, result.stderr) == (0, "answer\n", "")
    assert site.seen()["environment"]["LOADED_MODULE"] == DEFAULT_MODULE


def test_module_function_of_the_caller(site: Site) -> None:
    """A ``module`` function that the caller has exported is used without the start-up file."""
    site.modules("export START_UP_FILE=read")
    assert site.run_in_shell(f'{MODULE_FUNCTION}\nexport -f module; "$wrapper"').returncode == 0
    assert "LOADED_MODULE" in site.seen()["environment"]
    assert "START_UP_FILE" not in site.seen()["environment"]


@pytest.mark.parametrize("name", also_slow("lmod.sh", "modules.sh", "z00_lmod.sh"))
def test_start_up_file_of_the_host(site: Site, name: str) -> None:
    """Without variables the host's file in /etc/profile.d is read; this copy of the script names another directory."""
    profile = site.root / "profile.d"
    profile.mkdir()
    (profile / name).write_text(MODULE_FUNCTION)
    script = site.wrapper.read_text()
    assert script.count(" /etc/profile.d/") == 1
    site.wrapper.write_text(script.replace(" /etc/profile.d/", f" {shlex.quote(str(profile))}/"))
    assert site.run(env={"HOME": str(site.root)}).returncode == 0
    assert "LOADED_MODULE" in site.seen()["environment"]


@pytest.mark.parametrize(("wanted", "loaded"), [("Python/3.14.4-foss-2026", "Python/3.14.4-foss-2026"), ("", None)])
def test_module_of_the_environment(site: Site, wanted: str, loaded: str | None) -> None:
    """The variable names another module; empty, no module is loaded."""
    site.modules(MODULE_FUNCTION)
    assert site.run(env=site.environment | {MODULE_VARIABLE: wanted}).returncode == 0
    assert site.seen()["environment"].get("LOADED_MODULE") == loaded


def test_module_that_is_gone(site: Site) -> None:
    """Status 69; the module system's reason and the fix are on stderr, the fix is in the log; nothing runs."""
    site.modules(MODULE_FUNCTION)
    site.log.write_text("earlier line\n")
    result = site.run(env=site.environment | {MODULE_VARIABLE: "Python/gone"})
    assert result.returncode == 69
    assert "no Python/gone here" in result.stderr.splitlines()
    assert "cannot load the module Python/gone" in result.stderr
    assert f"or set {MODULE_VARIABLE}= (empty) to load none" in result.stderr
    logged = site.log.read_text().splitlines()
    assert logged[0] == "earlier line"
    assert logged[1].endswith(result.stderr.splitlines()[-1])
    assert not site.was_run()


def test_start_up_file_that_exits(site: Site) -> None:
    """A start-up file that ends the shell, even with status 0, does not look like a run: status 69."""
    site.modules("exit 0")
    result = site.run()
    assert result.returncode == 69
    assert "the module system ended this script" in complaint(result)


def test_complaint_does_not_wait_for_a_fifo(site: Site) -> None:
    """A FIFO in the place of the log file does not hold up the wrapper's complaint."""
    os.mkfifo(site.log)
    site.python.unlink()
    assert site.run().returncode == 72


def without_venv(site: Site, python: str) -> dict[str, str]:
    """Remove the venv and put ``python``, a shell script, on PATH as python3; return the environment."""
    shutil.rmtree(site.folder / "venv")
    programs = site.root / "bin"
    programs.mkdir()
    (programs / "python3").write_text(f"#!/bin/bash\n{python}\n")
    (programs / "python3").chmod(0o755)
    return site.environment | {"PATH": f"{programs}:{site.environment['PATH']}"}


def test_clone_without_venv(site: Site) -> None:
    """Without a venv, python3 on PATH runs the tool that is beside the wrapper, if it has the packages; else 72."""
    base = shlex.quote(str(site.python.readlink()))
    site.tool("sys.exit(4)", directory=site.folder)
    packages = site.root / "packages"
    packages.mkdir()
    for name in REQUIRED:
        (packages / f"{name}.py").write_text("")
    environment = without_venv(site, f'exec {base} "$@"')
    assert site.run(env=environment | {"PYTHONPATH": str(packages)}).returncode == 4
    result = site.run(env=environment)
    assert result.returncode == 72
    assert re.search(r"run: .* -m venv .*venv'? && .*venv/bin/python'? -m pip install -e ", result.stderr)


def test_no_python(site: Site) -> None:
    """Neither a venv nor python3: status 72."""
    shutil.rmtree(site.folder / "venv")
    programs = site.root / "bin"
    programs.mkdir()
    for name in ("bash", "readlink"):
        (programs / name).symlink_to(shutil.which(name) or name)
    result = site.run(env=site.environment | {"PATH": str(programs)})
    assert result.returncode == 72
    assert complaint(result) == f"there is no venv in {site.folder} and no python3 on PATH"


@pytest.mark.parametrize("damage", also_slow("dangling link", "not a program", "does not start"))
def test_broken_venv(site: Site, damage: str) -> None:
    """A venv whose Python does not run is not passed over: status 72 and the fix."""
    site.python.unlink()
    if damage == "dangling link":
        site.python.symlink_to("/nowhere/python3.11")
    else:
        site.python.write_text("#!/bin/bash\nexit 127\n")
        site.python.chmod(0o755 if damage == "does not start" else 0o644)
    result = site.run()
    assert result.returncode == 72
    assert result.stderr.splitlines()[-1].endswith("does not run; create the venv again, see README.md")
    assert not site.was_run()


def test_very_old_python(site: Site) -> None:
    """A Python that cannot even read the wrapper's lines: status 72 and the fix."""
    site.python.unlink()
    site.python.write_text("#!/bin/bash\n[[ $3 ]] && exit 1\n")
    site.python.chmod(0o755)
    result = site.run()
    assert result.returncode == 72
    assert result.stderr.endswith("does not run; create the venv again, see README.md\n")


@pytest.mark.slow  # bash tries for 15 s
@pytest.mark.skipif(os.geteuid() == 0, reason="root may have any number of processes")
def test_no_process_is_left(site: Site) -> None:
    """Where bash cannot start a process: status 75, and nothing runs."""
    assert site.run_in_shell('ulimit -u 1; exec "$wrapper"').returncode == 75
    assert not site.was_run()


@pytest.mark.parametrize("missing", also_slow("click", "dateutil", "globus_sdk", "msgspec"))
def test_missing_package(site: Site, missing: str) -> None:
    """A forgotten ``pip install``: 72 from the wrapper, 2 by hand, and the same sentence with the fix."""
    (site.packages / f"{missing}.py").unlink()
    by_wrapper, by_hand = site.run(), site.run_python_directly()
    assert (by_wrapper.returncode, by_hand.returncode) == (72, 2)
    assert by_wrapper.stderr == by_hand.stderr
    (line,) = by_hand.stderr.splitlines()
    assert line.removeprefix("globus-sync-directory: ") in site.log.read_text().splitlines()
    assert site.log.read_text().endswith("exit status 72\n")
    assert f"packages that the tool needs ({missing})" in line
    assert line.endswith(f"{shlex.quote(str(site.python))} -m pip install -e .")


def test_python_that_was_upgraded(site: Site) -> None:
    """A venv that another Python created has not even pip: the fix creates it again."""
    site.tool("pass", directory=site.folder)
    site.packages.rename(site.packages.with_name("of another Python"))
    result = site.run()
    assert result.returncode == 72
    (line,) = result.stderr.splitlines()
    assert f"-m venv --clear {shlex.quote(str(site.folder / 'venv'))} && " in line


def test_tool_that_is_not_installed(site: Site) -> None:
    """Neither in the venv nor beside the wrapper: 72 without a traceback."""
    shutil.rmtree(site.packages / "globus_sync_directory")
    result = site.run()
    assert result.returncode == 72
    (line,) = result.stderr.splitlines()
    assert "cannot run globus_sync_directory" in line


@pytest.mark.parametrize(
    ("click", "error"),
    [
        ("import a_package_that_click_needs", "ModuleNotFoundError: No module named 'a_package_that_click_needs'"),
        ("import json\njson.not_yet_there", "AttributeError: module 'json' has no attribute 'not_yet_there'"),
        ("int[str]", "TypeError: type 'int' is not subscriptable"),
    ],
)
def test_package_that_does_not_work(site: Site, click: str, error: str) -> None:
    """A package that is too old or damaged: 72 from the wrapper, 2 by hand, one sentence."""
    (site.packages / "click.py").write_text(click)
    by_wrapper, by_hand = site.run(), site.run_python_directly()
    assert (by_wrapper.returncode, by_hand.returncode) == (72, 2)
    (line,) = by_wrapper.stderr.splitlines()
    assert f"has a package that is too old or damaged ({error}); " in line
    assert line.endswith("-m pip install -e .")


@pytest.mark.parametrize("raised", ["ImportError('x', name='cryptography')", "MemoryError"])
def test_trouble_that_is_found_late(site: Site, raised: str) -> None:
    """As above where the package is imported by a command: what the wrapper asks for reaches the command line."""
    site.tool("from globus_sync_directory import installation; sys.exit(installation.exit_status_if_broken)")
    assert (site.run().returncode, site.run_python_directly().returncode) == (72, 2)
    (site.packages / "click.py").write_text(f"raise {raised}\n")
    assert site.run().returncode == (75 if raised == "MemoryError" else 72)


@pytest.mark.parametrize("failure", also_slow("from globus_sync_directory import lost", "import json.lost", "1 / 0"))
def test_bug_is_not_an_installation_problem(site: Site, failure: str) -> None:
    """An import of ours that fails, or of the standard library, is a bug: traceback and 70."""
    (site.packages / "globus_sync_directory" / "cli.py").write_text(failure)
    result = site.run()
    assert result.returncode == 70
    assert "this is a bug" in result.stderr
    assert "Traceback" in result.stderr


def test_files_nearby_are_not_imported(site: Site) -> None:
    """No file beside the wrapper, or in the current directory of a run by hand, is a module of the tool."""
    site.tool("import importlib.util; print(importlib.util.find_spec('simplejson'))")
    elsewhere = site.root / "elsewhere"
    elsewhere.mkdir()
    for name in ("click", "functools", "signal", "simplejson"):  # requests would use the last one, which nobody needs
        for directory in (elsewhere, site.folder):
            (directory / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')\n")
    result = site.run(cwd=elsewhere)
    assert (result.returncode, result.stdout, result.stderr) == (0, "None\n", "")
    assert site.seen()["click"] == str(site.packages / "click.py")
    (elsewhere / "functools.py").unlink()  # "python -m" itself imports it before the tool can prevent that
    result = site.run_python_directly(cwd=elsewhere)
    assert (result.returncode, result.stdout, result.stderr) == (0, "None\n", "")
    assert site.seen()["click"] == str(site.packages / "click.py")


@pytest.mark.parametrize("number", also_slow(signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_signal_during_the_imports(site: Site, number: signal.Signals) -> None:
    """Ctrl-C while packages are imported: status 130 and one line, no traceback."""
    (site.packages / "click.py").write_text(f"import os\nos.kill(os.getpid(), {number.value})\nwhile True: pass\n")
    result = site.run_python_directly()
    assert result.returncode == 130
    assert result.stderr == f"globus-sync-directory: interrupted by {number.name} before anything was started\n"


def test_complaint_on_a_full_disk(site: Site) -> None:
    """The status does not change when nobody can read the sentence."""
    (site.packages / "click.py").unlink()
    with open("/dev/full", "w") as full:
        assert site.run_python_directly(stderr=full).returncode == 2
