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

# In a reply, a line ends with CR LF, which servers also write as "\\r\\n" in four characters or as "%0D%0A"; Globus
# sometimes writes "\\n" in two, also between the lines of the whole text.
_LINE_END = re.compile(r"\r\n|\r|\n|\\r\\n|%0D%0A|%0d%0a|\\n(?=[A-Z][a-z]+: |---|globus_|\d{3}[ -]|\W*$)")
_HEADER = re.compile(r"^(Endpoint|File|Command|Message): ([^\n]+)", re.MULTILINE)
_DETAILS = re.compile(r"^(?:---\n(?:Details:)?|Details:)(.*)", re.MULTILINE | re.DOTALL)
_UUID_IN_PARENTHESES = re.compile(r"\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)")
_SERVER_CODE = re.compile(r"\bc=([A-Z_]+)\b")
# FTP commands that have a path, after what else they have.
_COMMAND = re.compile(
    r"(?:MKD|MLS[CDRT]|LIST|NLST|STAT|STOR|RETR|DELE|RMD|CWD|SIZE|MDTM|RNFR|RNTO|ESTO \S+ \S+|ERET \S+ \S+ \S+"
    r"|CKSM \S+ \S+ \S+|SITE STAGE \S+|SITE CHMOD \S+|SITE UTIME \S+) (.+)"
)
_NOT_FOUND = re.compile(r"^Error: '(.+)' not found$", re.MULTILINE)
# What stands before the server's words, and lines that only programmers of the server understand.
_BEFORE_WORDS = re.compile(
    r"(?:Command failed\.?|Login incorrect\.?|globus_\w+|Globus\w*Err?or|A system call failed)"
    r"\s*:\s*"
)
_NO_WORDS = re.compile(
    r"|\w\d|\d{3}|End\.?|v=\d+ c=\w+|(?:Command failed|Login incorrect)\.?|globus_\w+ failed\.?"
    r"|Unable to open file .*|\S+\.c:\S+:\d+:|\{.*"
)
_FIELD = re.compile(r"((?:GridFTP|HPSS)-[\w-]+):\s*(.*)")
# Whose words explain most; "" is a line without a field's name. The last two are rather names of functions.
_RANKS = ("GridFTP-Error-String", "GridFTP-Message", "GridFTP-Error", "", "HPSS-Reason", "GridFTP-Reason", "other")
_NO_MESSAGE = "fatal ftp response"  # which is always there


@dataclass(frozen=True, kw_only=True)
class ErrorText:
    """
    What one text says; a field that it does not say is empty.

    ``said`` are the words that explain most, ``words`` all of them, ``server_code`` is what a GridFTP server calls it.
    """

    collection: str = ""  # lower-case UUID
    name: str = ""  # of the collection
    path: str = ""
    server_code: str = ""
    said: str = ""
    message: str = ""  # Globus' summary, which is less exact
    words: str = ""  # one line for each line of the reply that says something


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
    replies = [_text(error, key) for key in ("body", "details", "message")] + [_text(document, "message")]
    return _with_reply(
        next(filter(None, [*replies, _text(document, "error")]), ""),
        endpoint=_text(error, "endpoint"),
        path=next(filter(None, paths), ""),
        message=_text(error, "type").removesuffix("FTPServerError"),
    )


def _read_lines(text: str) -> ErrorText:
    if "\n" not in text.strip():
        text = _LINE_END.sub("\n", text)
    text = text.replace("\r\n", "\n")
    details = _DETAILS.search(text)
    header: dict[str, str] = {}
    for key, value in _HEADER.findall(text[: details.start()] if details else text):
        header.setdefault(key, value)
    command = _COMMAND.match(header.get("Command", ""))
    path = header.get("File", "")
    if command and (not path or command[0].startswith("MKD")):  # of a file in it, the directory that is to be made
        path = command[1]
    message = header.get("Message", "").removesuffix("---").strip()
    return _with_reply(
        details[1] if details else "" if header else text,
        endpoint=header.get("Endpoint", ""),
        path=path,
        message="" if message.lower().startswith(_NO_MESSAGE) else message,
    )


def _with_reply(reply: str, *, endpoint: str, path: str, message: str) -> ErrorText:
    code = _SERVER_CODE.search(reply)
    lines = list(_words_in(_LINE_END.split(reply)))
    words = "\n".join(words for _, words in lines)
    missing = _NOT_FOUND.search(words)
    collections = _UUID_IN_PARENTHESES.findall(endpoint)
    return ErrorText(
        collection=collections[-1].lower() if collections else "",
        name=endpoint.rpartition(" (")[0] if collections else "",
        path=path or (missing[1] if missing else ""),
        server_code=code[1] if code else "",
        said=_best(lines),
        message=message,
        words=f"{words}\n{message}".strip(),
    )


def _words_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a server's reply that say something: the field's name or "", and the words."""
    for line in lines:
        words = re.sub(r"^\s*\d{3}(?:[ -]|$)", "", line).strip()
        field = _FIELD.match(words)
        name, words = (field[1], field[2]) if field else ("", words)
        while before := _BEFORE_WORDS.match(words):
            words = words[before.end() :]
        words = words.strip().rstrip(".\\")
        if name not in ("GridFTP-Errno", "GridFTP-JSON-Result") and not _NO_WORDS.fullmatch(words):
            yield name, words


def _best(lines: list[tuple[str, str]]) -> str:
    def rank(line: tuple[str, str]) -> int:
        name, _ = line
        return _RANKS.index(name if name in _RANKS else "other")

    best = min(lines, key=rank)[1] if lines else ""
    return re.sub(r"^System error in [\w/]+: ", "", best)


def _inner(document: object, key: str) -> object:
    return document.get(key) if isinstance(document, Mapping) else None


def _text(document: object, key: str) -> str:
    value = _inner(document, key)
    return value if isinstance(value, str) else ""
