"""What must not happen: an answer of 500, a hang, or a byte read or written outside a collection's directory."""

import json
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from globus_sdk import TransferAPIError

from globus_sync_directory.standin import ManualClock, StandIn
from globus_sync_directory.standin.storage import StorageError, open_file

from .helpers import World

SECRET = b"outside"
ODD_TEXTS = [
    "", " ", "/", "//", "~", "~/", "..", "../..", "/../../etc/passwd", "/~/../x", "a\0b", "\ud800", "\ufffd", "\ufffdé",
    "%00", "%2e%2e%2f", "%zz", "\r\n\r\n", "é" * 300, "x" * 5000, "/" * 3000, "a/" * 500, "{}", "null", "*", "[", "?",
    "0", "-1", "1e999", "99999999999999999999", "nan", "2026-13-45", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
]  # fmt: skip
ODD_VALUES: list[Any] = [None, True, False, 0, -1, 2**70, 1e308, [], {}, [[]], [None], {"DATA_TYPE": 1}, *ODD_TEXTS]


class Fuzzer:
    """Makes malformed requests from a seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.token = world.token()["access_token"]

    def request(self) -> bytes:
        kinds = (self.document, self.query, self.path, self.auth, self.control, self.framing)
        return self.random.choice(kinds)()

    def http(self, method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.token}", *headers]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close"])
        return head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body

    def text(self) -> str:
        return self.random.choice(ODD_TEXTS)

    def quoted(self) -> str:
        return "".join(f"%{byte:02x}" for byte in self.text()[:1500].encode("utf-8", "surrogatepass"))

    def document(self) -> bytes:
        """A submission, or another document, with something odd in it, or a body that is not JSON."""
        world, choice = self.world, self.random.choice
        item: dict[str, Any] = {"DATA_TYPE": "transfer_item", "source_path": "/", "destination_path": "/"}
        transfer: dict[str, Any] = {
            "DATA_TYPE": "transfer", "submission_id": world.src.id, "source_endpoint": world.src.id, "DATA": [item],
            "destination_endpoint": world.dst.id, "label": "x", "deadline": "2027-01-01", "sync_level": 3,
            "filter_rules": [{"DATA_TYPE": "filter_rule", "name": "a"}],
        }  # fmt: skip
        delete: dict[str, Any] = {
            "DATA_TYPE": "delete", "submission_id": world.dst.id, "endpoint": world.dst.id,
            "DATA": [{"DATA_TYPE": "delete_item", "path": "/x"}],
        }  # fmt: skip
        place = f"/v0.10/operation/endpoint/{world.dst.id}"
        target, body = choice([
            ("/v0.10/transfer", transfer), ("/v0.10/delete", delete),
            (f"{place}/mkdir", {"DATA_TYPE": "mkdir", "path": "/x"}),
            (f"{place}/rename", {"DATA_TYPE": "rename", "old_path": "/x", "new_path": "/y"}),
        ])  # fmt: skip
        parts = [body, *body.get("DATA", []), *body.get("filter_rules", [])]
        for _ in range(self.random.randint(1, 2)):
            part = choice(parts)
            part[choice([*part, "odd"])] = choice(ODD_VALUES)
        data = json.dumps(body).encode()
        broken = [data[: len(data) // 2], b"[" * 50_000, b"\xff\xfe", b"null", b"NaN", b'{"DATA_TYPE": 1e999}', b""]
        return self.http("POST", target, choice([data] * 9 + broken))

    def query(self) -> bytes:
        names = ("path", "filter", "orderby", "limit", "offset", "show_hidden", "fields", "marker", "odd")
        target = self.random.choice((
            "/v0.10/task_list", f"/v0.10/operation/endpoint/{self.world.src.id}/ls",
            f"/v0.10/operation/endpoint/{self.world.src.id}/stat", "/v0.10/submission_id",
        ))  # fmt: skip
        pairs = [f"{self.random.choice(names)}={self.quoted()}" for _ in range(self.random.randint(1, 3))]
        words = ("name:~", "type:", "request_time:", "task_id:", "label:=", "status:", "size DESC,", "is_error:")
        pairs.append(f"filter={self.random.choice(words)}{self.quoted()}")
        return self.http("GET", f"{target}?{'&'.join(pairs)}")

    def path(self) -> bytes:
        methods = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "FOO", "get")
        places = ("/v0.10/task/", "/v0.10/endpoint/", "/v0.10/operation/endpoint/", "/v0.10/", "/", "/v2/oauth2/", "//")
        tail = self.random.choice(("", "/ls", "/cancel", "/event_list", "/x/y/z", "?", "#", ";a=b"))
        target = self.random.choice(places) + self.quoted() + tail
        return self.http(self.random.choice(methods), target)

    def auth(self) -> bytes:
        odd = self.quoted()
        grant = "grant_type=client_credentials"
        forms = (f"grant_type={odd}&scope={odd}", f"{grant}&scope={odd}%5B%5D", odd, f"token={odd}")
        header = self.random.choice((
            "Authorization: Basic !!!", "Authorization: Basic gICAgA==", "Authorization: Bearer", "Authorization: ",
            f"Authorization: Basic {odd}", "Content-Type: multipart/form-data", "Content-Type: text/html; charset=odd",
        ))  # fmt: skip
        kind = "Content-Type: application/x-www-form-urlencoded"
        target = self.random.choice(("/v2/oauth2/token", "/v2/oauth2/token/revoke", "/v2/oauth2/userinfo"))
        return self.http(self.random.choice(("POST", "GET")), target, self.random.choice(forms).encode(), kind, header)

    def control(self) -> bytes:
        ids = f"collections/{self.world.dst.id}", f"tasks/{self.world.src.id}"
        places = ("clock", "tasks/x", "behaviour", "odd", "faults", "hold", *ids)
        names = ("advance", "do", "list_limit", "entity_type", "unknown-task", "pause", "label-limit", "nth", "status")
        more = ("delay", "headers", "truncate", "when", "html", "body", "cut", "times", "method")
        value = self.random.choice([value for value in ODD_VALUES if value not in (0, 2**70, 1e308)])
        body = json.dumps({self.random.choice(names + more): value}).encode()
        return self.http("POST", f"/standin/{self.random.choice(places)}", body)

    def framing(self) -> bytes:
        return self.random.choice((
            b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00" * 20, b"A" * 70_000,
            b"POST /v0.10/transfer HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            b"POST /v0.10/transfer HTTP/1.1\r\nContent-Length: 9999\r\n\r\n{",
            b"POST /v0.10/transfer HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n",
            b"POST /v0.10/transfer HTTP/1.1\r\nContent-Length: 999999999999999999999\r\n\r\n{}",
            b"POST /v0.10/transfer HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            b"POST /v0.10/transfer HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
            b"POST /v0.10/transfer HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
            b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
            b"GET /v0.10/task_list?\xff\xfe HTTP/1.1\r\nHost: \xff\r\n\r\n", b"GET http://[::1 HTTP/1.1\r\n\r\n",
        ))  # fmt: skip


def answer(port: int, request: bytes) -> bytes:
    """Send a request, close our side, and return everything that comes back; a hang is a TimeoutError."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except (ConnectionResetError, BrokenPipeError):
            return b""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_thousand_malformed_requests(world: World, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """None is answered with 500, none hangs, none shows a bug, and the stand-in still works."""
    fuzzer, port = Fuzzer(world, seed), world.port
    statuses = set()
    with caplog.at_level(logging.ERROR):
        for _ in range(1000):
            request = fuzzer.request()
            told = answer(port, request)
            status = told.split(b"\r\n", 1)[0].split(b" ")[1:2]
            assert status != [b"500"], (request[:2000], told[:2000])
            statuses.update(status)
    assert caplog.records == []
    assert {b"200", b"400", b"404", b"501"} <= statuses
    world.globus.unknown_routes.clear()
    world.globus.wait()
    assert world.sign_in().get_submission_id()["value"]


@contextmanager
def swapping(swap: Callable[[], object]) -> Iterator[None]:
    """Call ``swap`` again and again in another thread during the block."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            swap()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory beside the collections with a secret in each of ten directories."""
    for n in range(10):
        (tmp_path / f"outside/d{n}").mkdir(parents=True)
        (tmp_path / f"outside/d{n}/a").write_bytes(SECRET)
    return tmp_path / "outside"


def replaced(path: Path, link: Path, kind: str) -> None:
    """Replace a file or directory by a link to the outside, then put it back."""
    aside = path.with_name(f"aside-{path.name}")
    try:
        os.rename(path, aside)
        os.symlink(link, path, target_is_directory=kind == "dir")
        os.unlink(path)
        os.rename(aside, path)
    except OSError:  # the stand-in has made a directory of that name meanwhile
        pass


@pytest.mark.parametrize("kind", ["dir", "file"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_links_swapped_in_while_a_task_walks(world: World, outside: Path, kind: str, side: str) -> None:
    """Replacing files or directories of either side by links to the outside copies nothing out or in."""
    for n in range(10):
        world.write(f"d{n}/a", b"inside")
        world.write(f"0/d{n}/a", b"inside", at_target=True)
    base = world.source if side == "source" else world.target / "0"

    def swap() -> None:
        for n in range(10):
            place, link = (f"d{n}", outside / f"d{n}") if kind == "dir" else (f"d{n}/a", outside / f"d{n}/a")
            replaced(base / place, link, kind)

    with swapping(swap):
        for n in range(8):
            world.run("/", "/0", skip_source_errors=True, label=str(n), delete_destination_extra=True)
            for task in world.globus.tasks:
                if task.is_live:
                    world.globus.cancel(task.id)
    assert {path.read_bytes() for path in outside.rglob("*") if path.is_file()} == {SECRET}
    assert sum(1 for path in outside.rglob("*")) == 20
    assert SECRET not in world.tree().values()


def test_a_file_is_never_opened_through_a_link(outside: Path) -> None:
    """Even a link that appears at the last moment is not followed, and a pipe is not waited for."""
    (outside / "link").symlink_to("d0/a")
    os.mkfifo(outside / "pipe")
    parent = os.open(outside, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="symbolic links"):
            open_file(b"link", parent)
        with pytest.raises(StorageError, match="not a file"):
            open_file(b"pipe", parent)
    finally:
        os.close(parent)


@pytest.mark.parametrize(
    "path",
    ["..", "../outside", "/a/../../outside", "/~/../outside", "/link", "/link/d0", "/absolute/d0", "/up/d0", "/loop/x",
     "/./link/../outside", "/link/../../outside", "/~/~/../..", "//..//outside"],
)  # fmt: skip
def test_no_way_of_writing_a_path_leads_out(world: World, outside: Path, path: str) -> None:
    """Reading, making, renaming, deleting or copying by such a path is rejected or stays inside."""
    for root in (world.source, world.target):
        (root / "link").symlink_to("../outside")
        (root / "absolute").symlink_to(outside)
        (root / "up").symlink_to("link")
        (root / "loop").symlink_to("loop")
    world.write("f", b"inside", at_target=True)
    world.write("f", b"inside")
    before = sorted(outside.rglob("*"))
    place = f"{world.globus.url}/v0.10/operation/endpoint/{world.dst.id}"
    fuzzer, port = Fuzzer(world, 0), world.port
    requests = [fuzzer.http("GET", f"{place}/ls?path={path}"), fuzzer.http("GET", f"{place}/stat?path={path}/a")]
    for verb, body in (
        ("mkdir", {"DATA_TYPE": "mkdir", "path": f"{path}/new"}),
        ("rename", {"DATA_TYPE": "rename", "old_path": "/f", "new_path": f"{path}/f"}),
        ("rename", {"DATA_TYPE": "rename", "old_path": f"{path}/d1", "new_path": "/stolen"}),
    ):
        requests.append(fuzzer.http("POST", f"{place}/{verb}", json.dumps(body).encode()))
    for request in requests:
        assert b'"name":"d0"' not in answer(port, request)
    both = "source_endpoint", "destination_endpoint"
    for kind, ends, item in (
        ("transfer", both, {"source_path": f"{path}/d0", "destination_path": "/1"}),
        ("transfer", both, {"source_path": "/f", "destination_path": f"{path}/f"}),
        ("delete", ("endpoint",), {"path": f"{path}/d0"}),
    ):
        where = dict(zip(ends, (world.dst.id,) if kind == "delete" else (world.src.id, world.dst.id), strict=True))
        submission: dict[str, Any] = {
            "DATA_TYPE": kind,
            "submission_id": world.tc.get_submission_id()["value"],
            **where,
        }
        submission |= {"recursive": True} if kind == "delete" else {}
        submission["DATA"] = [{"DATA_TYPE": f"{kind}_item", **item}]
        answer(port, fuzzer.http("POST", f"/v0.10/{kind}", json.dumps(submission).encode()))
    world.globus.wait()
    assert sorted(outside.rglob("*")) == before
    assert SECRET not in world.tree().values()


@pytest.mark.parametrize("replaced", ["inner", "inner/deep"])
def test_a_root_that_was_replaced_by_a_link_leads_nowhere(world: World, outside: Path, replaced: str) -> None:
    """A client that may rename in one collection cannot make another one, inside it, lead out of both."""
    world.write("inner/deep/a", at_target=True)
    inner = world.globus.add_collection(world.target / "inner/deep", permissions={world.client_id: "rw"})
    assert [entry["name"] for entry in world.tc.operation_ls(inner.id)] == ["a"]
    (outside / "deep").mkdir()
    (world.target / "link").symlink_to(outside)
    world.tc.operation_rename(world.dst.id, f"/{replaced}", "/away")
    world.tc.operation_rename(world.dst.id, "/link", f"/{replaced}")
    before = sorted(outside.rglob("*"))
    for call in (world.tc.operation_ls, lambda ident: world.tc.operation_mkdir(ident, "/new")):
        with pytest.raises(TransferAPIError):
            call(inner.id)
    assert sorted(outside.rglob("*")) == before


@pytest.mark.slow
def test_a_stop_in_the_middle_of_many_tasks(tmp_path: Path) -> None:
    """A stop with tasks that copy, wait and retry, and with open connections, ends soon and leaves whole files."""
    before = threading.active_count()
    with ExitStack() as idle:
        with StandIn(clock=ManualClock()) as globus:
            world = World(globus, tmp_path)
            for number in range(3):
                world.write(f"big{number}", b"b" * 40_000_000)
            for _ in range(20):
                idle.enter_context(socket.create_connection(("127.0.0.1", world.port)))
            for number in range(8):
                world.submit("/none" if number == 1 else "/", f"/{number}", verify_checksum=True)
            while not globus.tasks[0].bytes_transferred:
                time.sleep(0.001)
            begin = time.perf_counter()
        assert time.perf_counter() - begin < 2
    world.close()
    assert threading.active_count() == before
    whole = [file for file in world.target.rglob("*") if file.is_file()]
    assert {file.name for file in whole} <= {"big0", "big1", "big2"}
    assert all(file.stat().st_size == 40_000_000 for file in whole)
