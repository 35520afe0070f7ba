"""The wrapper, run as cron would run it, with a shell script in the place of the venv's interpreter."""

import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

WRAPPER = Path(__file__).resolve().parent.parent / "nesi_sync_directory_wrapper.sh"
MEGABYTE = 1024 * 1024
MODULE_VARIABLE = "GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE"

# At most some seconds: a signal that is lost fails the test and does not hang it.
WAIT_FOR_SIGNAL = "echo ready; for _ in {1..400}; do [[ $seen ]] && break; sleep 0.01; done"

MODULE_FUNCTION = """
module() {
    echo "module $*: $UNSET_VARIABLE"
    false
    [[ $2 == *gone* ]] && return 1
    export LOADED_MODULE=$2
}
"""


@dataclass(frozen=True)
class Site:
    """A folder that holds the wrapper and a venv, and the module system around it."""

    root: Path
    folder: Path

    @property
    def wrapper(self) -> Path:
        return self.folder / WRAPPER.name

    @property
    def log(self) -> Path:
        return self.folder / "globus_sync_directory.log"

    @property
    def environment(self) -> dict[str, str]:
        modules = str(self.root / "modules")
        return {"HOME": str(self.root), "PATH": os.environ["PATH"], "MODULESHOME": modules}

    def interpreter(self, behaviour: str, path: str = "venv/bin/python") -> None:
        """Put a program at ``path`` that notes how it was called, then runs ``behaviour``, lines of Bash."""
        program = self.folder / path
        program.parent.mkdir(parents=True, exist_ok=True)
        seen = shlex.quote(str(self.root / "seen"))
        program.write_text(
            f"#!/bin/bash\nmkdir -p {seen}\nprintf '%s\\0' \"$@\" >{seen}/arguments\n"
            f"env -0 >{seen}/environment\nprintf '%s' \"$PWD\" >{seen}/directory\n{behaviour}\n"
        )
        program.chmod(0o755)

    def modules(self, start_up: str) -> None:
        """Make ``start_up``, lines of Bash, the start-up file of the module system."""
        path = self.root / "modules" / "init" / "bash"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(start_up)

    def start(self, *arguments: str, **options: object) -> "subprocess.Popen[str]":
        settings: dict[str, object] = {
            "env": self.environment,
            "cwd": "/",
            "text": True,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        command = [str(options.pop("command", self.wrapper)), *arguments]
        return subprocess.Popen(command, **(settings | options))  # type: ignore[call-overload, no-any-return]

    def run(self, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, **options)
        stdout, stderr = process.communicate(timeout=20)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def was_run(self) -> bool:
        return (self.root / "seen").exists()

    def arguments(self) -> list[str]:
        return (self.root / "seen" / "arguments").read_text().split("\0")[:-1]

    def seen_environment(self) -> dict[str, str]:
        entries = (self.root / "seen" / "environment").read_text().split("\0")[:-1]
        return dict(entry.split("=", 1) for entry in entries)

    def directory(self) -> str:
        return (self.root / "seen" / "directory").read_text()


def build_site(root: Path) -> Site:
    site = Site(root, root / "O'Brien's lab" / "sync")
    site.folder.mkdir(parents=True)
    shutil.copy(WRAPPER, site.wrapper)
    site.modules("")
    site.interpreter("exit 0")
    return site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return build_site(tmp_path)


@pytest.fixture
def open_site() -> Iterator[Site]:
    """A site whose folders every user of this machine may enter."""
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        yield build_site(Path(root))


def complaint(result: "subprocess.CompletedProcess[str]") -> str:
    """The wrapper's only line on stderr, without the script's name."""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{WRAPPER.name}: ")
    return line.removeprefix(f"{WRAPPER.name}: ")


def test_runs_the_module_in_its_own_folder(site: Site) -> None:
    """From anywhere, the wrapper runs `python -m globus_sync_directory` of its venv in its own folder."""
    result = site.run()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert site.arguments() == ["-m", "globus_sync_directory"]
    assert site.directory() == str(site.folder)


def test_sets_what_the_interpreter_needs(site: Site) -> None:
    """The user's own packages are kept out and output is not held back in a buffer."""
    site.run()
    environment = site.seen_environment()
    assert (environment["PYTHONNOUSERSITE"], environment["PYTHONUNBUFFERED"]) == ("1", "1")


def test_arguments_arrive_untouched(site: Site) -> None:
    """Spaces, quotes, globs, line breaks, backslashes and empty arguments reach the tool as given."""
    given = ["-p", "two words", "", "*", "it's", '"', "a\nb", "$HOME", "`id`", "\\", "-d", "--", "ï", " "]
    site.run(*given)
    assert site.arguments() == ["-m", "globus_sync_directory", *given]


@pytest.mark.parametrize("status", [0, 1, 2, 3, 4, 70, 75, 130])
def test_keeps_the_exit_status(site: Site, status: int) -> None:
    """The tool's exit status is the wrapper's, without a comment of its own on stderr; the log has it too."""
    site.interpreter(f"exit {status}")
    result = site.run()
    assert (result.returncode, result.stderr) == (status, "")
    assert site.log.read_text().endswith(f"exit status {status}\n")


def test_empty_environment(site: Site) -> None:
    """With nothing but HOME in the environment the run works, and programs are found on a default PATH."""
    command = ["env", "-i", f"HOME={site.root}", f"{MODULE_VARIABLE}=", str(site.wrapper), "-d"]
    result = site.run(*command[1:], command=command[0])
    assert (result.returncode, result.stderr) == (0, "")
    assert site.arguments() == ["-m", "globus_sync_directory", "-d"]
    assert "/usr/bin" in site.seen_environment()["PATH"]


def test_started_through_a_symbolic_link(site: Site) -> None:
    """A link to the wrapper, and a link to that link, run it in the folder of the script itself."""
    first, second = site.root / "first link", site.root / "second"
    first.symlink_to(site.wrapper)
    second.symlink_to("first link")
    assert site.run(command=second).returncode == 0
    assert site.directory() == str(site.folder)
    assert site.log.exists()


def test_started_by_name_from_path(site: Site) -> None:
    """Found on PATH, the wrapper knows its folder all the same."""
    environment = site.environment
    environment["PATH"] += f":{site.folder}"
    assert site.run("-c", f"{WRAPPER.name} -d", command="/bin/sh", env=environment).returncode == 0
    assert site.directory() == str(site.folder)


def test_unknown_own_folder(site: Site) -> None:
    """Read from a pipe the script has no folder: it says so with status 71 and runs nothing."""
    with site.wrapper.open() as script:
        result = site.run("-s", command="/bin/bash", stdin=script)
    assert result.returncode == 71
    assert "call it by its path" in complaint(result)
    assert not site.was_run()


def test_output_keeps_its_streams_and_is_logged(site: Site) -> None:
    """What the tool writes comes out of stdout and stderr byte for byte; the log has both."""
    site.interpreter(r"""printf 'first  \\ %%s\n\n  naïve \xff\nlast, unfinished'; echo 'a warning' >&2""")
    result = site.run(text=False)
    assert result.stdout == b"first  \\ %s\n\n  na\xc3\xafve \xff\nlast, unfinished"
    assert result.stderr == b"a warning\n"
    logged = site.log.read_bytes().split(b"\n")
    written = [b"first  \\ %s", b"", b"  na\xc3\xafve \xff", b"last, unfinished"]
    assert [line for line in logged[2:-2] if line != b"a warning"] == written
    assert logged.count(b"a warning") == 1


def test_run_is_logged_to_its_end(site: Site) -> None:
    """When the wrapper has ended the log is complete: every line of the tool, then the exit status."""
    site.interpreter("for i in {1..3000}; do echo line $i; done; exit 3")
    # Not communicate(): it would wait for whoever still holds stdout.
    with site.start(stdout=subprocess.DEVNULL) as process:
        assert process.wait(timeout=20) == 3
        logged = site.log.read_text().splitlines()
    assert logged[2:-1] == [f"line {i}" for i in range(1, 3001)]
    assert logged[-1].endswith("exit status 3")


def test_log_has_a_dated_header_for_each_run(site: Site) -> None:
    """Each run adds to the log, under a one-line header with date, time, zone and quoted arguments."""
    site.run("-d", env=site.environment | {"TZ": "Pacific/Auckland"})
    site.run("-p", "two\nlines", env=site.environment | {"TZ": "UTC"})
    first, second = (line for line in site.log.read_text().splitlines() if line.startswith("===="))
    assert re.match(r"==== \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+1[23]00 NZ[DS]T .*: nesi_\S+ -d$", first)
    assert re.match(r"==== \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000 UTC .*: nesi_\S+ -p \$'two\\nlines'$", second)


def test_header_starts_on_a_line_of_its_own(site: Site) -> None:
    """A log whose last line was cut short by a crash does not swallow the next header."""
    site.log.write_text("half a li")
    site.run()
    assert site.log.read_text().startswith("half a li\n==== ")


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o022, 0o644)])
def test_log_has_the_mode_the_umask_gives(site: Site, umask: int, mode: int) -> None:
    """A log that the wrapper creates is no more open than the caller's umask says."""
    site.run(umask=umask)
    assert stat.S_IMODE(site.log.stat().st_mode) == mode


