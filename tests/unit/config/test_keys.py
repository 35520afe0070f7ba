"""Each kind of value: what is accepted, what is rejected, and in which words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from globus_sync_directory.config import keys
from globus_sync_directory.config.ini import Entry
from globus_sync_directory.model.pair import SyncLevel

from .samples import CLIENT, ONE


def convert(kind: keys.Kind, text: str) -> object:
    """The value of a key with this text, which may have indented lines."""
    return kind.convert(Entry("key", 1, text.split("\n")))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (keys.UUID, ONE, ONE),
        (keys.UUID, CLIENT, CLIENT.lower()),
        (keys.PATH, "/", "/"),
        (keys.PATH, "/a/b/", "/a/b"),
        (keys.PATH, "a", "/a"),
        (keys.PATH, "/~/", "/~"),
        (keys.PATH, "~/a", "/~/a"),
        (keys.PATH, "/~/50% of; all #1/é  x", "/~/50% of; all #1/é  x"),
        (keys.PATH, "/5$/100%/50%de/a:b", "/5$/100%/50%de/a:b"),
        (keys.PATH, "/it's/'a'/b\"c", "/it's/'a'/b\"c"),
        (keys.PATH, "/..a/b..", "/..a/b.."),
        (keys.SYNC_LEVEL, "exists", SyncLevel.EXISTS),
        (keys.SYNC_LEVEL, "MTIME", SyncLevel.MTIME),
        (keys.MINUTES, "300", timedelta(hours=5)),
        (keys.AGE, "90m", timedelta(minutes=90)),
        (keys.AGE, "36 h", timedelta(hours=36)),
        (keys.AGE, "2d", timedelta(days=2)),
        (keys.AGE, "1w", timedelta(days=7)),
        (keys.PATTERNS, "*.tmp, .DS_Store,\nscratch/", ("*.tmp", ".DS_Store", "scratch/")),
        (keys.PATTERNS, " ,\n", ()),
        (keys.PATTERNS, "??, [!x], it's", ("??", "[!x]", "it's")),
        (keys.PATTERNS, "[Tt]humbs.db, [ab]*.tif", ("[Tt]humbs.db", "[ab]*.tif")),
        *(
            (keys.PATTERNS, text, (text,))
            for text in ("*.tif", "*a*", "*e*", "*_*", "[0-9]*", "*.t*", ".*", "*~", "*/")
        ),
        *((keys.PATTERNS, text, (text,)) for text in ("x*", "*.*.*", "[x", "[a-z]*", "?.*", "*[0-9]*", "*.*~", "._*")),
        (keys.ADDRESSES, "a@example.org,b@example.org", ("a@example.org", "b@example.org")),
        (keys.ADDRESSES, "", ()),
        (keys.ADDRESS, "a@example.org", "a@example.org"),
        (keys.PORT, "587", 587),
        (keys.PORT, "65535", 65535),
        (keys.TLS, "StartTLS", "starttls"),
        (keys.WORD, "mail.example.org", "mail.example.org"),
        (keys.FILE, "/etc/x y", Path("/etc/x y")),
        *((keys.YES_NO, text, True) for text in ("true", "Yes", "on", "1")),
        *((keys.YES_NO, text, False) for text in ("False", "no", "OFF", "0")),
        (keys.PATH, "/ratio 50%50/50%de", "/ratio 50%50/50%de"),
        (keys.PATH, "100%", "/100%"),
        (keys.PATH, "cost$/$5", "/cost$/$5"),
        (keys.PATH, "/50%of%/a%b%", "/50%of%/a%b%"),
        (keys.PATH, "/{a}/[b]/what?/it`s", "/{a}/[b]/what?/it`s"),
        (keys.PATH, "/~alice/12:30", "/~alice/12:30"),
        (keys.NEVER, "False", "False"),
        (keys.NEVER, "no", "no"),
    ],
)
def test_accepted(kind: keys.Kind, text: str, value: object) -> None:
    """A value comes out in the form that the program uses."""
    assert convert(kind, text) == value


def test_every_level_can_be_written() -> None:
    """The names of the sync levels are those of the model, and those of the ways to the mail server have a port."""
    assert [convert(keys.SYNC_LEVEL, level.name.lower()) for level in SyncLevel] == list(SyncLevel)
    assert [convert(keys.TLS, name) for name in keys.MAIL_PORTS] == list(keys.MAIL_PORTS)


def test_a_file_in_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leading ~ is the home directory."""
    monkeypatch.setenv("HOME", "/home/me")
    assert convert(keys.FILE, "~/.password") == Path("/home/me/.password")


