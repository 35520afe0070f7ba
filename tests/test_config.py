"""config.ini: what is read, what is refused, and where each message points."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globus_sync_directory.config.load import Config, load_config
from globus_sync_directory.errors import ConfigError
from globus_sync_directory.model.pair import Directory, SyncLevel
from globus_sync_directory.text import is_unprintable

CLIENT = "3F2A0C52-0000-4000-8000-0000000000aa"
ONE = "763d50ee-e814-4080-878b-6a8be5cf7570"
TWO = "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
HEAD = f"[globus]\nclientid = {CLIENT}\n"
PAIR = f"[lab]\nsrc_endpoint = {ONE}\nsrc_path = /images\ndst_endpoint = {TWO}\n"


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.ini"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return load_config(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    """The messages about a config, without the file's directory."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert caught.value.exit_status == 2
    return [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_the_least_a_pair_needs(tmp_path: Path) -> None:
    """Ids come out in lower case, the destination path is the source's, files are compared by checksum."""
    config = load(tmp_path, HEAD + PAIR)
    (pair,) = config.pairs
    assert config.client_id == CLIENT.lower()
    assert (pair.name, pair.source, pair.destination) == (
        "lab",
        Directory(collection=ONE, path="/images"),
        Directory(collection=TWO, path="/images"),
    )
    assert (pair.sync_level, pair.time_limit, pair.max_age, pair.exclude) == (SyncLevel.CHECKSUM, None, None, ())


def test_every_key(tmp_path: Path) -> None:
    """Each key of the design is read, with lists over several lines, and values may hold ; # and %."""
    text = (
        f"# comment\n; another\n[globus]\nclientid: {CLIENT}\n[schedule]\ntimelimitmins = 300\n"
        "[notification]\nemail = a@example.org, b@example.org\n"
        f"[lab; 100% #1]\nsrc_endpoint = {ONE}\nsrc_path = /~/50% of; all #1/\ndst_endpoint = {TWO}\n"
        "dst_path = archive\n"
        "sync_level = MTIME\ntimelimitmins = 600\nmax_age = 36h\nexclude = *.tmp, .DS_Store,\n  scratch/\n"
        "email = lab@example.org\ndelete = False\n"
    )
    config = load(tmp_path, text)
    (pair,) = config.pairs
    assert config.email == ("a@example.org", "b@example.org")
    assert pair.name == "lab; 100% #1"
    assert (pair.source.path, pair.destination.path) == ("/~/50% of; all #1", "/archive")
    assert (pair.sync_level, pair.time_limit) == (SyncLevel.MTIME, timedelta(hours=10))
    assert (pair.max_age, pair.exclude) == (timedelta(hours=36), ("*.tmp", ".DS_Store", "scratch/"))
    assert pair.email == ("lab@example.org",)


def test_file_of_the_original_tool(tmp_path: Path) -> None:
    """A file in the original's spelling loads unchanged: [email] recipients, keys in any case, delete = false."""
    text = (
        f"[globus]\nClientID = {CLIENT}\n[email]\nrecipients = lab@example.org\n[schedule]\ntimelimitmins = 300\n"
        f"[EXAMPLE]\nsrc_endpoint = {ONE}\nsrc_path = /\ndst_endpoint = {TWO}\n"
        "dst_path = /out\nsync_level = size\ndelete = no\n"
    )
    config = load(tmp_path, text)
    assert config.email == ("lab@example.org",)
    assert config.pairs[0].time_limit == timedelta(minutes=300)


def test_default_section_serves_the_pairs_only(tmp_path: Path) -> None:
    """[DEFAULT] gives its keys to every pair, which may override them, and to no other section."""
    config = load(tmp_path, f"[DEFAULT]\ndst_endpoint = {TWO}\nsync_level = size\n{HEAD}[lab]\nsrc_endpoint = {ONE}\n")
    assert config.pairs[0].sync_level is SyncLevel.SIZE


def test_all_problems_at_once_each_with_its_line(tmp_path: Path) -> None:
    """Every problem has file, line, section, key and cure, in the order of the file."""
    text = HEAD + f"[lab]\nsrc_endpoint = {ONE}\nsync_leval = checksum\ndst_endpoint = not-an-id\nsync_level = mtimes\n"
    assert problems(tmp_path, text + "delete = true\n") == [
        "config.ini:5: [lab] sync_leval: unknown key; did you mean sync_level?",
        "config.ini:6: [lab] dst_endpoint: 'not-an-id' is not a UUID such as 01234567-89ab-4cde-8f01-23456789abcd; "
        "copy it from the application's or collection's page in the Globus web app",
        "config.ini:7: [lab] sync_level: 'mtimes' is not one of exists, size, mtime, checksum; did you mean mtime?",
        "config.ini:8: [lab] delete: this tool never deletes: it only reads the source, so the files of a finished "
        "transfer cannot be removed there; take the line out, and remove old source files yourself once the copy is "
        "checked",
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (PAIR, None, "[globus] clientid is missing"),
        ("[globus]\nclientid =\n" + PAIR, 2, "has no value"),
        (HEAD, None, "has no pair"),
        (HEAD + PAIR + PAIR, 7, "[lab] stands in the file twice, first in line 3"),
        (HEAD + PAIR + "src_path = /x\n", 7, "given twice, first in line 5"),
        (HEAD + "[lab]\nsrc_endpoint = " + ONE, 3, "dst_endpoint missing"),
        (HEAD + PAIR + "what is this\n", 7, "neither a [section] nor"),
        ("key = value\n" + HEAD + PAIR, 1, "before the first [section]"),
        (HEAD + PAIR + "timelimitmins = 5h\n", 7, "'5h' is not a whole number of minutes"),
        (HEAD + PAIR + "timelimitmins = 0\n", 7, "not a whole number of minutes"),
        (HEAD + PAIR + "timelimitmins = \u0663\n", 7, "not a whole number of minutes"),
        (HEAD + PAIR + "max_age = soon\n", 7, "is not an age such as"),
        (HEAD + PAIR + "max_age = 99999999w\n", 7, "is not an age such as"),
        (HEAD + PAIR + "exclude = a/b\n", 7, "is a path; a pattern is compared with the names"),
        (HEAD + PAIR + "exclude = /\n", 7, "is a path"),
        (HEAD + PAIR + "email = nobody\n", 7, "is not a mail address"),
        (HEAD + PAIR + "dst_path = /a/../b\n", 7, "holds '..'"),
        (HEAD + PAIR + "dst_path = /a/./b\n", 7, "holds '.'"),
        (HEAD + PAIR + "dst_path = /a//b\n", 7, "holds '//'"),
        (HEAD + PAIR + "dst_path = /a\x1bb\n", 7, "control or invisible character"),
        (HEAD + PAIR + "dst_path = /a\u202eb\n", 7, "control or invisible character"),
        (HEAD + PAIR + 'dst_path = "/a b"\n', 7, "stands in quotes; write the path without them"),
        (HEAD + PAIR + 'dst_path = "/a"   # mine\n', 7, "comments on lines of their own"),
        (HEAD + PAIR + "src_path = '/a'\n", 7, "stands in quotes"),
        (HEAD + PAIR + "src_path = C:\\data\n", 7, "is written as on Windows; Globus has / in it"),
        (HEAD + PAIR + "exclude = *.tmp, *\n", 7, "'*' leaves out everything"),
        (HEAD + PAIR + "timelimitmins = 99999999\n", 7, "is not a whole number of minutes from 1 to "),
        ("[globus]\nclientsecret = x\n" + PAIR, 2, "unknown key; a secret does not belong here"),
        (HEAD + "[shedule]\ntimelimitmins = 3\n" + PAIR, 3, "[shedule]: unknown section; did you mean schedule?"),
        (HEAD + PAIR + "[schedule]\ntimelimit = 3\n", 8, "did you mean timelimitmins?"),
    ],
)
def test_refused(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    """What cannot be taken is refused with the line it stands in and words that tell what is wrong."""
    found = [problem for problem in problems(tmp_path, text) if words in problem]
    assert len(found) == 1
    assert found[0].startswith(f"config.ini:{line}: " if line else "config.ini: ")


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([(ONE, "/a", ONE, "/a/b")], "inside or around its own source"),
        ([(ONE, "/a/b", ONE, "/a")], "inside or around its own source"),
        ([(ONE, "/", ONE, "/x")], "inside or around its own source"),
        ([(ONE, "/a", TWO, "/x"), (ONE, "/b", TWO, "/x/y")], "inside or around that of [p0]"),
        ([(ONE, "/a", TWO, "/x/y"), (ONE, "/b", TWO, "/x")], "inside or around that of [p0]"),
        ([(ONE, "/a", TWO, "/x"), (ONE, "/b", TWO, "/x/")], "inside or around that of [p0]"),
        ([(ONE, "/a", TWO, "/x"), (TWO, "/x", ONE, "/a")], "copy in a circle: [p0] -> [p1] -> [p0]"),
        ([(ONE, "/a", TWO, "/x"), (TWO, "/x/in", ONE, "/b"), (ONE, "/b", ONE, "/a")], "copy in a circle"),
    ],
)
def test_pairs_that_fight(tmp_path: Path, paths: list[tuple[str, str, str, str]], words: str) -> None:
    """Pairs that would undo each other's work, or copy in a circle, are refused."""
    sections = "".join(
        f"[p{number}]\nsrc_endpoint={a}\nsrc_path={b}\ndst_endpoint={c}\ndst_path={d}\n"
        for number, (a, b, c, d) in enumerate(paths)
    )
    assert any(words in problem for problem in problems(tmp_path, HEAD + sections))