def write_long_log(site: Site) -> list[str]:
    lines = [f"old line {number:06d} {'x' * 80}" for number in range(60_000)]
    site.log.write_text("\n".join(lines) + "\n")
    assert site.log.stat().st_size > 5 * MEGABYTE
    return lines


def test_long_log_is_cut_between_lines(site: Site) -> None:
    """A log of over four megabytes keeps its newest three, whole lines only, its mode, and the new run."""
    lines = write_long_log(site)
    site.log.chmod(0o600)
    site.interpreter("echo new line")
    assert site.run(umask=0o022).returncode == 0
    kept = site.log.read_text().splitlines()
    end = kept.index("")
    assert 2.9 * MEGABYTE < site.log.stat().st_size < 3.1 * MEGABYTE
    assert kept[:end] == lines[-end:]
    assert "new line" in kept[end:]
    assert stat.S_IMODE(site.log.stat().st_mode) == 0o600
    assert sorted(path.name for path in site.folder.iterdir()) == sorted([site.log.name, WRAPPER.name, "venv"])


def test_short_log_is_not_cut(site: Site) -> None:
    """A log below the limit keeps every line."""
    site.log.write_text("old line\n" * 400_000)
    site.run()
    assert site.log.read_text().count("old line\n") == 400_000


def test_log_in_use_is_not_cut(site: Site) -> None:
    """While another run writes to a log that has grown too long it stays whole; the next run cuts it."""
    site.interpreter("echo ready; read -r; echo last words of the first")
    with site.start(stdin=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        lines = write_long_log(site)
        site.interpreter("echo second")
        assert site.run().returncode == 0
        first.communicate("go\n", timeout=20)
    logged = site.log.read_text().splitlines()
    assert logged[: len(lines)] == lines
    assert {"second", "last words of the first"} <= set(logged)
    site.run()
    assert site.log.stat().st_size < 3.1 * MEGABYTE
    assert "last words of the first" in site.log.read_text()


def test_runs_at_the_same_time_share_the_log(site: Site) -> None:
    """Of four runs that start together on a log that needs cutting, every line is logged once and whole."""
    write_long_log(site)
    site.interpreter(
        f"echo $$ >{shlex.quote(str(site.root))}/ready$3\n"
        f"until [[ -e {shlex.quote(str(site.root / 'go'))} ]]; do sleep 0.01; done\n"
        'for i in {1..30}; do printf "%s " "$3"; sleep 0.001; printf "%s\\n" "$i"; done'
    )
    runs = [site.start(f"run{number}") for number in range(4)]
    while len(list(site.root.glob("ready*"))) < len(runs):
        assert all(run.poll() is None for run in runs)
        time.sleep(0.005)
    (site.root / "go").touch()
    for run in runs:
        run.communicate(timeout=20)
        assert run.returncode == 0
    logged = [line for line in site.log.read_text().splitlines() if line.startswith("run")]
    assert sorted(logged) == sorted(f"run{number} {i}" for number in range(4) for i in range(1, 31))


def test_read_only_folder(open_site: Site) -> None:
    """In a folder that it may not write to, the run goes on without a log, after one line that says so."""
    open_site.interpreter("echo answer; exit 3")
    (open_site.root / "seen").mkdir(mode=0o777)
    (open_site.root / "seen").chmod(0o777)
    open_site.folder.chmod(0o555)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        result = open_site.run(**nobody)
    finally:
        open_site.folder.chmod(0o755)
    assert (result.returncode, result.stdout) == (3, "answer\n")
    assert complaint(result) == f"cannot write {open_site.log}; going on without a log"
    assert not open_site.log.exists()


def test_full_disk(site: Site) -> None:
    """With no space left for the log, the run goes on, after one line that says so."""
    site.log.symlink_to("/dev/full")
    site.interpreter("echo answer; exit 75")
    result = site.run()
    assert (result.returncode, result.stdout) == (75, "answer\n")
    assert complaint(result) == "cannot write /dev/full; going on without a log"


def test_disk_that_fills_up_during_the_run(site: Site) -> None:
    """Lines that no longer fit into the log still come out of stdout; stderr says that the log lacks them."""
    site.interpreter("for i in {1..400}; do echo line $i; done; exit 1")
    command = f"ulimit -f 2; exec {shlex.quote(str(site.wrapper))}"
    result = site.run("-c", command, command="/bin/bash")
    assert (result.returncode, result.stdout) == (1, "".join(f"line {i}\n" for i in range(1, 401)))
    assert complaint(result) == f"some lines could not be written to {site.log}"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(site: Site, closed: str) -> None:
    """Without stdin, stdout or stderr the run keeps its status, and the log has what the tool wrote."""
    site.interpreter("echo answer; echo warning >&2; exit 3")
    command = f"{shlex.quote(str(site.wrapper))} {closed}"
    assert site.run("-c", command, command="/bin/bash").returncode == 3
    assert {"answer", "warning"} <= set(site.log.read_text().splitlines())


def test_reader_that_goes_away(site: Site) -> None:
    """When nobody reads stdout any more the tool is not stopped, and the log has the whole output."""
    site.interpreter("for i in {1..50}; do echo line $i; sleep 0.002; done; exit 3")
    command = f"{shlex.quote(str(site.wrapper))} | head -n 1; exit ${{PIPESTATUS[0]}}"
    result = site.run("-c", command, command="/bin/bash")
    assert (result.returncode, result.stdout, result.stderr) == (3, "line 1\n", "")
    assert "\nline 50\n" in site.log.read_text()


def test_loads_the_site_module(site: Site) -> None:
    """Where `module` is not a function yet the start-up file defines it; what it prints goes to the log only.

    The function reads an unset variable and has a command that fails, as real ones do.
    """
    site.modules(f": $ANOTHER_UNSET_VARIABLE; false\n{MODULE_FUNCTION}")
    result = site.run()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert site.seen_environment()["LOADED_MODULE"] == "Python/3.11.6-foss-2023a"
    assert "module load Python/3.11.6-foss-2023a:" in site.log.read_text()


@pytest.mark.parametrize("variable", ["MODULESHOME", "LMOD_PKG"])
def test_module_system_in_an_empty_environment(site: Site, variable: str) -> None:
    """From an empty environment the file named by one of the module system's own variables is enough."""
    site.modules(MODULE_FUNCTION)
    environment = {"HOME": str(site.root), variable: site.environment["MODULESHOME"]}
    assert site.run(env=environment).returncode == 0
    assert site.seen_environment()["LOADED_MODULE"] == "Python/3.11.6-foss-2023a"


def test_module_function_from_the_caller(site: Site) -> None:
    """A `module` function that the caller has exported is used as it is, without the start-up file."""
    site.modules("echo start-up file read")
    command = f"{MODULE_FUNCTION}\nexport -f module\nexec {shlex.quote(str(site.wrapper))}"
    assert site.run("-c", command, command="/bin/bash").returncode == 0
    assert "LOADED_MODULE" in site.seen_environment()
    assert "start-up file read" not in site.log.read_text()


@pytest.mark.parametrize("name", ["lmod.sh", "modules.sh", "z00_lmod.sh"])
def test_system_wide_start_up_file(site: Site, name: str) -> None:
    """Without variables that tell where the module system is, its file in /etc/profile.d is read.

    That folder belongs to the machine, so the copy of the script that is run here names another.
    """
    profile = site.root / "profile.d"
    profile.mkdir()
    (profile / name).write_text(MODULE_FUNCTION)
    script = site.wrapper.read_text()
    assert script.count(" /etc/profile.d/") == 1
    site.wrapper.write_text(script.replace(" /etc/profile.d/", f" {shlex.quote(str(profile))}/"))
    environment = {"HOME": str(site.root), "PATH": os.environ["PATH"]}
    assert site.run(env=environment).returncode == 0
    assert "LOADED_MODULE" in site.seen_environment()
    (profile / name).unlink()
    assert site.run(env=environment).returncode == 0
    assert "LOADED_MODULE" not in site.seen_environment()


def test_module_name_from_the_environment(site: Site) -> None:
    """The variable names another module; set but empty, no module is loaded."""
    site.modules(MODULE_FUNCTION)
    site.run(env=site.environment | {MODULE_VARIABLE: "Python/3.14.4-foss-2026"})
    assert site.seen_environment()["LOADED_MODULE"] == "Python/3.14.4-foss-2026"
    site.run(env=site.environment | {MODULE_VARIABLE: ""})
    assert "LOADED_MODULE" not in site.seen_environment()


def test_missing_module(site: Site) -> None:
    """A module that is gone: status 69, one line with its name and the cure, in the log too, no run."""
    site.modules(MODULE_FUNCTION)
    result = site.run(env=site.environment | {MODULE_VARIABLE: "Python/gone"})
    assert result.returncode == 69
    assert "cannot load the module Python/gone" in complaint(result)
    assert MODULE_VARIABLE in complaint(result)
    assert result.stderr in site.log.read_text()
    assert not site.was_run()


def test_start_up_file_that_exits(site: Site) -> None:
    """A start-up file that ends the shell, even with status 0, is no run: status 70 and one line."""
    site.modules("exit 0")
    result = site.run()
    assert result.returncode == 70
    assert "without having run the tool" in complaint(result)
    assert result.stderr in site.log.read_text()


def test_no_venv(site: Site) -> None:
    """Without a venv beside the wrapper, python3 on PATH runs the tool."""
    shutil.rmtree(site.folder / "venv")
    site.interpreter("[[ $1 == -c ]] || exit 4", path="../bin/python3")
    environment = site.environment
    environment["PATH"] = f"{site.folder.parent / 'bin'}:{environment['PATH']}"
    assert site.run("-d", env=environment).returncode == 4
    assert site.arguments() == ["-m", "globus_sync_directory", "-d"]


def test_python_without_the_packages(site: Site) -> None:
    """A python3 on PATH that cannot import what the tool needs: status 72 and the cure, not the tool's own failure."""
    shutil.rmtree(site.folder / "venv")
    site.interpreter("echo Traceback >&2; exit 1", path="../bin/python3")
    environment = site.environment
    environment["PATH"] = f"{site.folder.parent / 'bin'}:{environment['PATH']}"
    result = site.run("-d", env=environment)
    assert result.returncode == 72
    assert "lacks what the tool needs; make a venv there" in complaint(result)
    assert result.stderr in site.log.read_text()


def test_no_python(site: Site) -> None:
    """With neither a venv nor python3: status 72, one line on stderr and in the log."""
    shutil.rmtree(site.folder / "venv")
    tools = site.root / "tools"
    tools.mkdir()
    for name in ("bash", "readlink", "flock"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    result = site.run(env=site.environment | {"PATH": str(tools)})
    assert result.returncode == 72
    assert complaint(result) == f"there is no venv in {site.folder} and no python3 on PATH"
    assert result.stderr in site.log.read_text()


def test_broken_venv(site: Site) -> None:
    """A venv whose interpreter is gone is not passed over: status 72, the cure on stderr and in the log."""
    python = site.folder / "venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    result = site.run()
    assert result.returncode == 72
    assert complaint(result) == f"{python} is missing or leads nowhere; make the venv anew"
    assert result.stderr in site.log.read_text()


@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_tool(site: Site, number: signal.Signals, logged: bool) -> None:
    """A signal to the wrapper is the tool's to deal with: its last words come out, its status counts."""
    if not logged:
        site.log.mkdir()
    site.interpreter(f"trap 'echo caught; exit 130' {number.name[3:]}\n{WAIT_FOR_SIGNAL}")
    with site.start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (130, "caught\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_to_the_whole_process_group(site: Site, number: signal.Signals) -> None:
    """A signal to all processes at once, as by Ctrl-C, reaches the tool once and costs no last words."""
    site.interpreter(
        f"trap 'echo caught; seen=1' {number.name[3:]}\n{WAIT_FOR_SIGNAL}\nsleep 0.1; echo tidied; exit 130"
    )
    with site.start(start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, number)
        stdout, _ = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (130, "caught\ntidied\n")
    assert "\ncaught\ntidied\n" in site.log.read_text()


def test_signal_that_the_tool_survives(site: Site) -> None:
    """When the tool goes on after a signal, the wrapper waits for its real end."""
    site.interpreter(f"trap 'seen=1' HUP\n{WAIT_FOR_SIGNAL}\nsleep 0.1; exit 3")
    with site.start() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=20)
    assert process.returncode == 3


def test_signal_before_the_tool_is_started(site: Site) -> None:
    """Terminated while the module loads, the wrapper starts nothing: status 143 and one line."""
    site.modules(f"{MODULE_FUNCTION}\nkill -TERM $$")
    result = site.run()
    assert result.returncode == 143
    assert complaint(result) == "SIGTERM came before the tool was started"
    assert not site.was_run()


def test_tool_that_is_killed(site: Site) -> None:
    """A tool that is killed cannot say so: the wrapper does, on stderr and in the log; status 128 + 9."""
    site.interpreter("echo begun; kill -KILL $$")
    result = site.run()
    assert (result.returncode, result.stdout) == (137, "begun\n")
    assert complaint(result) == "the tool was ended by signal 9"
    assert result.stderr in site.log.read_text()
