"""``check``: what it says of collections and directories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from globus_sync_directory.commands.check_ends import Ends, ask_about_ends, describe_ends
from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.collection import Collection
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.report import Check, CheckResult

from ..sync.fake_client import FakeClient

ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
IDENTITY = "3f2a0c52-0000-4000-8000-0000000000aa@clients.auth.globus.org"
PAIR = Pair(
    name="microscope",
    source=Directory(collection=ONE, path="/images"),
    destination=Directory(collection=TWO, path="/archive/images"),
)
GUEST = Collection(
    collection_id=ONE, name="Lab PC", kind="GCSv5_guest_collection", owner="lab@example.org", is_connected=None
)
OK, FAIL, NOTE = CheckResult.OK, CheckResult.FAIL, CheckResult.NOTE
NO_ANSWER = Unavailable(reason="Globus Transfer answered 503")
NO_TOKEN = Unavailable(reason="Globus does not accept the token", fix="compare clientid", is_sign_in=True)
NO_SUCH_PATH = Rejected(http_status=404, code="ClientError.NotFound", message="")
DENIED = Rejected(http_status=403, code="EndpointPermissionDenied", message="")
TOO_LARGE = Rejected(http_status=502, code="ExternalError.DirListingFailed.SizeLimit", message="")
SHARE = f"ask its owner to share it with {IDENTITY}, permission r,"


def checks(
    collections: Mapping[str, Answer[Collection]] | None = None,
    sources: Mapping[Directory, Answer[str]] | None = None,
    destinations: Mapping[Directory, Answer[str]] | None = None,
    pairs: tuple[Pair, ...] = (PAIR,),
) -> list[Check]:
    """Return the checks for these answers."""
    ends = Ends(collections=collections or {}, sources=sources or {}, destinations=destinations or {})
    return describe_ends(pairs, ends, IDENTITY)


NAMED = f"collection 'Lab PC' ({ONE})"


@pytest.mark.parametrize(
    ("answer", "result", "sentence", "fix"),
    [
        (Received(GUEST), OK, f"{NAMED} is a guest collection; its owner is lab@example.org", ""),
        (Received(replace(GUEST, owner="")), OK, f"{NAMED} is a guest collection", ""),
        (Received(replace(GUEST, owner="", name=ONE)), OK, f"collection {ONE} is a guest collection", ""),
        (Received(replace(GUEST, owner="", is_connected=True)), OK, f"{NAMED} is a guest collection, connected", ""),
        (
            Received(replace(GUEST, is_connected=False)),
            FAIL,
            f"{NAMED} is a guest collection; it is not connected",
            "start Globus Connect Personal on that computer",
        ),
        (
            Received(replace(GUEST, owner="", kind="GCSv5_mapped_collection")),
            OK,
            f"{NAMED} is a mapped collection",
            "",
        ),
        (
            Received(replace(GUEST, owner="", kind="GCP_guest_collection")),
            OK,
            f"{NAMED} is a guest collection on Globus Connect Personal",
            "",
        ),
        (
            Received(replace(GUEST, owner="", kind="GCP_mapped_collection")),
            OK,
            f"{NAMED} is Globus Connect Personal",
            "",
        ),
        (Received(replace(GUEST, owner="", kind="new kind")), OK, f"{NAMED} is new kind", ""),
        (Received(replace(GUEST, owner="", kind="")), OK, f"{NAMED} is a collection", ""),
        (
            Received(replace(GUEST, kind="GCSv5_endpoint")),
            FAIL,
            f"{NAMED} is an endpoint, which holds no data",
            "use the UUID of a collection on it",
        ),
        (
            Rejected(http_status=404, code="EndpointNotFound", message=""),
            FAIL,
            f"Globus does not know the source collection {ONE}",
            "correct [microscope] src_endpoint in the config file",
        ),
    ],
)
def test_collection(answer: Answer[Collection], result: CheckResult, sentence: str, fix: str) -> None:
    """What it is, under its name; an endpoint, or one that is not there, needs somebody."""
    (found,) = checks({ONE: answer})
    assert (found.result, found.sentence, found.fix[: len(fix)]) == (result, sentence, fix)
    assert found.pair is None
    assert bool(found.fix) == bool(fix)


NOT_VERIFIED = f"{NAMED} forbids checksum verification: Globus does not verify files copied from or to it"
MAPPED = replace(GUEST, kind="GCSv5_mapped_collection", owner="")


@pytest.mark.parametrize(("collection", "sentences"), [
    (GUEST, []),
    (replace(GUEST, without_verification=True), [NOT_VERIFIED]),
    (replace(MAPPED, without_verification=True), [NOT_VERIFIED]),
    (replace(GUEST, unused_days=90), [f"{NAMED} is deleted automatically if nobody uses it for 90 days"]),
    (replace(GUEST, unused_days=1), [f"{NAMED} is deleted automatically if nobody uses it for 1 day"]),
    (replace(GUEST, unused_days=1, kind="GCP_guest_collection", without_verification=True),
     [NOT_VERIFIED, f"{NAMED} is deleted automatically if nobody uses it for 1 day"]),
    (replace(MAPPED, unused_days=90), []),
    (replace(GUEST, kind="", unused_days=90), []),
])  # fmt: skip
def test_settings_of_a_collection(collection: Collection, sentences: list[str]) -> None:
    """What its administrator has set is a note with what to do; days without use delete guest collections only."""
    _, *notes = checks({ONE: Received(collection)})
    assert [note.sentence for note in notes] == sentences
    assert all(note.result is NOTE and note.fix and not note.exit_status for note in notes)


def test_a_collection_that_always_encrypts() -> None:
    """That is good to know, and nothing to do."""
    (found,) = checks({ONE: Received(replace(MAPPED, always_encrypts=True))})
    expected = f"{NAMED} is a mapped collection; transfers from and to it are always encrypted"
    assert (found.result, found.sentence, found.fix) == (OK, expected, "")


def test_the_collection_of_a_destination() -> None:
    """A problem names the end of the pair, and the key of the config, that it is about."""
    (found,) = checks({TWO: Rejected(http_status=404, code="EndpointNotFound", message="")})
    assert found.sentence == f"Globus does not know the destination collection {TWO}"
    assert found.fix == "correct [microscope] dst_endpoint in the config file"


@pytest.mark.parametrize(
    ("answer", "result", "sentence", "fix", "exit_status"),
    [
        (Received("dir"), OK, "source '/images' can be read", "", 0),
        (TOO_LARGE, OK, "source '/images' can be read; it has too many entries to be listed", "", 0),
        (
            NO_SUCH_PATH,
            FAIL,
            f"there is no source directory '/images' on collection {ONE}",
            "correct [microscope] src_path in the config file; if it existed before, check that its disk is mounted",
            1,
        ),
        (DENIED, FAIL, f"permission denied for source '/images' on collection {ONE}", SHARE, 1),
        (
            NO_ANSWER,
            FAIL,
            f"could not look at '/images' on collection {ONE}: Globus Transfer answered 503",
            "check again later",
            75,
        ),
        (
            NO_TOKEN,
            FAIL,
            f"could not look at '/images' on collection {ONE}: Globus does not accept the token",
            "compare clientid",
            4,
        ),
    ],
)
def test_source(answer: Answer[str], result: CheckResult, sentence: str, fix: str, exit_status: int) -> None:
    """It must exist and be readable."""
    (found,) = checks(sources={PAIR.source: answer})
    assert (found.result, found.sentence, found.fix[: len(fix)]) == (result, sentence, fix)
    assert (found.pair, found.exit_status) == ("microscope", ExitStatus(exit_status))
    assert bool(found.fix) == bool(fix)


def test_the_command_that_is_the_fix() -> None:
    """A permission that is missing comes with the command that gives it."""
    (found,) = checks(sources={PAIR.source: DENIED})
    assert (
        found.command == f"globus endpoint permission create --identity {IDENTITY[:36]} --permissions r {ONE}:/images/"
    )


@pytest.mark.parametrize(
    ("path", "answer", "result", "sentence", "fix"),
    [
        ("/a", Received("dir"), OK, "destination '/a' exists", ""),
        ("/a", TOO_LARGE, OK, "destination '/a' exists", ""),
        ("/a", NO_SUCH_PATH, OK, "destination '/a' does not exist yet; the first task creates it", ""),
        (
            "/a # archive",
            NO_SUCH_PATH,
            NOTE,
            "destination '/a # archive' does not exist yet; the first task creates it",
            "a comment in the config file needs a line of its own",
        ),
        ("/a ; archive", NO_SUCH_PATH, NOTE, "destination '/a ; archive' does not exist yet;", "a comment in the"),
        ("/a#1", NO_SUCH_PATH, OK, "destination '/a#1' does not exist yet; the first task creates it", ""),
        (
            "/a",
            Received("file"),
            FAIL,
            f"destination '/a' on collection {TWO} is not a directory",
            "correct [microscope] dst_path",
        ),
        (
            "/a",
            DENIED,
            FAIL,
            f"permission denied for destination '/a' on collection {TWO}",
            "if your data come from here, src_ and dst_ are swapped",
        ),
        ("/a", NO_ANSWER, FAIL, f"could not look at '/a' on collection {TWO}: ", "check again later"),
    ],
)
def test_destination(path: str, answer: Answer[str], result: CheckResult, sentence: str, fix: str) -> None:
    """It may be missing, for the first task makes it; what is there must be a directory."""
    pair = replace(PAIR, destination=Directory(collection=TWO, path=path))
    (found,) = checks(destinations={pair.destination: answer}, pairs=(pair,))
    assert (found.result, found.sentence[: len(sentence)], found.fix[: len(fix)]) == (result, sentence, fix)
    assert found.pair == "microscope"
    assert bool(found.fix) == bool(fix)


def test_names_in_every_sentence() -> None:
    """A name that one answer brings stands in the sentences of the others."""
    collections = {ONE: Received(GUEST), TWO: Received(replace(GUEST, collection_id=TWO, name="Archive"))}
    found = checks(collections, {PAIR.source: DENIED}, {PAIR.destination: Received("file")})
    assert [check.sentence for check in found[2:]] == [
        f"permission denied for source '/images' on {NAMED}",
        f"destination '/archive/images' on collection 'Archive' ({TWO}) is not a directory",
    ]


def test_fixes_name_the_application() -> None:
    """A collection, a source and a destination must be shared with its identity."""
    closed = Rejected(http_status=403, code="AuthPolicyFailed", message="")
    found = checks({ONE: closed, TWO: closed}, {PAIR.source: DENIED}, {PAIR.destination: DENIED})
    assert [IDENTITY in check.fix for check in found] == [True] * 4


def test_a_collection_of_the_second_pair() -> None:
    """Its problem is about the pair that has it."""
    other = replace(PAIR, name="other", source=Directory(collection=TWO[::-1], path="/x"))
    (found,) = checks({TWO[::-1]: Rejected(http_status=404, code="EndpointNotFound", message="")}, pairs=(PAIR, other))
    assert found.fix == "correct [other] src_endpoint in the config file"


def test_what_is_asked() -> None:
    """Each collection and directory once; no directory on a collection that Globus did not describe."""
    client = FakeClient()
    client.collections = {ONE: Received(GUEST), TWO: NO_ANSWER}
    client.ends = {PAIR.source: Received("dir")}
    twice = replace(PAIR, name="twice", destination=Directory(collection=TWO, path="/twice"))
    ends = ask_about_ends((PAIR, twice), client)
    assert client.asked == [f"collection {ONE}", f"collection {TWO}", "list /images"]
    assert ends == Ends(collections=client.collections, sources=client.ends, destinations={})
    assert (ends.knows(PAIR.source), ends.knows(PAIR.destination)) == (True, False)
    client.collections[TWO] = Received(replace(GUEST, collection_id=TWO))
    client.ends |= {PAIR.destination: NO_SUCH_PATH, twice.destination: Received("file")}
    ends = ask_about_ends((PAIR, twice), client)
    assert client.asked[3:] == [
        f"collection {ONE}",
        f"collection {TWO}",
        "list /images",
        "stat /archive/images",
        "stat /twice",
    ]
    assert ends.destinations == {PAIR.destination: NO_SUCH_PATH, twice.destination: Received("file")}


def test_order() -> None:
    """The collections, then each pair's source and destination; what was not looked at has no check."""
    other = replace(PAIR, name="other", source=Directory(collection=ONE, path="/other"))
    unknown = Rejected(http_status=404, code="EndpointNotFound", message="")
    found = checks(
        {ONE: Received(GUEST), TWO: unknown},
        {PAIR.source: Received("dir"), other.source: Received("dir")},
        pairs=(PAIR, other),
    )
    assert [(check.pair, check.result) for check in found] == [
        (None, OK),
        (None, FAIL),
        ("microscope", OK),
        ("other", OK),
    ]
