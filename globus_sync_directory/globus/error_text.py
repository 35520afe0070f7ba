"""
What the text of an error says: the collection, the path, and the server's own words. Pure.

The text is an event's details or an error's message. Globus sends three forms: lines such as ``File: /a``, with the
reply of the FTP server after ``Details:``; JSON with that reply as its ``body``; and plain sentences.
Source: recorded documents of the Globus SDK and CLI; Globus Transfer API, task_events; GridFTP server, error replies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

# A line ends with CR LF, which servers also write as "\r\n" in four characters or as "%0D%0A"; rarely as "\n" in two.
_LINE_END = re.compile(r"\r\n|\r|\n|\\r\\n|%0D%0A|%0d%0a|\\n(?=[A-Z][a-z]+: |---|globus_|\d{3}[ -]|\W*$)")
_HEADER = re.compile(r"^(Endpoint|File|Command|Message): (.*\S)", re.MULTILINE)
_DETAILS = re.compile(r"^Details:(.*)", re.MULTILINE | re.DOTALL)
_UUID_IN_PARENTHESES = re.compile(r"\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)")
_SERVER_CODE = re.compile(r"\bc=([A-Z_]+)\b")
# What stands before the server's words, and lines that only programmers of the server understand.
_BEFORE_WORDS = re.compile(
    r"(?:Command failed\.?|Login incorrect\.?|globus_\w+|Globus\w*Err?or|System error in [\w/]+|A system call failed)"
    r"\s*:\s*"
)
_NO_WORDS = re.compile(
    r"|End\.?|\d{3}|v=\d+ c=\w+|(?:Command failed|Login incorrect)\.?|globus_\w+ failed\.?|Unable to open file .*|\{.*"
)
_FIELD = re.compile(r"((?:GridFTP|HPSS)-[\w-]+):\s*(.*)")
_LAST_RESORT = ("GridFTP-Reason", "HPSS-Reason")  # rather a function's name than words
_NO_MESSAGE = "fatal ftp response"  # which is always there


@dataclass(frozen=True, kw_only=True)
class ErrorText:
    """
    What one text says; a field that it does not say is empty.

    ``said`` are the words that explain most, ``words`` all of them, ``server_code`` is what a GridFTP server calls it.
    """

    collection: str = ""  # lower-case UUID
    path: str = ""
    command: str = ""
    server_code: str = ""
    said: str = ""
    message: str = ""  # Globus' summary, which is less exact
    words: str = ""


def read_error_text(text: str) -> ErrorText:
    """Return what the details of an event, or the message of an error document, say; never raises."""
    return _read_json(text) if text.lstrip().startswith("{") else _read_lines(text)


def _read_json(text: str) -> ErrorText:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _read_lines(text)
    error = _inner(document, "error")
    contexts = _inner(document, "context")
    paths = [_text(context, "path") for context in contexts] if isinstance(contexts, list) else []
    reply = _text(error, "body") or _text(error, "message") or _text(document, "message")
    return _with_reply(
        reply,
        collection=_uuid(_text(error, "endpoint")),
        path=next(filter(None, paths), ""),
        command=_text(error, "command"),
    )


def _read_lines(text: str) -> ErrorText:
    text = _LINE_END.sub("\n", text)
    details = _DETAILS.search(text)
    header = dict(_HEADER.findall(text[: details.start()] if details else text))
    reply = details[1] if details else "" if header else text
    command = header.get("Command", "")
    message = header.get("Message", "").removesuffix("---").strip()
    return _with_reply(
        reply,
        collection=_uuid(header.get("Endpoint", "")),
        path=header.get("File") or command.partition(" ")[2],
        command=command,
        message="" if message.lower().startswith(_NO_MESSAGE) else message,
    )


def _with_reply(reply: str, *, collection: str, path: str, command: str, message: str = "") -> ErrorText:
    code = _SERVER_CODE.search(reply)
    lines = [line for line in _LINE_END.split(reply) if "JSON-Result" not in line]
    return ErrorText(
        collection=collection,
        path=path.strip(),
        command=command,
        server_code=code[1] if code else "",
        said=_best(list(_words_in(lines))),
        message=message,
        words="\n".join([*lines, message]),
    )


def _words_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a server's reply that say something: the field's name or "", and the words."""
    for line in lines:
        words = re.sub(r"^\s*\d{3}(?:[ -]|$)", "", line).strip()
        field = _FIELD.match(words)
        name, words = (field[1], field[2]) if field else ("", words)
        while before := _BEFORE_WORDS.match(words):
            words = words[before.end() :]
        words = words.strip().rstrip(".")
        if not _NO_WORDS.fullmatch(words):
            yield name, words


def _best(lines: list[tuple[str, str]]) -> str:
    def rank(line: tuple[str, str]) -> int:
        name, _ = line
        wanted = ("GridFTP-Error-String", "GridFTP-Message", "GridFTP-Error", "", "other", *_LAST_RESORT)
        return wanted.index(name if name in wanted else "other")

    useful = [line for line in lines if line[0] != "GridFTP-Errno"]
    return min(useful, key=rank)[1] if useful else ""


def _uuid(text: str) -> str:
    found = _UUID_IN_PARENTHESES.search(text)
    return found[1].lower() if found else ""


def _inner(document: object, key: str) -> object:
    return document.get(key) if isinstance(document, Mapping) else None


def _text(document: object, key: str) -> str:
    value = _inner(document, key)
    return value if isinstance(value, str) else ""
