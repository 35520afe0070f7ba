"""Collections and their files: listing, looking, making, renaming, and that no path leaves a root."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from globus_sdk import TransferAPIError

from globus_sync_directory.standin.engine.collection import MAPPED

from .helpers import World, refused


def names(world: World, path: str = "/", **query: Any) -> list[str]:
    return [file["name"] for file in world.tc.operation_ls(world.src.id, path=path, **query)]


def test_ls(world: World) -> None:
    """A listing shows names, types, sizes and times, by name unless asked otherwise, and answers with its path."""
    for name, size in (("b.txt", 3), ("a.TXT", 5), (".hidden", 1), ("dir/inner", 1)):
        world.write(name, b"x" * size, mtime=1_000_000_000)
    listing = world.tc.operation_ls(world.src.id, path="/")
    assert [file["name"] for file in listing] == [".hidden", "a.TXT", "b.txt", "dir"]
    assert (listing["path"], listing["total"], listing["endpoint"]) == ("/", 4, world.src.id)
    b = listing["DATA"][2]
    assert (b["type"], b["size"], b["last_modified"]) == ("file", 3, "2001-09-09 01:46:40+00:00")
    assert world.tc.operation_ls(world.src.id, path="dir")["path"] == "dir/"
    assert world.tc.operation_ls(world.src.id)["path"] == "/~/"
    assert names(world, show_hidden=False) == ["a.TXT", "b.txt", "dir"]
    assert names(world, query_params={"show_hidden": "false"}) == ["a.TXT", "b.txt", "dir"]
    assert refused(world.tc.operation_ls, world.src.id, query_params={"show_hidden": "maybe"})[0] == 400
    assert names(world, orderby="size DESC,name", limit=1, filter="type:file") == ["a.TXT"]
    assert names(world, filter="name:~*.txt") == ["a.TXT", "b.txt"]
    assert names(world, filter=["type:dir", "name:=b.txt"]) == ["b.txt", "dir"]


def test_names_that_are_not_utf8(world: World) -> None:
    """A name that is not UTF-8 is shown with U+FFFD and Latin-1, and copied unchanged."""
    with open(os.fsencode(world.source) + b"/caf\xe9", "wb"):
        pass
    assert names(world) == ["\ufffdcafé"]
    world.run()
    assert os.listdir(os.fsencode(world.target)) == [b"caf\xe9"]


def test_what_ls_rejects(world: World) -> None:
    """A missing path, a file, a directory that is too large and a forbidden one each have their code."""
    world.write("file")
    world.write("file2")
    ls = world.tc.operation_ls
    assert refused(ls, world.src.id, path="/missing") == (404, "ClientError.NotFound")
    assert refused(ls, world.src.id, path="/file") == (502, "ExternalError.DirListingFailed.NotDirectory")
    world.src.list_limit = 1
    assert refused(ls, world.src.id, path="/") == (502, "ExternalError.DirListingFailed.SizeLimit")
    world.src.rules = {(world.client_id, (b"file",)): "r"}
    assert refused(ls, world.src.id, path="/") == (403, "EndpointPermissionDenied")


def test_stat(world: World) -> None:
    """stat describes one path; the code for a missing one is NotFound, other than with ls."""
    world.write("dir/file", b"abc")
    stat = world.tc.operation_stat
    assert (stat(world.src.id, "/dir/file")["size"], stat(world.src.id, "/dir/")["type"]) == (3, "dir")
    assert stat(world.src.id, "/")["type"] == "dir"
    assert refused(stat, world.src.id, "/missing") == (404, "NotFound")
    assert refused(stat, world.src.id, "/dir/file/below") == (404, "NotFound")
    world.globus.behaviour = replace(world.globus.behaviour, stat_supported=False)
    assert refused(stat, world.src.id, "/dir")[1] == "NotSupported"


def test_mkdir_and_rename(world: World) -> None:
    """mkdir makes one directory, rename moves an entry; both need permission to write."""
    mkdir, rename = world.tc.operation_mkdir, world.tc.operation_rename
    assert mkdir(world.dst.id, "/new")["code"] == "DirectoryCreated"
    assert refused(mkdir, world.dst.id, "/new") == (502, "ExternalError.MkdirFailed.Exists")
    assert refused(mkdir, world.dst.id, "/a/b") == (404, "ClientError.NotFound")
    assert refused(mkdir, world.src.id, "/new") == (403, "ExternalError.MkdirFailed.PermissionDenied")
    assert rename(world.dst.id, "/new", "/newer")["code"] == "FileRenamed"
    assert refused(rename, world.dst.id, "/new", "/x") == (404, "ClientError.NotFound")
    assert [entry.name for entry in world.target.iterdir()] == ["newer"]


def test_no_path_leaves_the_root(world: World, tmp_path: Path) -> None:
    """Neither .. nor a link leads out of a collection, to read or to write, nor shows what is there."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"secret")
    (world.source / "link").symlink_to(secret)
    (world.source / "relative").symlink_to("../secret")
    (world.source / "file").symlink_to(secret / "key")
    (world.target / "out").symlink_to(secret)
    ls, stat = world.tc.operation_ls, world.tc.operation_stat
    assert refused(ls, world.src.id, path="/../secret")[0] == 400
    for link in ("link", "relative"):
        assert refused(ls, world.src.id, path=f"/{link}") == (403, "EndpointPermissionDenied")
    assert refused(stat, world.src.id, "/link/key") == (403, "EndpointPermissionDenied")
    assert stat(world.src.id, "/file")["type"] == "invalid_symlink"
    assert {file["type"] for file in ls(world.src.id)} == {"invalid_symlink"}
    assert refused(ls, world.src.id, path=str(secret)) == (404, "ClientError.NotFound")
    assert refused(world.tc.operation_mkdir, world.dst.id, "/out/new")[0] == 403
    assert refused(world.submit, "/../secret")[0] == 400
    world.write("a")
    for source, destination in (("/link", "/"), ("/relative", "/"), ("/file", "/copy"), ("/a", "/out/a")):
        task = world.run(source, destination, recursive=None)
        assert (task["status"], task["nice_status"]) == ("ACTIVE", "PERMISSION_DENIED")
    assert world.run("/", "/all")["status"] == "SUCCEEDED"
    assert set(world.tree()) == {"all/a"}
    assert [entry.name for entry in secret.iterdir()] == ["key"]


