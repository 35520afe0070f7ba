"""
How fast the stand-in copies, as ratios to ``cp -a`` and plain checksum passes on the same disk, in one run.

``python -m benchmarks.standin`` from the repository root, with the extra ``standin``. It takes two minutes and, at
the default sizes, 6.5 GB below --dir, which go away again. Status 1 means that a ratio is over its limit.
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
COPY_LIMIT, SYNC_LIMIT, MEMORY_LIMIT = 2.0, 1.3, 64  # two ratios, and MiB more at the peak


class GlobusClient:
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
        """Submit a transfer of everything, verified, and wait for its success."""
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
    """Do something with nothing left to be written from before; print and return its seconds."""
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
    """Return this process's peak memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(work: Path, make: Callable[[Path], None]) -> tuple[float, float, float]:
    """Return two ratios, copy and second checksum sync, and the growth of the peak memory in MiB."""
    source, plain, target = work / "source", work / "plain", work / "target"
    for directory in (source, target):
        directory.mkdir(parents=True)
    make(source)

    def copied() -> float:
        return timed("cp -a", lambda: subprocess.run(["cp", "-a", source, plain], check=True))  # noqa: S603, S607

    before_us = copied()
    check = timed("one checksum pass over both sides", lambda: checksums(source, plain))
    shutil.rmtree(plain)
    with StandIn() as standin:
        globus = GlobusClient(standin, source, target)
        before = peak()
        ours = timed("stand-in, copied and verified", globus.transfer)
        again = timed("stand-in, second checksum sync", lambda: globus.transfer(sync_level=3))
        globus.client.close()
        growth = peak() - before
    copy = (before_us + copied()) / 2  # making many files is now quick, now slow on some file systems
    shutil.rmtree(work)
    return ours / (copy + check), again / check, growth


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
        "  Of a small file next to nothing is data: making it costs most, which depends on the file system and its\n"
        "  mood (compare the two times of cp). For each, the stand-in also looks at both sides, opens the source\n"
        "  through no link, writes under a temporary name, reads both sides back, sets the time, renames, and notes\n"
        "  the result for successful_transfers, all in Python. The notes are the memory that grows with the number\n"
        "  of files, and only with that."
    )
    sys.exit(failed)


if __name__ == "__main__":
    main()
