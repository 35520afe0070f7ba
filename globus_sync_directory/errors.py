"""What can go wrong as a whole: each error is one or more lines for an operator, with the exit status to end with."""

from __future__ import annotations

EXIT_OK = 0
EXIT_ATTENTION = 1
EXIT_USAGE = 2
EXIT_TOO_OLD = 3
EXIT_SIGN_IN_REJECTED = 4
EXIT_BUG = 70
EXIT_TRY_LATER = 75
EXIT_INTERRUPTED = 130

_MOST_URGENT_FIRST = (EXIT_SIGN_IN_REJECTED, EXIT_ATTENTION, EXIT_TOO_OLD, EXIT_TRY_LATER)


def worst(statuses: list[int]) -> int:
    """Return the exit status that stands for all of ``statuses``; 0 for none."""
    return next((status for status in _MOST_URGENT_FIRST if status in statuses), EXIT_OK)


class SyncError(Exception):
    """Ends the whole run; ``str()`` is what the operator reads, ``exit_status`` what the shell gets."""

    exit_status = EXIT_ATTENTION


class UsageError(SyncError):
    """The command line asks for something that cannot be done."""

    exit_status = EXIT_USAGE


class ConfigError(SyncError):
    """The config file or the surroundings are wrong in at least one way; one line for each problem."""

    exit_status = EXIT_USAGE

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SecretError(SyncError):
    """The file with the client secret cannot be used."""

    exit_status = EXIT_USAGE


class StateError(SyncError):
    """The state file cannot be written, so nothing may be started."""


class LockHeld(SyncError):
    """Another run holds the lock of this state file."""

    exit_status = EXIT_TRY_LATER


class ServiceUnavailable(SyncError):
    """A question to Globus got no answer that says anything about the question; asking again may."""

    exit_status = EXIT_TRY_LATER
    fix = "nothing is lost; the next run tries again"


class SignInRejected(ServiceUnavailable):
    """Globus does not accept the client id and secret, or the token it gave for them."""

    exit_status = EXIT_SIGN_IN_REJECTED
    fix = (
        "compare clientid with the application's page in the Globus web app, make a new secret there if need be, and "
        "put it into the secret file"
    )


class Interrupted(BaseException):
    """A signal asked this run to stop; like KeyboardInterrupt it passes whatever catches ordinary errors."""
