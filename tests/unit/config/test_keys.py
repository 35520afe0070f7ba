"""Each kind of value: what is accepted, what is rejected, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from globus_sync_directory.config import values
from globus_sync_directory.model.pair import SyncLevel

from .samples import CLIENT, ONE, SECRET


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (values.uuid, ONE, ONE),
        (values.uuid, CLIENT, CLIENT.lower()),
        (values.path, "/", "/"),
        (values.path, "/a/b/", "/a/b"),
        (values.path, "a", "/a"),
        (values.path, "/~/", "/~"),
        (values.path, "~/a", "/~/a"),
        (values.path, "/~/50% of; all #1/é  x", "/~/50% of; all #1/é  x"),
        (values.path, "/5$/100%/50%de/a:b", "/5$/100%/50%de/a:b"),
        (values.path, "/it's/'a'/b\"c", "/it's/'a'/b\"c"),
        (values.path, "/..a/b..", "/..a/b.."),
        (values.sync_level, "exists", SyncLevel.EXISTS),
        (values.sync_level, "MTIME", SyncLevel.MTIME),
        (values.minutes, "300", timedelta(hours=5)),
        (values.age, "90m", timedelta(minutes=90)),
        (values.age, "36 h", timedelta(hours=36)),
        (values.age, "2d", timedelta(days=2)),
        (values.age, "1w", timedelta(days=7)),
        (values.patterns, "*.tmp, .DS_Store,\nscratch/", ("*.tmp", ".DS_Store", "scratch/")),
        (values.patterns, " ,\n", ()),
        (values.patterns, "??, [!x]*", ("??", "[!x]*")),
        (values.addresses, "a@example.org,b@example.org", ("a@example.org", "b@example.org")),
        (values.addresses, "", ()),
        (values.one_address, "a@example.org", "a@example.org"),
        (values.port, "587", 587),
        (values.tls, "StartTLS", "starttls"),
        (values.word, "mail.example.org", "mail.example.org"),
        (values.file, "/etc/x y", Path("/etc/x y")),
        (values.never_delete, "False", None),
        (values.never_delete, "no", None),
    ],
)
def test_accepted(convert: Callable[[str], object], text: str, value: object) -> None:
    """A value comes out in the form that the program uses."""
    assert convert(text) == value


def test_a_file_in_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leading ~ is the home directory."""
    monkeypatch.setenv("HOME", "/home/me")
    assert values.file("~/.password") == Path("/home/me/.password")


NOT_A_UUID = (
    " is not a UUID such as 01234567-89ab-4cde-8f01-23456789abcd; "
    "copy it from the page of the application or collection in the Globus web app"
)
INVISIBLE = " contains a control character or an invisible character"
NOT_MINUTES = " is not a whole number of minutes from 1 to 5256000"
NOT_AN_AGE = " is not an age such as 90m, 36h, 2d or 1w"
IS_PATH = " is a path; a pattern is the name of files or directories, and '/' may only be at its end, for directories"
NO_ADDRESS = " is not a mail address such as lab@example.org"


