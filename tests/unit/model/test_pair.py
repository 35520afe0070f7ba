"""Fingerprints and labels: promises between versions, so their values stand here in full."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from globus_sync_directory.model.pair import Directory, Pair, fingerprint_in, name_in, task_label
from globus_sync_directory.text import is_unprintable, sanitize

ONE = "763d50ee-e814-4080-878b-6a8be5cf7570"
TWO = "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
SUBMISSION = "12345678-9abc-4def-8123-456789abcdef"


def test_fingerprint_does_not_change_between_versions() -> None:
    """This pair has this fingerprint in every version, whatever its name."""
    pair = Pair(
        name="any",
        source=Directory(collection=ONE, path="/images"),
        destination=Directory(collection=TWO, path="/archive/images"),
    )
    assert pair.fingerprint == "43abd733c3810cdf"


def test_label() -> None:
    """A label has name, fingerprint and nonce."""
    assert task_label("lab", "0123456789abcdef", SUBMISSION) == "lab sync-0123456789abcdef-12345678"


@given(st.text(max_size=300))
def test_every_name_makes_a_label_that_is_recognised(name: str) -> None:
    """Whatever the name, the label is at most 128 plain characters without outer blanks and tells its fingerprint."""
    label = task_label(name, "0123456789abcdef", SUBMISSION)
    assert len(label) <= 128
    assert label == label.strip()
    assert all(char.isascii() and (char.isalnum() or char in " _-") for char in label)
    assert fingerprint_in(label) == "0123456789abcdef"
    assert len(name_in(label)) <= len(name)


def test_other_labels_are_not_ours() -> None:
    """Labels that somebody else wrote have no fingerprint."""
    for label in (None, "", "sync", "lab sync-0123-12345678", "lab sync-0123456789abcdef-12345678 x"):
        assert fingerprint_in(label) is None


@given(st.text())
def test_clean_text_cannot_steer_a_terminal(text: str) -> None:
    """No control, format or bidi character survives cleaning, and no line is longer than asked."""
    line = sanitize(text, 80)
    assert len(line) <= 80
    assert not any(is_unprintable(char) for char in line)
