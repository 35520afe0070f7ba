"""Mapped collections: the data_access consent, which the application gives itself, and what it cannot give."""

from __future__ import annotations

import re
from typing import Any

import pytest
from world import SUBMIT, World, tree

from globus_sync_directory.standin import Collection, Fault

TOKEN = "/v2/oauth2/token"
TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"
LOGIN = (
    "Command Failed: Error (login)\nEndpoint: Archive\nServer: 127.0.0.1:443\nMessage: Login Failed\n---\n"
    "Details: 530-Login incorrect. : Mapping collection to specified ID failed.\\r\\n"
    "530-GlobusError: v=1 c=LOGIN_DENIED\\r\\n530 End.\\r\\n"
)


def make_mapped(*collections: Collection) -> None:
    """Make mapped collections of these, for which nobody has given a consent."""
    for collection in collections:
        collection.entity_type = "GCSv5_mapped_collection"
        collection.consents.clear()


def data_access(collection: str) -> str:
    return f"{TRANSFER}[*https://auth.globus.org/scopes/{collection}/data_access]"


def wants(*scopes: str) -> dict[str, Any]:
    """An error document that asks for a consent."""
    return {"code": "ConsentRequired", "message": "Missing required data_access consent", "required_scopes": scopes}


@pytest.mark.parametrize("arguments", [(), ("check",), ("check", "--write-probe"), ("-n",)])
def test_a_consent_is_given(world: World, arguments: tuple[str, ...]) -> None:
    """Both collections are mapped: whatever looks at them gives the two consents, once each, and all is well."""
    make_mapped(world.source, world.destination)
    world.pair("other")
    outcome = world.sync("-v", *arguments)
    assert outcome.status == 0, outcome.stdout
    assert world.asked().count(f"POST {TOKEN}") == 1 + 2
    assert world.source.consents == world.destination.consents == {world.client_id}
    for collection in (world.source, world.destination):
        assert outcome.stderr.count(f"data_access consent for collection {collection.id}: given") == 1
    assert not re.search(r"\bAg[\w-]{40}", outcome.stderr), "the token that comes with a consent is nowhere"
    world.forget_requests()
    assert world.run(*arguments).status == 0
    assert world.asked().count(f"POST {TOKEN}") == 1, "the consent is kept by Globus Auth"


def test_what_is_copied(world: World) -> None:
    """The night of the first consent copies everything."""
    make_mapped(world.source, world.destination)
    world.sync()
    assert tree(world.archive) == tree(world.images)
    assert world.run("-d").statuses == {"microscope": "succeeded"}


def test_only_looking_gives_no_consent(world: World) -> None:
    """-d asks for nothing."""
    make_mapped(world.source, world.destination)
    assert world.run("-d").status == 0
    assert world.source.consents == set()


def test_a_consent_at_submission(world: World) -> None:
    """Consents are missing only when the task is submitted, one after the other: it keeps its submission id."""
    make_mapped(world.source, world.destination)
    for collection in (world.source, world.destination):
        collection.consents.add(world.client_id)
    withdraw = Fault(path="/v0.10/submission_id", action=world.destination.consents.clear, when="after")
    world.globus.faults.add(withdraw)
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=403, body=wants(data_access(world.source.id))))
    outcome = world.sync()
    assert outcome.statuses == {"microscope": "started"}
    assert world.asked().count(f"POST {SUBMIT}") == 3
    assert world.asked().count(f"POST {TOKEN}") == 1 + 2
    assert len(world.tasks) == 1
    assert world.state()["microscope"]["task"]["task_id"] == world.tasks[0].id


@pytest.mark.promise(4, "a submission that gets no answer, and then needs a consent")
def test_a_lost_submission_that_needs_a_consent(world: World) -> None:
    """The first attempt is lost, the next needs a consent, the last is rejected: nobody knows, so it stays pending."""
    submissions: dict[str, Any] = {"method": "POST", "path": SUBMIT}
    world.globus.faults.add(Fault(**submissions, when="after", cut=True))
    world.globus.faults.add(Fault(**submissions, nth=2, status=403, body=wants(data_access(world.source.id))))
    world.globus.faults.add(Fault(**submissions, nth=3, status=400, code="ClientError.BadRequest"))
    make_mapped(world.source)
    world.source.consents.add(world.client_id)
    world.globus.hold()
    assert world.run().statuses == {"microscope": "start unconfirmed"}
    assert world.asked().count(f"POST {SUBMIT}") == 3
    assert world.state()["microscope"]["pending"] is not None
    assert world.run().statuses == {"microscope": "running"}
    assert len(world.tasks) == 1
    world.globus.release()


