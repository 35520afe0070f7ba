"""
Words of servers and storage systems, and the code that says the same. Many servers send only words.

Source: recorded replies of GridFTP servers and connectors, and the error replies in the source of the GridFTP server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


def _system(*words: str) -> str:
    """Return the pattern for words of an operating system, which are all of a line or end it after a colon."""
    return rf"(?:^|: )(?:{'|'.join(words)})$"


# In the order in which they count: what an operating system says is exact, other words can mean several things.
# READ_ONLY, STORAGE_FAULT, STORAGE_CREDENTIAL and NO_SECURE_CONNECTION are codes of our own.
WORDS: Mapping[str, str] = {
    "PERMISSION_DENIED": _system("permission denied", "operation not permitted"),
    "PATH_NOT_FOUND": _system("no such file or directory"),
    "PATH_EXISTS": _system("file exists"),
    "NOT_A_DIRECTORY": _system("not a directory"),
    "IS_A_DIRECTORY": _system("is a directory"),
    "NO_SPACE_LEFT": _system("no space left on device", "disk quota exceeded"),
    "READ_ONLY": _system("read-only file system"),
    "INVALID_SYMLINK": _system("too many levels of symbolic links"),
    "STORAGE_FAULT": _system(
        "stale (?:nfs )?file handle",
        "(?:remote )?(?:input/output|i/o) error",
        "cannot send after transport endpoint shutdown",
        "transport endpoint is not connected",
        "no such device(?: or address)?",
        "structure needs cleaning",
    ),
    "INVALID_PATH_NAME": _system("file name too long", "invalid or incomplete multibyte or wide character")
    + r"|\bError\w*Invalid\w*Name\b|character[^\n]{0,40} not allowed|illegal (?:name|byte|character)",
    "CONNECT_FAILED": "(?:cannot|could not|unable to) connect to (?:the )?(?:endpoint|server|collection)",
    "NO_SECURE_CONNECTION": "failed to establish a secure connection|ICE negotiation failed|certificate has expired"
    "|certificate verify failed",
    "CONNECTION_BROKEN": _system(
        "connection (?:reset by peer|refused|timed out)",
        "broken pipe",
        "an end[- ]of[- ]file was reached",
        "an end of file occurred",
    ),
    "ENDPOINT_TOO_BUSY": _system(
        "too many open files(?: in system)?", "cannot allocate memory", "resource temporarily unavailable"
    )
    + "|too busy|rate limit|rate of requests|queries per|too many (?:users|connections|requests)|slow ?down",
    "EndpointDeleted": r"\bendpoint (?:of shared endpoint )?'[^\n]{1,200}' has been deleted",
    "STORAGE_CREDENTIAL": "invalid_credential|credential requires|credentials?[^\n]{0,80}(?:expired|invalid|missing)"
    "|invalid_grant|refresh token|InvalidAccessKeyId|ExpiredToken|SignatureDoesNotMatch",
    "QUOTA_EXCEEDED": "quota (?:has been |was |is )?(?:exceeded|exhausted|space)|quotaLimitReached|insufficient storage"
    "|storage (?:limit|is full)",
    "EndpointPermissionDenied": "path not allowed|access ?(?:is )?denied|no effective acl",
    "FILE_NOT_FOUND": "NoSuchBucket|NoSuchKey|USER_FILE_DOES_NOT_EXIST",
}


def code_of_words(words: str) -> str:
    """Return the code that says the same as the words of a server, one line each; empty if none is known."""
    flags = re.IGNORECASE | re.MULTILINE
    return next((code for code, says in WORDS.items() if re.search(says, words, flags)), "")
