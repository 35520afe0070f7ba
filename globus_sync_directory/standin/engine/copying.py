"""Copying one file: whether it has to be copied, and the copy itself, which gets its name when it is complete."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from .. import storage
from ..storage import StorageError
from .collection import Collection
from .errors import TransferError
from .task import Key, Success, Task

CHECKSUMS = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
BLOCK = 1 << 20
_LARGE = 4 * BLOCK  # from this size on, both sides are read for their checksums at the same time
_MAX_SENDS = 3  # in one attempt

Entry = tuple[bytes, int]  # a name, and a descriptor of the directory that contains it
Checkpoint = Callable[[], None]  # called between all steps; it may wait, and it raises to end the attempt


class FileCopier:
    """Copies single files for one attempt at a transfer."""

    def __init__(self, task: Task, destination: Collection, checkpoint: Checkpoint) -> None:
        self._task = task
        self._source = task.source_collection
        self._destination = destination
        self._checkpoint = checkpoint
        self._options = task.submission.options

    def step(self) -> None:
        """Wait as the test wants, then raise TransferError if one of the collections is not there."""
        self._checkpoint()
        check_online(self._source, self._destination)

    def is_up_to_date(self, key: Key, file: int, target: Entry) -> bool:
        """Return whether the sync level finds nothing to copy. Source: task_submit, 'sync_level'."""
        name, parent = target
        try:
            there = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(there.st_mode):
            raise StorageError("IS_A_DIRECTORY")
        level, here = self._task.submission.sync_level, os.fstat(file)
        if level is None or not stat.S_ISREG(there.st_mode):
            return False
        if level == 2:
            return here.st_mtime_ns <= there.st_mtime_ns
        if level < 2 or here.st_size != there.st_size:
            return level == 0 or here.st_size == there.st_size
        with storage.opened(storage.open_file(name, parent)) as copy:
            source_sum, copy_sum = self._checksums(key, file, copy)
        self._task.bytes_checksummed += here.st_size
        return source_sum == copy_sum

    def copy(self, key: Key, file: int, target: Entry) -> None:
        """Copy an open file under a temporary name until the copy is right, then give it its own name."""
        name, parent = target
        temporary = storage.temporary_name()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        copy = os.open(temporary, flags, 0o666, dir_fd=parent)
        try:
            with storage.opened(copy):
                checksum = self._send_until_right(key, file, copy)
                size = os.fstat(copy).st_size
                if self._options.get("preserve_timestamp"):
                    status = os.fstat(file)
                    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
                self._checkpoint()
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise
        self._task.files_transferred += 1
        algorithm = self._task.submission.items[key[0]].checksum_algorithm if checksum else None
        self._task.successes.append(Success(*self._task.paths(key), size, checksum, algorithm))

    def _send_until_right(self, key: Key, file: int, copy: int) -> str | None:
        """Send the contents, several times if necessary, and return their checksum if it was requested."""
        for _ in range(_MAX_SENDS - 1):
            try:
                return self._send(key, file, copy)
            except TransferError as error:
                if error.code not in ("VERIFY_CHECKSUM", "FILE_SIZE_CHANGED"):
                    raise
                self._task.add_fault(error)
        return self._send(key, file, copy)

    def _send(self, key: Key, file: int, copy: int) -> str | None:
        expected = os.fstat(file).st_size
        os.ftruncate(copy, 0)
        size = self._send_blocks(file, copy, expected)
        source, destination = self._task.paths(key)
        changes = self._source.changing_files > 0
        self._source.changing_files -= changes
        if changes or size != expected or os.fstat(file).st_size != expected:
            raise TransferError("FILE_SIZE_CHANGED", self._source, source, "read")
        wanted = self._task.submission.items[key[0]].external_checksum
        if not self._options.get("verify_checksum") and wanted is None:
            return None
        source_sum, copy_sum = self._checksums(key, file, copy)
        is_wrong = self._destination.wrong_checksums > 0
        self._destination.wrong_checksums -= is_wrong
        if is_wrong or source_sum != copy_sum:
            raise TransferError("VERIFY_CHECKSUM", self._destination, destination, "write")
        if wanted is not None and wanted.lower() != source_sum:
            code = "EXTERNAL_CHECKSUM_MISMATCH"
            raise TransferError(code, self._destination, destination, "write", permanent=True)
        return source_sum

    def _send_blocks(self, file: int, copy: int, expected: int) -> int:
        """Copy the contents block by block and return their size in bytes."""
        buffer = memoryview(bytearray(min(BLOCK, expected + 1)))
        offset = 0
        while True:
            self.step()
            if self._destination.full:
                raise StorageError("QUOTA_EXCEEDED")
            count = os.preadv(file, [buffer], offset)
            if not count:
                return offset
            written = 0
            while written < count:
                written += os.pwrite(copy, buffer[written:count], offset + written)
            offset += count
            self._task.bytes_transferred += count

    def _checksums(self, key: Key, *files: int) -> Iterable[str]:
        algorithm = CHECKSUMS[self._task.submission.items[key[0]].checksum_algorithm]

        def checksum(file: int) -> str:
            digest = hashlib.new(algorithm, usedforsecurity=False)
            buffer = memoryview(bytearray(BLOCK))
            offset = 0
            while count := os.preadv(file, [buffer], offset):
                digest.update(buffer[:count])
                offset += count
                self._checkpoint()
            return digest.hexdigest()

        if os.fstat(files[0]).st_size < _LARGE:
            return map(checksum, files)
        with ThreadPoolExecutor(len(files)) as readers:
            return readers.map(checksum, files)


def check_online(*collections: Collection) -> None:
    """Raise TransferError for a collection that cannot be reached."""
    for collection in collections:
        if collection.deleted:
            raise TransferError("ENDPOINT_ERROR", collection, (), "connect", ends_attempt=True)
        if not collection.online:
            code = "GC_NOT_CONNECTED" if collection.is_personal else "CONNECT_FAILED"
            raise TransferError(code, collection, (), "connect", ends_attempt=True)
        if collection.login_failure:
            code = "AUTH" if collection.login_failure == "LOGIN_DENIED" else "ENDPOINT_ERROR"
            raise TransferError(code, collection, (), "login", ends_attempt=True)
