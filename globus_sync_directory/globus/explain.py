"""
What an error of Globus means, and what a person can do about it. Pure; it does not need the SDK.

``error_text`` reads what the error says, ``reasons`` has the table of what is known, and this module joins the two with
the pair: which side, which path, and whether that path is the pair's own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from globus_sync_directory.globus.error_text import ErrorText, read_error_text
from globus_sync_directory.globus.reasons import choose_row
from globus_sync_directory.model.answer import Rejected
from globus_sync_directory.model.collection import with_names
from globus_sync_directory.model.pair import Directory, Pair, looks_like_local_path
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.text import quote, shorten

_NOT_FOUND = ("NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND")


@dataclass(frozen=True, kw_only=True)
class About:
    """
    What an error is about, as far as that is known.

    ``directory`` may be an end of the pair or any other path; ``collection`` is what is known where no path is.
    ``identity`` is the application's own. ``names_own_paths``: it can only be about a path of the pair's own, as at a
    submission, so that a text that names only the collection names the path too.
    """

    pair: Pair | None = None
    directory: Directory | None = None
    collection: str = ""
    identity: str = ""
    names_own_paths: bool = False

    @property
    def prefix(self) -> str:
        """The prefix of the config keys for the end of the pair that this is about: ``src_``, ``dst_`` or empty."""
        if self.pair is None:
            return ""
        ends = {"src_": self.pair.source, "dst_": self.pair.destination}
        if self.directory:
            near = [prefix for prefix, end in ends.items() if end.overlaps(self.directory)]
            if near:
                return near[0] if len(near) == 1 else ""
        on_it = [prefix for prefix, end in ends.items() if end.collection == self.collection_id]
        return on_it[0] if len(on_it) == 1 else ""

    @property
    def collection_id(self) -> str:
        """The collection, or empty."""
        return self.directory.collection if self.directory else self.collection

    @property
    def side(self) -> str:
        """The word for that end, with a space after it, or empty."""
        return {"src_": "source ", "dst_": "destination ", "": ""}[self.prefix]

    @property
    def is_below(self) -> bool:
        """Whether it is about a path below an end of the pair."""
        ends = (self.pair.source, self.pair.destination) if self.pair else ()
        directory = self.directory
        return directory is not None and directory not in ends and any(end.contains(directory) for end in ends)

    @property
    def is_own(self) -> bool:
        """Whether it is about an end of the pair, or about a path above one."""
        ends = (self.pair.source, self.pair.destination) if self.pair else ()
        return self.directory is not None and any(self.directory.contains(end) for end in ends)

    @property
    def where(self) -> str:
        """The collection, or the two of which it is one."""
        if self.collection_id:
            return f"the {self.side}collection {self.collection_id}"
        if self.pair:
            source, destination = self.pair.source.collection, self.pair.destination.collection
            return f"the source collection {source} or the destination collection {destination}"
        return "one of its collections"


def explain(code: str, text: str, about: About) -> Problem:
    """
    Return the problem behind an error ``code`` of the Transfer API or of a task's log.

    ``text`` is the error's message or an event's details: it also says which path the error is about, unless ``about``
    does. Where nothing is known of it, the reason is in Globus' own words.
    """
    found = read_error_text(text)
    about = _narrowed(about, found, text)
    row = choose_row(_last_part(code), found)
    words = _words(code, found, about)
    fix = {"src_": row.below_source, "dst_": row.below_destination, "": ""}[about.prefix if about.is_below else ""]
    return Problem(
        reason=with_names(row.reason.format_map(words), {found.collection: found.name}),
        fix=(fix or row.fix).format_map(words),
        command=words["share_command"] if row.is_sharing else "",
        is_permanent=row.is_permanent,
    )


def is_path_not_found(code: str) -> bool:
    """Return whether ``code`` says that a path does not exist."""
    return _last_part(code) in _NOT_FOUND


def is_no_such_task(answer: Rejected) -> bool:
    """Return whether Globus says that we have no such task; which code says that is not documented."""
    return answer.http_status == 404 or (answer.http_status == 403 and answer.code.endswith("PermissionDenied"))


def _last_part(code: str) -> str:
    """Return the part of a code that the table has: "Exists" of "ExternalError.MkdirFailed.Exists"."""
    return code.rpartition(".")[2].removesuffix("Exception")


def _narrowed(about: About, found: ErrorText, text: str) -> About:
    """Return ``about`` with the collection and the path that the text names, where they are not known yet."""
    if about.directory:
        return about
    ends = (about.pair.source, about.pair.destination) if about.pair else ()
    path = "/" + found.path.strip("/")
    holding = [end for end in ends if found.path and end.contains(Directory(collection=end.collection, path=path))]
    plain = text.replace(found.path, "").lower() if found.path else text.lower()
    named = [end for end in ends if end.collection in plain]
    collection = about.collection or found.collection or _only_collection(holding) or _only_collection(named)
    if found.path:
        return replace(about, collection=collection, directory=Directory(collection=collection, path=path))
    own = [end for end in ends if about.names_own_paths and end.collection == collection]
    return replace(about, collection=collection, directory=own[0] if len(own) == 1 else None)


def _only_collection(ends: Sequence[Directory]) -> str:
    """Return the collection of these ends; empty if they are on different ones, or if there is none."""
    collections = {end.collection for end in ends}
    return collections.pop() if len(collections) == 1 else ""


def _words(code: str, found: ErrorText, about: About) -> Mapping[str, str]:
    """Return the words for each name that can be between braces in a row."""
    directory = about.directory
    path, missing = f"a path on {about.where}", f"a file or directory is missing on {about.where}"
    if directory:
        place = (
            f"{quote(directory.path)} on {f'collection {about.collection_id}' if about.collection_id else about.where}"
        )
        path = about.side + place
        missing = f"there is no {about.side}directory {place}" if about.is_own else f"there is no {path}"
        if about.is_below and about.prefix == "src_":
            missing = f"{path} was gone when it was to be copied"
    share, share_command = _share(about)
    own_words = shorten(found.said or found.message)
    said = shorten(found.said or ": ".join(filter(None, (_code_in_words(code), found.message))))
    is_known = directory or about.collection
    globus_says = f"Globus says{f' of {path if directory else about.where}' if is_known else ''}: {said}"
    return {
        "side": about.side,
        "id": about.collection_id or "with that id",
        "where": about.where,
        "path": path,
        "plain_path": quote(directory.path) if directory else "it",
        "path_or_destination": path if is_known or not about.pair else _at_destination(about.pair),
        "missing": missing,
        "correct_endpoint": _correct(about, "endpoint"),
        "correct_path": _correct(about, "path"),
        "hints": _hints(about),
        "identity": about.identity,
        "share": share,
        "share_command": share_command,
        "verb": {"src_": "read", "dst_": "read and write", "": "read or write"}[about.prefix],
        "find_out_which": "run check to see which one; " if about.pair and not about.collection_id else "",
        "message": f": {own_words}" if own_words.lower() not in ("", code.lower(), _code_in_words(code)) else "",
        "quoted_message": f": {quote(own_words)}" if own_words else "",
        "globus_says": globus_says if said else f"Globus gives no reason{f' for {path}' if is_known else ''}",
        "ask_about_it": "if this persists, send these words to the collection's administrator"
        if said
        else "look at the task in the Globus web app, or ask the collection's administrator",
    }


def _code_in_words(code: str) -> str:
    """Return what a code says by its name, such as "invalid path name"; empty where that is nothing."""
    name = _last_part(code)
    return "" if name in ("", "UNKNOWN") else name.replace("_", " ").lower() if name.isupper() else name


def _at_destination(pair: Pair) -> str:
    return f"destination {quote(pair.destination.path)} on collection {pair.destination.collection}"


def _correct(about: About, key: str) -> str:
    is_known = about.prefix and (key == "endpoint" or about.is_own)
    if about.pair is None or not is_known:
        return "compare the collections and paths in the config file with those in the Globus web app"
    return f"correct [{about.pair.name}] {about.prefix}{key} in the config file"


def _hints(about: About) -> str:
    """Return other possible causes of a missing path, to be added to a fix."""
    path = about.directory.path if about.directory else ""
    hints = ""
    if looks_like_local_path(path):
        hints += "; paths start at the top of the collection, not at the top of the computer's file system"
    if about.is_own and about.prefix == "src_":
        hints += "; if it existed before, check that its disk is mounted"
    if re.search(r"\s[#;]", path):
        hints += "; in the config file, a comment must be on a line of its own"
    return hints


def _share(about: About) -> tuple[str, str]:
    """Return how to give the permission, in words and, if the directory is known, as a command."""
    if about.pair is None or not about.prefix:
        both = f"both guest collections must be shared with {about.identity}: r at the source, rw at the destination"
        return f"if src_ and dst_ are swapped, exchange them and grant nothing; otherwise {both}", ""
    right, swapped = "r", ""
    if about.prefix == "dst_":
        right = "rw"
        swapped = "if your data come from here, src_ and dst_ are swapped: exchange them and grant nothing; otherwise "
    words = (
        f"{swapped}ask its owner to share it with {about.identity}, permission {right}, on the collection's page under "
        f"Permissions{' or with the command below' if about.directory else ''}"
    )
    if about.pair is None or about.directory not in (about.pair.source, about.pair.destination):
        return words, ""
    client_id = about.identity.partition("@")[0]
    target = shlex.quote(f"{about.directory.collection}:{about.directory.path_with_slash}")
    return words, f"globus endpoint permission create --identity {client_id} --permissions {right} {target}"
