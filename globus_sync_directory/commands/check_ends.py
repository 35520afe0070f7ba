"""The part of ``check`` that looks at the collections and directories of the pairs; it writes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.explain import About, explain, is_path_not_found
from globus_sync_directory.model.answer import Answer, Failure, Received, Rejected, Unavailable
from globus_sync_directory.model.collection import Collection, with_names
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.report import Check, CheckResult
from globus_sync_directory.text import count, quote

_KINDS = {
    "GCSv5_guest_collection": "a guest collection",
    "GCSv5_mapped_collection": "a mapped collection",
    "GCP_guest_collection": "a guest collection on Globus Connect Personal",
    "GCP_mapped_collection": "Globus Connect Personal",
}


@dataclass(frozen=True, kw_only=True)
class Ends:
    """
    What Globus answered about collections, by id, and about the directories at both ends.

    A directory on a collection that Globus did not describe is not asked about: one wrong id is one problem.
    """

    collections: Mapping[str, Answer[Collection]]
    sources: Mapping[Directory, Answer[str]]
    destinations: Mapping[Directory, Answer[str]]

    def knows(self, end: Directory) -> bool:
        """Return whether Globus described the collection of this directory."""
        return isinstance(self.collections[end.collection], Received)


def ask_about_ends(pairs: Iterable[Pair], client: GlobusClient) -> Ends:
    """Ask Globus about each collection, each source and each destination of the pairs once."""
    pairs = tuple(pairs)
    ids = [end.collection for pair in pairs for end in (pair.source, pair.destination)]
    ends = Ends(collections=client.map_concurrently(client.collection, dict.fromkeys(ids)), sources={}, destinations={})

    def ask(question: Callable[[Directory], Answer[str]], wanted: Iterable[Directory]) -> dict[Directory, Answer[str]]:
        return client.map_concurrently(question, dict.fromkeys(filter(ends.knows, wanted)))

    return replace(
        ends,
        sources=ask(client.list_one, (pair.source for pair in pairs)),
        destinations=ask(client.stat, (pair.destination for pair in pairs)),
    )


def passed(sentence: str, *, pair: Pair | None = None) -> Check:
    """Return a check that found nothing wrong."""
    return Check(result=CheckResult.OK, sentence=sentence, pair=pair.name if pair else None)


def describe_ends(pairs: tuple[Pair, ...], ends: Ends, identity: str) -> list[Check]:
    """Return one check for each collection, source and destination, in words; pure."""
    checks: list[Check] = []
    for collection, answer in ends.collections.items():
        pair = next(pair for pair in pairs if collection in (pair.source.collection, pair.destination.collection))
        end = pair.source if pair.source.collection == collection else pair.destination
        checks.append(_check_collection(answer, About(pair=pair, directory=end, identity=identity)))
        checks += _settings_of(answer.value) if isinstance(answer, Received) else []
    for pair in pairs:
        if pair.source in ends.sources:
            about = About(pair=pair, directory=pair.source, identity=identity)
            checks.append(_check_source(pair, ends.sources[pair.source], about))
        if pair.destination in ends.destinations:
            about = About(pair=pair, directory=pair.destination, identity=identity)
            checks.append(_check_destination(pair, ends.destinations[pair.destination], about))
    names = {key: answer.value.name for key, answer in ends.collections.items() if isinstance(answer, Received)}
    return [replace(found, sentence=with_names(found.sentence, names)) for found in checks]


def failed(failure: Failure, pair: Pair | None, about: About) -> Check:
    """Return the check for a question that Globus rejected or did not answer."""
    name = pair.name if pair else None
    match failure:
        case Rejected(code=code, message=message):
            problem = explain(code, message, about)
            return Check(
                result=CheckResult.FAIL, sentence=problem.reason, fix=problem.fix, command=problem.command, pair=name
            )
        case Unavailable(reason=reason, is_sign_in=is_sign_in):
            end = about.directory
            what = f"{quote(end.path)} on collection {end.collection}" if end else "a collection"
            return Check(
                result=CheckResult.FAIL,
                sentence=f"could not look at {what}: {reason}",
                fix=fix_of_check(failure),
                pair=name,
                status_if_failed=ExitStatus.SIGN_IN_REJECTED if is_sign_in else ExitStatus.TRY_LATER,
            )


def fix_of_check(failure: Failure) -> str:
    """Return what to do where no answer came: the fix of a run, which itself tries again later, is none of a check."""
    if isinstance(failure, Unavailable) and (failure.is_sign_in or failure.is_of_this_host):
        return failure.fix
    return "check again later"


def _check_collection(answer: Answer[Collection], about: About) -> Check:
    if not isinstance(answer, Received):
        return failed(answer, None, about)
    collection = answer.value
    shown = f"collection {collection.collection_id}"
    if collection.kind == "GCSv5_endpoint":
        fix = "use the UUID of a collection on it, from the collection's page in the Globus web app"
        sentence = f"{shown} is an endpoint, which holds no data"
        return Check(result=CheckResult.FAIL, sentence=sentence, fix=fix)
    kind = _KINDS.get(collection.kind, collection.kind or "a collection")
    if collection.is_connected is False:
        fix = explain("GC_NOT_CONNECTED", "", about).fix
        return Check(result=CheckResult.FAIL, sentence=f"{shown} is {kind}; it is not connected", fix=fix)
    online = ", connected" if collection.is_connected else ""
    owner = f"; its owner is {collection.owner}" if collection.owner else ""
    encrypted = "; transfers from and to it are always encrypted" if collection.always_encrypts else ""
    return passed(f"{shown} is {kind}{online}{owner}{encrypted}")


def _settings_of(collection: Collection) -> list[Check]:
    """Return a note for each setting of a collection that changes what this tool promises, or asks for attention."""
    shown = f"collection {collection.collection_id}"
    notes: list[Check] = []
    if collection.without_verification:
        sentence = f"{shown} forbids checksum verification: Globus does not verify files copied from or to it"
        fix = "if every copy must be verified, ask the collection's administrator to allow that"
        notes.append(Check(result=CheckResult.NOTE, sentence=sentence, fix=fix))
    if collection.unused_days and collection.kind.endswith("guest_collection"):
        days = count(collection.unused_days, "day")
        sentence = f"{shown} is deleted automatically if nobody uses it for {days}"
        fix = "before its pairs stop for that long, ask its owner: a new one has another UUID and must be shared again"
        notes.append(Check(result=CheckResult.NOTE, sentence=sentence, fix=fix))
    return notes


def _check_source(pair: Pair, answer: Answer[str], about: About) -> Check:
    path = f"source {quote(pair.source.path)}"
    match answer:
        case Received():
            return passed(f"{path} can be read", pair=pair)
        case Rejected(code=code) if "SizeLimit" in code:
            return passed(f"{path} can be read; it has too many entries to be listed", pair=pair)
        case failure:
            return failed(failure, pair, about)


def _check_destination(pair: Pair, answer: Answer[str], about: About) -> Check:
    path = f"destination {quote(pair.destination.path)}"
    match answer:
        case Received(value="dir"):
            return passed(f"{path} exists", pair=pair)
        case Received():
            problem = explain("NotDirectory", "", about)
            return Check(result=CheckResult.FAIL, sentence=problem.reason, fix=problem.fix, pair=pair.name)
        case Rejected(code=code) if is_path_not_found(code):
            sentence = f"{path} does not exist yet; the first task creates it"
            if re.search(r"\s[#;]", pair.destination.path):
                fix = "a comment in the config file needs a line of its own"
                return Check(result=CheckResult.NOTE, sentence=sentence, fix=fix, pair=pair.name)
            return passed(sentence, pair=pair)
        case Rejected(code=code) if "SizeLimit" in code:
            return passed(f"{path} exists", pair=pair)
        case failure:
            return failed(failure, pair, about)