@pytest.mark.parametrize(
    "paths",
    [
        [(ONE, "/a", TWO, "/x"), (ONE, "/a", TWO, "/y")],
        [(ONE, "/a", TWO, "/xy"), (ONE, "/b", TWO, "/x")],
        [(ONE, "/a", TWO, "/x"), (TWO, "/x", ONE, "/b")],
        [(ONE, "/a", TWO, "/a")],
    ],
)
def test_pairs_that_do_not_fight(tmp_path: Path, paths: list[tuple[str, str, str, str]]) -> None:
    """Neighbours, chains and one source with two destinations are fine."""
    sections = "".join(
        f"[p{number}]\nsrc_endpoint={a}\nsrc_path={b}\ndst_endpoint={c}\ndst_path={d}\n"
        for number, (a, b, c, d) in enumerate(paths)
    )
    assert len(load(tmp_path, HEAD + sections).pairs) == len(paths)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such config file; copy config.ini.example to it"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xff\xfe\x00[", "config.ini:1: is not UTF-8 text"),
        (b"[globus]\n\x00", "config.ini:2: is not a text file"),
        (b"x" * 1_000_001, "is larger than 1,000,000 bytes"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes | None, words: str) -> None:
    """A missing, empty, binary or huge file gives one message that names it and the cure."""
    path = tmp_path / "config.ini"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (problem,) = caught.value.problems
    assert words in problem
    assert str(path) in problem


def test_directory_in_place_of_the_file(tmp_path: Path) -> None:
    """A directory cannot be read and the message says so."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (HEAD + PAIR + text).encode("utf-8", "replace"))
)
def test_any_bytes_are_read_or_refused_with_printable_messages(tmp_path: Path, content: bytes) -> None:
    """Whatever the file holds, it is taken, or every message names the file and can be printed as it is."""
    path = tmp_path / "config.ini"
    path.write_bytes(content)
    found: list[str] | None = None
    try:
        load_config(path)
    except ConfigError as error:
        found = error.problems
    assert found is None or found
    for problem in found or ():
        assert problem.startswith(str(path))
        assert not any(is_unprintable(char) for char in problem)
