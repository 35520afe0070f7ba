"""File access that cannot leave the directory of a collection."""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

Parts = tuple[bytes, ...]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_LINKS = 40
_TEMPORARY = re.compile(rb"\.standin-[0-9a-f]{16}\.part")

PATH_NOT_ALLOWED = "Path not allowed"

_CODES = {
    errno.ENOENT: "FILE_NOT_FOUND",
    errno.EACCES: "PERMISSION_DENIED",
    errno.EPERM: "PERMISSION_DENIED",
    errno.ENOTDIR: "NOT_A_DIRECTORY",
    errno.EISDIR: "IS_A_DIRECTORY",
    errno.ELOOP: "INVALID_SYMLINK",
    errno.ENOSPC: "NO_SPACE_LEFT",
    errno.EDQUOT: "QUOTA_EXCEEDED",
    errno.ENAMETOOLONG: "INVALID_PATH_NAME",
    errno.EEXIST: "EXISTS",
}


_NUMBERS = {code: number for number, code in reversed(_CODES.items())}


class StorageError(Exception):
    """
    A file operation on a collection failed; ``code`` is an event code of the Transfer API, or EXISTS.

    ``number`` is the system's error number, the usual one of the code if it is not given, and 0 if there is none.
    """

    def __init__(self, code: str, message: str = "", number: int = 0) -> None:
        self.code = code
        self.number = number or _NUMBERS.get(code, 0)
        super().__init__(message or (os.strerror(self.number) if self.number else code.replace("_", " ").lower()))


def path_not_allowed() -> StorageError:
    """Return the error for a path that the collection itself does not open to the client."""
    return StorageError("PERMISSION_DENIED", PATH_NOT_ALLOWED)


@contextmanager
def errors() -> Iterator[None]:
    """Turn every OSError of the block into a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(_CODES.get(error.errno or 0, "ENDPOINT_ERROR"), number=error.errno or errno.EIO) from error


def to_text(name: bytes) -> str:
    """Return a file name as the API shows it: UTF-8, or U+FFFD and the bytes as Latin-1. Source: file_operations."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return "\ufffd" + name.decode("latin-1")


def to_bytes(text: str) -> bytes:
    """Return the bytes of a file name that ``to_text`` showed."""
    if text.startswith("\ufffd") and all(ord(letter) < 256 for letter in text[1:]):
        raw = text[1:].encode("latin-1")
        if to_text(raw) == text:
            return raw
    return text.encode()


def split_path(path: str) -> Parts:
    """Return the components of an API path below the root; the home ``~`` is the root. Raises StorageError."""
    if any(letter in path for letter in "\0\r\n"):
        raise StorageError("INVALID_PATH_NAME", "a character is not allowed")
    names = [name for name in path.split("/") if name not in ("", ".")]
    return _descend((), map(to_bytes, names[1:] if names[:1] == ["~"] else names))


def _descend(start: Parts, steps: Iterable[bytes]) -> Parts:
    """Return where steps lead from ``start``; raises StorageError where that is above the root."""
    parts = list(start)
    for step in steps:
        if step == b"..":
            if not parts:
                raise path_not_allowed()
            parts.pop()
        elif step not in (b"", b"."):
            parts.append(step)
    return tuple(parts)


def join_path(parts: Sequence[bytes]) -> str:
    """Return the API path of components below a root."""
    return "/" + "/".join(map(to_text, parts))


