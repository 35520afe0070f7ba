"""The answers to errors of the engine."""

from globus_sync_directory.standin.api.errors import COMPUTED, FIXED
from globus_sync_directory.standin.engine.errors import ServiceError


def test_every_error_of_the_engine_has_one_answer() -> None:
    """Each error has a fixed answer or one that is computed, and not both."""
    assert sorted(map(repr, [*FIXED, *COMPUTED])) == sorted(map(repr, ServiceError.__subclasses__()))