def test_links_within_the_root(world: World) -> None:
    """A link that is itself the item is followed within the root; links found on the way are ignored."""
    world.write("real/a")
    (world.source / "alias").symlink_to("real")
    (world.source / "absolute").symlink_to(world.source / "real")
    assert world.tc.operation_stat(world.src.id, "/alias")["type"] == "dir"
    for n, name in enumerate(("alias", "absolute")):
        assert world.run(f"/{name}", f"/{n}")["status"] == "SUCCEEDED"
    world.run("/", "/all")
    assert set(world.tree()) == {"0/a", "1/a", "all/real/a"}


def test_a_directory_swapped_for_a_link_while_walking(world: World, tmp_path: Path) -> None:
    """Replacing directories by links to the outside while a task walks brings nothing from there."""
    outside = tmp_path / "outside"
    for n in range(20):
        world.write(f"d{n:02}/a", b"inside")
        (outside / f"d{n:02}").mkdir(parents=True)
        (outside / f"d{n:02}/a").write_bytes(b"outside")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for n in range(20):
                inner, aside = world.source / f"d{n:02}", world.source / f"aside{n:02}"
                inner.rename(aside)
                inner.symlink_to(outside / f"d{n:02}")
                inner.unlink()
                aside.rename(inner)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for n in range(10):
            world.run("/", f"/{n}", skip_source_errors=True)
    finally:
        stop.set()
        thread.join()
    assert b"outside" not in world.tree().values()


def test_who_may_use_a_collection(world: World, new_id: str) -> None:
    """An unknown, deleted, foreign, offline or policy-bound collection each has its own error."""
    endpoint, ls = world.tc.get_endpoint, world.tc.operation_ls
    assert refused(endpoint, new_id) == (404, "EndpointNotFound")
    assert refused(endpoint, "nonsense") == (400, "BadRequest")
    stranger = world.sign_in(*world.globus.add_client())
    assert refused(stranger.operation_ls, world.src.id) == (403, "PermissionDenied")
    assert refused(world.submit, client=stranger) == (403, "PermissionDenied")
    world.src.authentication_policy_id = new_id
    with pytest.raises(TransferAPIError) as caught:
        ls(world.src.id)
    assert caught.value.info.authorization_parameters.session_required_policies == [new_id]
    world.src.authentication_policy_id = None
    world.src.online = False
    assert refused(ls, world.src.id) == (502, "EndpointError")
    world.src.entity_type = "GCP_guest_collection"
    assert refused(ls, world.src.id) == (502, "ExternalError.DirListingFailed.GCDisconnected")
    assert refused(world.submit) == (409, "GCDisconnectedException")
    assert endpoint(world.src.id)["gcp_connected"] is False
    world.src.deleted = True
    assert refused(endpoint, world.src.id) == (404, "EndpointDeleted")
    assert refused(world.submit) == (404, "EndpointDeleted")
    assert world.globus.tasks == []


def test_permissions_by_path(world: World) -> None:
    """A rule is valid for its path and everything below it, and the longest one decides."""
    for name in ("images/a", "images/private/b", "other/c"):
        world.write(name)
    world.src.rules = {(world.client_id, (b"images",)): "r"}
    assert names(world, "/images") == ["a", "private"]
    assert refused(world.tc.operation_ls, world.src.id, path="/other") == (403, "EndpointPermissionDenied")
    assert world.run("/images", "/1")["status"] == "SUCCEEDED"
    assert world.run("/other", "/2")["nice_status"] == "PERMISSION_DENIED"


def test_consent_is_remembered_for_earlier_tokens(world: World) -> None:
    """A mapped collection needs a consent; a request for its scope gives it, and the old token works from then on."""
    world.src.entity_type = MAPPED
    with pytest.raises(TransferAPIError) as caught:
        world.tc.operation_ls(world.src.id)
    scopes = caught.value.info.consent_required.required_scopes
    assert scopes
    assert refused(world.submit) == (403, "ConsentRequired")
    world.token(scope=" ".join(scopes))
    assert names(world) == []
    world.globus.hold()
    world.submit()