@pytest.mark.parametrize(
    ("convert", "text", "sentence"),
    [
        (values.uuid, "not-an-id", "'not-an-id'" + NOT_A_UUID),
        (values.uuid, ONE.replace("-", ""), f"'{ONE.replace('-', '')}'" + NOT_A_UUID),
        (values.uuid, "x" * 36, f"'{'x' * 36}'" + NOT_A_UUID),
        (
            values.uuid,
            "00000000-BBBB-4000-8000-000000000002",
            "'00000000-BBBB-4000-8000-000000000002' is the placeholder from config.ini.example; "
            "replace it with your own",
        ),
        (values.uuid, SECRET, "this looks like the client secret; " + values.MOVE_SECRET),
        (values.path, "/a/../b", "'/a/../b' contains '..'; write the full path of the directory"),
        (values.path, "./b", "'./b' contains '.'; write the full path of the directory"),
        (values.path, "/a//b", "'/a//b' contains '//'; a name is missing between the slashes"),
        (values.path, "/a\x1bb", "'/a\x1bb'" + INVISIBLE),
        (values.path, "/a\u202eb", "'/a\u202eb'" + INVISIBLE),
        (values.path, '"/a" # mine', "remove the quotes around '/a'"),
        (values.path, "“/a", "remove the quotes around '/a'"),
        (values.path, "C:\\data\\x", "'C:\\data\\x' is a Windows path; write '/C/data/x'"),
        (values.path, "c:/", "'c:/' is a Windows path; write '/c/'"),
        (
            values.path,
            "\\\\server\\x",
            "'\\\\server\\x' is a Windows path; Globus paths start at the top of the collection and use '/'",
        ),
        (values.path, f"{ONE}:/a", f"'{ONE}:/a' starts with a collection; write only the path, '/a'"),
        (values.path, f"{ONE}:a/b", f"'{ONE}:a/b' starts with a collection; write only the path, 'a/b'"),
        (values.path, f"{ONE}:", f"'{ONE}:' starts with a collection; write only the path, '/'"),
        (values.path, "DST:/a", "'DST:/a' starts with a collection; write only the path, '/a'"),
        (values.path, "DST:~/a", "'DST:~/a' starts with a collection; write only the path, '~/a'"),
        (values.path, "$HOME/a", "'$HOME/a' contains the variable '$HOME'; write the full path instead"),
        (values.path, "/x/${USER}", "'/x/${USER}' contains the variable '${USER}'; write the full path instead"),
        (values.path, "%2Fa%2F", "'%2Fa%2F' is percent-encoded, as in a web address; write '/a/'"),
        (values.path, "/my%20lab", "'/my%20lab' is percent-encoded, as in a web address; write '/my lab'"),
        (
            values.sync_level,
            "mtimes",
            "'mtimes' is not one of exists, size, mtime, checksum; did you mean mtime?",
        ),
        (values.sync_level, "3", "'3' is not one of exists, size, mtime, checksum"),
        (values.minutes, "5h", "'5h'" + NOT_MINUTES),
        (values.minutes, "0", "'0'" + NOT_MINUTES),
        (values.minutes, "-1", "'-1'" + NOT_MINUTES),
        (values.minutes, "\u0663", "'\u0663'" + NOT_MINUTES),
        (values.minutes, "99999999", "'99999999'" + NOT_MINUTES),
        (values.minutes, "9" * 5000, f"'{'9' * 5000}'" + NOT_MINUTES),
        (values.age, "soon", "'soon'" + NOT_AN_AGE),
        (values.age, "0d", "'0d'" + NOT_AN_AGE),
        (values.age, "99999999w", "'99999999w'" + NOT_AN_AGE),
        (values.age, "999999w", "'999999w'" + NOT_AN_AGE),
        (values.patterns, "*.tmp, a/b", "'a/b'" + IS_PATH),
        (values.patterns, "/", "'/'" + IS_PATH),
        (values.patterns, "*.tmp, *", "'*' excludes everything"),
        (values.patterns, "?*", "'?*' excludes everything"),
        (values.patterns, "“*.tmp”, x", "remove the quotes around '*.tmp'"),
        (values.patterns, "a\x1b", "'a\x1b'" + INVISIBLE),
        (values.addresses, "nobody", "'nobody'" + NO_ADDRESS),
        (values.addresses, "a@b, Lab <c@d>", "'Lab <c@d>'" + NO_ADDRESS),
        (values.addresses, "=?x@b", "'=?x@b' contains '=?', which mail programs do not show as it is"),
        (values.one_address, "a@b, c@d", "'a@b, c@d' is not exactly one mail address"),
        (values.one_address, ",", "',' is not exactly one mail address"),
        (values.port, "0", "'0' is not a port number such as 587"),
        (values.port, "65536", "'65536' is not a port number such as 587"),
        (values.tls, "startls", "'startls' is not one of none, starttls, tls; did you mean starttls?"),
        (values.word, "mail host", "'mail host' contains a blank"),
        (values.word, "a\u200bb", "'a\u200bb'" + INVISIBLE),
        (values.file, "~no-such-user-here/x", "'~no-such-user-here/x': no such home directory"),
        (
            values.never_delete,
            "true",
            "this tool never deletes: it only reads the source; remove this line, "
            "and delete old source files yourself after you have checked the copy",
        ),
    ],
)
def test_rejected(convert: Callable[[str], object], text: str, sentence: str) -> None:
    """The sentence quotes what is wrong and says what to write instead."""
    with pytest.raises(values.BadValue) as caught:
        convert(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ('"a"', "a"),
        ("'a'", "a"),
        ("“a”", "a"),
        ("„a“", "a"),
        ("‘a’", "a"),
        ("'a\"", None),
        ("'", None),
        ("it's", None),
        ("'a' b", None),
    ],
)
def test_quotes(text: str, inner: str | None) -> None:
    """Straight and curly quotes count where they are around the value."""
    assert values.without_quotes(text) == inner


@pytest.mark.parametrize(
    ("path", "is_local"),
    [
        ("/nesi/project/x", True),
        ("/home/me/data", True),
        ("/scale_wlg_persistent/filesets/x", True),
        ("/Users/me", True),
        ("/mnt/disk", True),
        ("/images", False),
        ("/archive/home/x", False),
        ("/~/home", False),
        ("/", False),
        ("", False),
    ],
)
def test_local_paths(path: str, is_local: bool) -> None:
    """A path is suspicious by its first directory."""
    assert values.looks_like_local_path(path) is is_local
