"""Which directories are looked at before a start."""

from __future__ import annotations

from dataclasses import replace

from globus_sync_directory.model.answer import Received
from globus_sync_directory.sync.preflight import look_at_ends

from .fake_client import FakeClient
from .samples import DESTINATION, FINGERPRINT, NO_ANSWER, OTHER, PAIR, SOURCE, record, success


def test_look_at_ends() -> None:
    """Every source is looked at, and each destination without proof; nothing twice."""
    client = FakeClient()
    twice = replace(PAIR, name="twice", destination=OTHER.destination)
    client.ends = {
        SOURCE: Received("dir"),
        OTHER.source: Received("file"),
        DESTINATION: Received("dir"),
        OTHER.destination: NO_ANSWER,
    }
    found = look_at_ends(client, [PAIR, OTHER, twice], {FINGERPRINT: record(1, success=success(1))})
    assert found == {SOURCE: Received("dir"), OTHER.source: Received("file"), OTHER.destination: NO_ANSWER}
    assert client.asked == ["stat /images", "stat /reads", "stat /reads"]
    client.asked.clear()
    look_at_ends(client, [PAIR], {FINGERPRINT: record(2, success=success(1))})
    assert client.asked == ["stat /images", "stat /archive/images"]