@pytest.mark.parametrize("arguments", [(), ("check",)])
def test_auth_refuses(world: World, arguments: tuple[str, ...]) -> None:
    """Auth does not know the scope, as for a guest collection: the first rejection stays the reason; asked once."""
    body = wants(data_access(world.source.id))
    looks = f"/v0.10/operation/endpoint/{world.source.id}/*"
    world.pair("other")
    world.globus.faults.add(Fault(path=looks, status=403, body=body, times=None))
    outcome = world.run(*arguments)
    assert outcome.status == 1
    assert world.asked().count(f"POST {TOKEN}") == 1 + 1
    assert outcome.stdout.count("consent") == 2 if arguments else outcome.statuses["other"] == "blocked"
    reason = "needs a data_access consent, which this application could not give itself"
    assert reason in outcome.stdout
    assert f"{world.client_id}@clients.auth.globus.org" in outcome.stdout
    assert world.tasks == []


def test_a_consent_that_does_not_help(world: World) -> None:
    """Globus still asks for a consent that was given: it is not given again, and one pair's trouble is one pair's."""
    make_mapped(world.source)
    world.pair("other")
    body = wants(data_access(world.source.id))
    world.globus.faults.add(Fault(path="*/stat", status=403, body=body, times=None))
    outcome = world.run()
    assert (outcome.status, set(outcome.statuses.values())) == (1, {"blocked"})
    assert world.asked().count(f"POST {TOKEN}") == 1 + 1
    assert sum("/stat" in line for line in world.asked()) <= 2 * 2 + 2


@pytest.mark.parametrize("scopes", [
    (data_access("00000000-1111-4222-8333-444444444444"),),
    (TRANSFER,),
    ("openid",),
    (f"{TRANSFER}[*https://auth.globus.org/scopes/SOURCE/https]",),
    (data_access("SOURCE"), "urn:globus:auth:scope:auth.globus.org:manage_projects"),
    ("https://auth.globus.org/scopes/SOURCE/data_access",),
    (data_access("SOURCE") + " openid",),
])  # fmt: skip
@pytest.mark.promise(9, "an error document that asks for more than a consent")
def test_nothing_else_is_asked_for(world: World, scopes: tuple[str, ...]) -> None:
    """Another scope, or another collection than the one that was looked at, is never asked for."""
    make_mapped(world.source)
    body = wants(*(scope.replace("SOURCE", world.source.id) for scope in scopes))
    world.globus.faults.add(Fault(path="*/stat", status=403, body=body, times=None))
    assert world.run().statuses == {"microscope": "blocked"}
    assert world.asked().count(f"POST {TOKEN}") == 1


AUTH_IS_DOWN: list[dict[str, Any]] = [{"status": 503}, {"cut": True}, {"html": True, "status": 200}]


@pytest.mark.parametrize("fault", AUTH_IS_DOWN)
@pytest.mark.parametrize("arguments", [(), ("check",)])
def test_auth_is_down(world: World, arguments: tuple[str, ...], fault: dict[str, Any]) -> None:
    """Globus Auth does not answer: that is the reason, nothing is blocked for it, and the next run resolves it."""
    make_mapped(world.source, world.destination)
    world.pair("other")
    world.globus.faults.add(Fault(path=TOKEN, nth=2, times=None, **fault))
    outcome = world.run(*arguments)
    assert outcome.status == 75
    assert "Globus Auth" in outcome.stdout
    assert arguments or set(outcome.statuses.values()) == {"start unconfirmed"}
    assert world.asked().count(f"POST {TOKEN}") <= 1 + 2 * 3  # each collection is asked for by itself
    world.globus.faults.clear()
    assert world.sync().status == 0
    assert len(world.tasks) == 2


def test_no_account(world: World) -> None:
    """With its consent, the application still has no account there: that is the reason, not the consent."""
    make_mapped(world.destination)
    code = "ExternalError.DirListingFailed.LoginFailed"
    path = f"/v0.10/operation/endpoint/{world.destination.id}/stat"
    world.globus.faults.add(Fault(path=path, nth=2, status=502, code=code, message=LOGIN, times=None))
    outcome = world.run()
    assert (outcome.status, outcome.statuses) == (1, {"microscope": "blocked"})
    assert "an account mapping is missing" in outcome.stdout
    assert world.destination.consents == {world.client_id}