@contextmanager
def opened(descriptor: int) -> Iterator[int]:
    """Yield an open descriptor, and close it at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def directory(root: bytes, parts: Parts, *, create: bool = False) -> Iterator[int]:
    """
    Yield a descriptor of a directory below ``root``.

    Each component is opened by itself and never through a link; a link is followed only as far as its text leads below
    ``root``. With ``create``, missing directories are made. Raises OSError or StorageError.
    """
    with opened(_walk(root, parts, create)[0]) as fd:
        yield fd


def _walk(root: bytes, parts: Parts, create: bool = False, links: int = _MAX_LINKS) -> tuple[int, Parts]:
    """Return the descriptor, and the components with links resolved."""
    fd = _open_root(root)
    for position, name in enumerate(parts):
        with opened(fd):
            try:
                fd = _open_child(fd, name, create)
                continue
            except OSError as error:
                target = _link_target(fd, name) if error.errno in (errno.ENOTDIR, errno.ELOOP) else None
                if target is None:
                    raise
        if not links:
            raise StorageError("INVALID_SYMLINK")
        return _walk(root, resolve_link(root, parts[:position], target) + parts[position + 1 :], create, links - 1)
    return fd, parts


def _open_root(root: bytes) -> int:
    """Return a descriptor of a root, found through no link: one that took its place, or one above it, is an error."""
    fd = os.open(b"/", os.O_PATH | _DIRECTORY)
    for name in filter(None, root.split(b"/")):
        with opened(fd):
            fd = os.open(name, os.O_PATH | _DIRECTORY, dir_fd=fd)
    with opened(fd):
        return os.open(b".", _DIRECTORY, dir_fd=fd)


def _open_child(fd: int, name: bytes, create: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=fd)
    except FileNotFoundError:
        if not create:
            raise
        with suppress(FileExistsError):  # another task made it just now
            os.mkdir(name, dir_fd=fd)
        return os.open(name, _DIRECTORY, dir_fd=fd)


def _link_target(fd: int, name: bytes) -> bytes | None:
    try:
        return os.readlink(name, dir_fd=fd)
    except OSError:
        return None


def resolve_link(root: bytes, at: Parts, target: bytes) -> Parts:
    """Return the components below ``root`` that a link in directory ``at`` leads to; raises StorageError outside."""
    if not target.startswith(b"/"):
        return _descend(at, target.split(b"/"))
    inside = os.path.normpath(target)
    if inside != root and not inside.startswith(root.rstrip(b"/") + b"/"):
        raise path_not_allowed()
    return _descend((), inside[len(root) :].split(b"/"))


@contextmanager
def located(root: bytes, parts: Parts, *, follow: bool = True) -> Iterator[tuple[bytes, int]]:
    """Yield the name of a path's last component, which may be missing or a link, and a descriptor of its parent."""
    for _ in range(_MAX_LINKS):
        parent, real = _walk(root, parts[:-1])
        with opened(parent):
            name = parts[-1] if parts else b"."
            target = _link_target(parent, name) if follow else None
            if target is None:
                yield name, parent
                return
            parts = resolve_link(root, real, target)
    raise StorageError("INVALID_SYMLINK")


@contextmanager
def directory_below(base: int, parts: Parts) -> Iterator[int]:
    """Yield a descriptor of a directory below the open directory ``base``, through no link at all. Raises OSError."""
    fd = os.dup(base)
    for name in parts:
        with opened(fd):
            fd = os.open(name, _DIRECTORY, dir_fd=fd)
    with opened(fd):
        yield fd


def open_file(name: bytes, parent: int) -> int:
    """Return a descriptor of a regular file, opened for reading and not through a link."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        raise StorageError("IS_A_DIRECTORY" if stat.S_ISDIR(mode) else "NOT_A_FILE")
    return fd


def kinds(fd: int) -> dict[bytes, str | None]:
    """Return what is in a directory, by sorted names: "dir", "file", or None for what transfers ignore."""
    with os.scandir(fd) as entries:
        found = {os.fsencode(entry.name): _kind(entry) for entry in entries}
    return {name: found[name] for name in sorted(found) if not _TEMPORARY.fullmatch(name)}


def _kind(entry: os.DirEntry[str]) -> str | None:
    if entry.is_dir(follow_symlinks=False):
        return "dir"
    return "file" if entry.is_file(follow_symlinks=False) else None


def temporary_name() -> bytes:
    """Return a new name for a copy in progress, which no listing shows."""
    return b".standin-%s.part" % secrets.token_hex(8).encode()


def remove(name: bytes, parent: int) -> None:
    """Remove a file, link or whole directory, following no link. Raises OSError."""
    if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
        shutil.rmtree(name, dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)
