"""Directories, fingerprints and labels: promises between versions, so their values stand here in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globus_sync_directory.model.pair import (
    Directory,
    Pair,
    SyncLevel,
    fingerprint_in,
    looks_like_local_path,
    name_for_label,
    name_in,
    task_label,
)

ONE = "763d50ee-e814-4080-878b-6a8be5cf7570"
TWO = "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
SUBMISSION = "1a2b3c4d-9abc-4def-8123-456789abcdef"
FINGERPRINT = "0123456789abcdef"


def at(path: str, collection: str = ONE) -> Directory:
    """Return a directory."""
    return Directory(collection=collection, path=path)


@pytest.mark.parametrize(
    ("source", "destination", "fingerprint"),
    [
        (at("/images"), at("/archive/images", TWO), "43abd733c3810cdf"),
        (at("/archive/images", TWO), at("/images"), "cd224cdd591c1237"),
        (at("/images"), at("/images", TWO), "9eb4397a299cb439"),
        (at("/images/läb 1"), at("/", TWO), "47ef8e5061d576bb"),
    ],
)
def test_fingerprint(source: Directory, destination: Directory, fingerprint: str) -> None:
    """This pair has this fingerprint in every version, whatever its name."""
    names = ("any", "other")
    pairs = [Pair(name=name, source=source, destination=destination) for name in names]
    assert [pair.fingerprint for pair in pairs] == [fingerprint] * 2


@pytest.mark.parametrize(
    ("outer", "inner", "contains", "overlaps"),
    [
        (at("/a"), at("/a"), True, True),
        (at("/a"), at("/a/b"), True, True),
        (at("/a"), at("/a/b/c"), True, True),
        (at("/a/b"), at("/a"), False, True),
        (at("/a"), at("/ab"), False, False),
        (at("/a"), at("/b"), False, False),
        (at("/"), at("/"), True, True),
        (at("/"), at("/a"), True, True),
        (at("/a"), at("/"), False, True),
        (at("/a"), at("/a", TWO), False, False),
        (at("/"), at("/a", TWO), False, False),
    ],
)
def test_contains(outer: Directory, inner: Directory, contains: bool, overlaps: bool) -> None:
    """A directory contains itself and what lies inside it, on the same collection."""
    assert outer.contains(inner) is contains
    assert outer.overlaps(inner) is overlaps
    assert inner.overlaps(outer) is overlaps


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/data", "/~/data"),
        ("/", "/~"),
        ("/Läb", "/la\u0308B"),
        ("/straße", "/STRASSE"),
        ("/\u1fb7", "/\u03b1\u0345\u0342"),  # the order of the marks differs only after they are in one case
        ("/\u212b", "/å"),
    ],
)
def test_loosely(one: str, other: str) -> None:
    """Names of one place have one form, whatever the storage ignores of them; the fingerprint tells them apart."""
    assert at(one).loosely == at(other).loosely
    pairs = [Pair(name="x", source=at(path), destination=at("/", TWO)) for path in (one, other)]
    assert pairs[0].fingerprint != pairs[1].fingerprint


@pytest.mark.parametrize(("one", "other"), [("/a", "/b"), ("/~a", "/a"), ("/a/~/b", "/a/b"), ("/é", "/e")])
def test_other_places(one: str, other: str) -> None:
    assert at(one).loosely != at(other).loosely
    assert at(one).loosely != at(one, TWO).loosely


def test_sync_level() -> None:
    """The numbers are those of the Transfer API."""
    assert {level.name: int(level) for level in SyncLevel} == {"EXISTS": 0, "SIZE": 1, "MTIME": 2, "CHECKSUM": 3}


@pytest.mark.parametrize(("path", "expected"), [("/", "/"), ("/a", "/a/"), ("/my  lab", "/my  lab/")])
def test_path_with_slash(path: str, expected: str) -> None:
    """Globus wants a slash at the end of a directory."""
    assert at(path).path_with_slash == expected


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("lab", "lab sync-0123456789abcdef-1a2b3c4d"),
        ("my lab-1_x", "my lab-1_x sync-0123456789abcdef-1a2b3c4d"),
        ("läb/1: <x>", "l_b_1_ _x_ sync-0123456789abcdef-1a2b3c4d"),
        ("", "sync-0123456789abcdef-1a2b3c4d"),
        ("  ", "sync-0123456789abcdef-1a2b3c4d"),
        ("a" * 200, "a" * 97 + " sync-0123456789abcdef-1a2b3c4d"),
        ("a" * 96 + " b", "a" * 96 + " sync-0123456789abcdef-1a2b3c4d"),
    ],
)
def test_label(name: str, label: str) -> None:
    """A label has name, fingerprint and nonce; only the name is changed and cut."""
    assert task_label(name, FINGERPRINT, SUBMISSION.upper()) == label
    assert len(label) <= 128
    assert fingerprint_in(label) == FINGERPRINT
    assert name_in(label) == name_for_label(name)


@given(st.text(max_size=300))
def test_every_name_makes_a_label_that_is_recognised(name: str) -> None:
    """Whatever the name, the label is at most 128 plain characters without outer blanks and tells its fingerprint."""
    label = task_label(name, FINGERPRINT, SUBMISSION)
    assert len(label) <= 128
    assert label == label.strip()
    assert all(char.isascii() and (char.isalnum() or char in " _-") for char in label)
    assert fingerprint_in(label) == FINGERPRINT
    assert len(name_in(label)) <= len(name)


@pytest.mark.parametrize(
    "label",
    [
        None,
        "",
        "sync",
        "lab sync-0123-1a2b3c4d",
        "lab sync-0123456789abcdef-1a2b3c4d x",
        "lab sync-0123456789abcdef-1234567",
        "lab sync-0123456789ABCDEF-1a2b3c4d",
        "labsync-0123456789abcdef-1a2b3c4d",
        "lab sync-0123456789abcdef-123456789",
    ],
)
def test_other_labels_are_not_ours(label: str | None) -> None:
    """Labels that somebody else wrote have no fingerprint and no name."""
    assert (fingerprint_in(label), name_in(label)) == (None, "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nesi/project/x", True),
        ("/home/me", True),
        ("/Users/me", True),
        ("/Volumes/disk", True),
        ("/scale_wlg_persistent/x", True),
        ("/nesi", False),
        ("/home/", False),
        ("/homes/me", False),
        ("/data/home/me", False),
        ("/images", False),
        ("/", False),
    ],
)
def test_looks_like_local_path(path: str, expected: bool) -> None:
    """Where clusters and desktops keep their data; a collection may have such a directory, but not likely so deep."""
    assert looks_like_local_path(path) is expected
