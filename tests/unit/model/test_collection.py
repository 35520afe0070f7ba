"""Names of collections beside their ids."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from globus_sync_directory.model.collection import with_names

ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
SENTENCE = f"the source collection {ONE} or the destination collection {TWO} is not connected"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({}, SENTENCE),
        ({ONE: "Lab PC"}, SENTENCE.replace(ONE, f"'Lab PC' ({ONE})")),
        (
            {TWO: "Archive", ONE: "A"},
            f"the source collection 'A' ({ONE}) or the destination collection 'Archive' ({TWO}) is not connected",
        ),
        (
            {ONE: "Lab", TWO: "Lab"},
            f"the source collection 'Lab' ({ONE}) or the destination collection 'Lab' ({TWO}) is not connected",
        ),
        ({ONE: ""}, SENTENCE),
        ({ONE: ONE}, SENTENCE),
        ({"": "Lab PC"}, SENTENCE),
        ({TWO[::-1]: "Lab PC"}, SENTENCE),
    ],
)  # fmt: skip
def test_with_names(names: Mapping[str, str], sentence: str) -> None:
    """Each id gets its name, where there is one that says more than the id."""
    assert with_names(SENTENCE, names) == sentence


def test_a_name_that_is_there_already() -> None:
    """It is not written twice."""
    named = with_names(SENTENCE, {ONE: "Lab PC"})
    assert with_names(named, {ONE: "Lab PC"}) == named