NOT_A_UUID = (
    " is not a UUID such as 01234567-89ab-4cde-8f01-23456789abcd; "
    "copy it from the page of the application or collection in the Globus web app"
)
INVISIBLE = " contains a control character or an invisible character"
NOT_MINUTES = " is not a whole number of minutes from 1 to 9999999"
NOT_AN_AGE = " is not an age such as 90m, 36h, 2d or 1w"
IS_PATTERN_PATH = (
    " is a path; a pattern is the name of files or directories, and '/' may only be at its end, for directories"
)
NO_ADDRESS = " is not a mail address such as lab@example.org"
WINDOWS = " is a Windows path; use '/', such as /C/data for C:\\data"
DOTS = " contains '.' or '..'; write the full path of the directory"
WITH_COLLECTION = " starts with a collection; write only the path"
VARIABLE = " contains a variable; write the full path instead"
ENCODED = " is percent-encoded; write the characters themselves, such as a space for %20 and '/' for %2F"
COMMAND = " contains a command, which nothing runs; write the full path instead"
ADDRESS = " is an address; write only the path of the directory on the collection"
BACKSLASH = " contains a backslash; use '/' between names, and write a space as it is"
STAR = " contains '*'; write only the directory, everything in it is copied"
OTHER_HOME = " is the home directory of another account; write its full path, or '~/' for your own"
MOST = " excludes everything, or nearly; write only what to leave out, such as *.tmp"
NO_PORT = " is not a port number such as 587"


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (keys.UUID, "not-an-id", NOT_A_UUID),
        (keys.UUID, ONE.replace("-", ""), NOT_A_UUID),
        (keys.UUID, "x" * 36, NOT_A_UUID),
        (
            keys.UUID,
            "00000000-BBBB-4000-8000-000000000002",
            " is the placeholder from config.ini.example; replace it with your own",
        ),
        (keys.PATH, "/a/../b", DOTS),
        (keys.PATH, "./b", DOTS),
        (keys.PATH, "..", DOTS),
        (keys.PATH, "/a//b", " contains '//'; a name is missing between the slashes"),
        (keys.PATH, "/a\x1bb", INVISIBLE),
        (keys.PATH, "/a\u202eb", INVISIBLE),
        (keys.PATH, "C:\\data\\x", WINDOWS),
        (keys.PATH, "c:/", WINDOWS),
        (keys.PATH, "\\\\server\\x", WINDOWS),
        (keys.PATH, f"{ONE}:/a", WITH_COLLECTION),
        (keys.PATH, f"{ONE}:a/b", WITH_COLLECTION),
        (keys.PATH, f"{ONE}:", WITH_COLLECTION),
        (keys.PATH, "DST:/a", WITH_COLLECTION),
        (keys.PATH, "DST:~/a", WITH_COLLECTION),
        (keys.PATH, "$HOME/a", VARIABLE),
        (keys.PATH, "/x/${USER}", VARIABLE),
        (keys.PATH, "/a$b", VARIABLE),
        (keys.PATH, "%HOME%/a", VARIABLE),
        (keys.PATH, "%USERPROFILE%\\a", VARIABLE),
        (keys.PATH, "/x/%TEMP%", VARIABLE),
        (keys.PATH, "/x/{{ user }}", VARIABLE),
        (keys.PATH, "/x/$(date +%F)", COMMAND),
        (keys.PATH, "/x/`date`", COMMAND),
        (keys.PATH, f"globus://{ONE}/a", ADDRESS),
        (keys.PATH, "file:///data", ADDRESS),
        (keys.PATH, "https://app.globus.org/file-manager?origin_id=x", ADDRESS),
        (keys.PATH, "a\\b", BACKSLASH),
        (keys.PATH, "/my\\ lab", BACKSLASH),
        (keys.PATH, "/images/*", STAR),
        (keys.PATH, "~alice/a", OTHER_HOME),
        (keys.YES_NO, "maybe", " is neither true nor false"),
        (keys.PATH, "%2Fa%2F", ENCODED),
        (keys.PATH, "/a%2fb", ENCODED),
        (keys.PATH, "/100%25", ENCODED),
        (keys.PATH, "/my%20lab", ENCODED),
        (keys.PATH, "/caf%C3%A9", ENCODED),
        (keys.SYNC_LEVEL, "mtimes", " is not one of exists, size, mtime, checksum"),
        (keys.SYNC_LEVEL, "3", " is not one of exists, size, mtime, checksum"),
        (keys.MINUTES, "5h", NOT_MINUTES),
        (keys.MINUTES, "0", NOT_MINUTES),
        (keys.MINUTES, "-1", NOT_MINUTES),
        (keys.MINUTES, "\u0663", NOT_MINUTES),
        (keys.MINUTES, "99999999", NOT_MINUTES),
        (keys.MINUTES, "9" * 5000, NOT_MINUTES),
        (keys.MINUTES, "0" * 5000 + "5", NOT_MINUTES),
        (keys.AGE, "soon", NOT_AN_AGE),
        (keys.AGE, "0d", NOT_AN_AGE),
        (keys.AGE, "999999w", NOT_AN_AGE),
        (keys.PATTERNS, "a/b", IS_PATTERN_PATH),
        (keys.PATTERNS, "/", IS_PATTERN_PATH),
        *((keys.PATTERNS, text, MOST) for text in ("*", "**", "?*", "*?", "*.*", "*.???", "?*.?*", "????*")),
        *((keys.PATTERNS, text, MOST) for text in ("[!x]*", "[!i]*", "[!.]*", "*[!~]", "[A-Za-z0-9]*", "[!x]?*.?*")),
        (keys.PATTERNS, "a\x1b", INVISIBLE),
        (keys.ADDRESSES, "nobody", NO_ADDRESS),
        (keys.ADDRESSES, "Lab <c@d>", NO_ADDRESS),
        (keys.ADDRESSES, "=?x@b", NO_ADDRESS),
        (keys.ADDRESS, "a@b, c@d", NO_ADDRESS),
        (keys.ADDRESS, ",", NO_ADDRESS),
        (keys.PORT, "0", NO_PORT),
        (keys.PORT, "65536", NO_PORT),
        (keys.TLS, "startls", " is not one of none, starttls, tls"),
        (keys.TLS, "ſtarttls", " is not one of none, starttls, tls"),
        (keys.WORD, "mail host", " contains a space"),
        (keys.WORD, "a\u200bb", INVISIBLE),
        (
            keys.NEVER,
            "true",
            " is not possible: this tool never deletes, it only reads the source; remove this line, "
            "and delete old source files yourself after you have checked the copy",
        ),
    ],
)
def test_rejected(kind: keys.Kind, text: str, sentence: str) -> None:
    """The sentence quotes what is wrong and says what to write instead; in a list it quotes only the bad item."""
    with pytest.raises(keys.BadValue) as caught:
        convert(kind, f"good@example.org, {text}" if kind.is_list else text)
    assert str(caught.value) == f"'{text}'{sentence}"


@pytest.mark.parametrize("text", ['"a"', "'a'", "“a”", "„a“", "‘a’", "“a", '"a'])
@pytest.mark.parametrize("kind", [keys.WORD, keys.PATH, keys.PATTERNS])
def test_quotes(kind: keys.Kind, text: str) -> None:
    """A value in quotes, straight or curly, is rejected, and so is one that begins with a double quote."""
    with pytest.raises(keys.BadValue, match=r"^remove the quotes around 'a'$"):
        convert(kind, text)


@pytest.mark.parametrize("text", ["'a\"", "'", "it's", "'a'b"])
def test_no_quotes(text: str) -> None:
    """A single quote may be part of a value."""
    assert convert(keys.WORD, text) == text
