"""
Measures how fast the stand-in copies, compared with ``cp -a`` and plain checksum passes on the same disk.

Run ``python -m benchmarks.standin`` in the repository root, with the extra ``standin``. It takes two minutes and, with
the default sizes, 6.5 GB below --dir, which it deletes at the end. Status 1 means that a ratio is above its limit.
"""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from globus_sdk import AccessTokenAuthorizer, ConfidentialAppAuthClient, TransferClient, TransferData

from globus_sync_directory.standin import StandIn

MIB = 1 << 20
COPY_LIMIT, SYNC_LIMIT, MEMORY_LIMIT = 2.0, 1.3, 64  # two ratios, and the growth of the peak memory in MiB


class Setup:
    """A stand-in with a source and a target, and the SDK signed in to it."""

    def __init__(self, standin: StandIn, source: Path, target: Path) -> None:
        client_id, secret = standin.add_client()
        self.standin = standin
        self.source = standin.add_collection(source, permissions={client_id: "r"})
        self.target = standin.add_collection(target, permissions={client_id: "rw"})
        with ConfidentialAppAuthClient(client_id, secret, base_url=standin.url) as auth:
            token = auth.oauth2_client_credentials_tokens(requested_scopes=TransferClient.scopes.all)["access_token"]
        self.client = TransferClient(authorizer=AccessTokenAuthorizer(token), base_url=standin.url)

    def transfer(self, **options: Any) -> None:
        """Submit a verified transfer of all files, and wait until it has succeeded."""
        data = TransferData(
            source_endpoint=self.source.id, destination_endpoint=self.target.id, verify_checksum=True,
            preserve_timestamp=True, **options,
        )  # fmt: skip
        data.add_item("/", "/", recursive=True)
        task_id = self.client.submit_transfer(data)["task_id"]
        self.standin.wait(timeout=3600)
        task = self.client.get_task(task_id)
        if task["status"] != "SUCCEEDED" or task["faults"]:
            raise click.ClickException(f"the transfer did not succeed: {task.text}")


def timed(what: str, work: Callable[[], object]) -> float:
    """Call a function when all earlier writes are on the disk; print and return its seconds."""
    os.sync()
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    click.echo(f"  {what}: {seconds:.2f} s")
    return seconds


def checksums(*roots: Path) -> None:
    """Read every file once and compute its MD5."""
    for root in roots:
        for file in sorted(root.rglob("*")):
            if file.is_file():
                with file.open("rb") as contents:
                    hashlib.file_digest(contents, "md5")


def peak() -> float:
    """Return the peak memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(work: Path, make: Callable[[Path], None]) -> tuple[float, float, float]:
    """Return two ratios, for a copy and for a second checksum sync, and the growth of the peak memory in MiB."""
    source, plain, target = work / "source", work / "plain", work / "target"
    for directory in (source, target):
        directory.mkdir(parents=True)
    make(source)

    def copied() -> float:
        return timed("cp -a", lambda: subprocess.run(["cp", "-a", source, plain], check=True))  # noqa: S603, S607

    first_copy = copied()
    check = timed("one checksum pass over both sides", lambda: checksums(source, plain))
    shutil.rmtree(plain)
    with StandIn() as standin:
        globus = Setup(standin, source, target)
        before = peak()
        transfer = timed("stand-in, copied and verified", globus.transfer)
        again = timed("stand-in, second checksum sync", lambda: globus.transfer(sync_level=3))
        globus.client.close()
        growth = peak() - before
    copy = (first_copy + copied()) / 2  # on some file systems, the time to make many files varies
    shutil.rmtree(work)
    return transfer / (copy + check), again / check, growth


def large(mib: int, count: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for number in range(count):
            with (root / f"large{number}").open("wb") as file:
                for _ in range(mib // count):
                    file.write(os.urandom(MIB))

    return make


def small(count: int, size: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for number in range(count):
            directory = root / f"d{number // 200:04}"
            directory.mkdir(exist_ok=True)
            (directory / f"f{number}").write_bytes(os.urandom(size))

    return make


@click.command(help=__doc__)
@click.option("--dir", "place", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Where to work.")
@click.option("--mib", default=2048, show_default=True, help="Size of the large files together.")
@click.option("--large-files", default=4, show_default=True)
@click.option("--small-files", default=20_000, show_default=True, help="Files of 4 KiB.")
def main(place: Path | None, mib: int, large_files: int, small_files: int) -> None:
    work = Path(tempfile.mkdtemp(prefix="standin-benchmark-", dir=place))
    try:
        click.echo(f"{mib} MiB in {large_files} files:")
        copied, synced, memory = measure(work / "large", large(mib, large_files))
        click.echo(f"{small_files} files of 4 KiB:")
        many, many_synced, many_memory = measure(work / "small", small(small_files, 4096))
    finally:
        shutil.rmtree(work)
    failed = copied > COPY_LIMIT or synced > SYNC_LIMIT or memory > MEMORY_LIMIT
    click.echo(
        f"large files: copied and verified in {copied:.2f} times cp -a and a checksum pass (limit {COPY_LIMIT}); "
        f"second checksum sync in {synced:.2f} times the pass (limit {SYNC_LIMIT}); "
        f"peak memory {memory:+.0f} MiB (limit {MEMORY_LIMIT})\n"
        f"small files: {many:.2f} and {many_synced:.2f} times; peak memory {many_memory:+.0f} MiB\n"
        "  A small file has almost no data: to make it takes most of the time, which depends on the file system\n"
        "  and varies (compare the two times of cp). For each file, the stand-in also looks at both sides, opens\n"
        "  the source through no link, writes under a temporary name, reads both sides, sets the time, renames,\n"
        "  and records the result for successful_transfers, all in Python. Memory grows with the number of files\n"
        "  because of these records, and only because of them."
    )
    sys.exit(failed)


if __name__ == "__main__":
    main()
