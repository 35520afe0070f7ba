"""``serve``: the stand-in by itself, for a person's own config or own directories."""

import shlex
import signal
import threading
import uuid
from collections.abc import Iterable, Iterator
from configparser import ConfigParser, Error
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from .behaviour import Behaviour, with_option
from .clock import Clock, ManualClock
from .standin import StandIn
from .storage import StorageError, split_path, to_text

NOT_PAIRS = ("globus", "schedule", "notification", "email")  # sections; configparser does not list [DEFAULT]
PERMISSIONS = ("r", "rw", "none")  # what the client may do on a collection


class BadInput(click.ClickException):
    """The command cannot do what it was asked to do: one line, and status 2."""

    exit_code = 2


@dataclass(frozen=True)
class _Share:
    """A collection to serve."""

    collection_id: str
    directory: Path
    permission: str


@dataclass(frozen=True, kw_only=True)
class _Options:
    """The command line."""

    shares: tuple[str, ...]
    config: Path | None
    root: Path | None
    secret_file: Path | None
    port: int
    manual_clock: bool
    behaviour: tuple[str, ...]


@click.command(short_help="Run the stand-in until Ctrl-C.")
@click.argument("shares", nargs=-1, metavar="[ID=DIR[:r|:rw|:none]]...")
@click.option("--config", type=click.Path(path_type=Path), help="Serve the collections of this config.ini.")
@click.option("--root", type=click.Path(path_type=Path), help="With --config: make a directory per collection here.")
@click.option("--secret-file", type=click.Path(path_type=Path), help="The secret to accept.  [default: a new one]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1.  [default: a free one]")
@click.option("--manual-clock", is_flag=True, help="The time changes only when /standin/clock moves it.")
@click.option("--behaviour", multiple=True, metavar="NAME=VALUE", help="Set an option; see docs/standin.md.")
def serve(**options: Any) -> None:
    """
    Run the stand-in until Ctrl-C, and print the lines that lead programs to it.

    Give its collections as ID=DIR. ID is a UUID; :r, :rw (the default) or :none is what the client may do there. Or
    name a config file: each of its collections gets a directory below --root, named after its id. A collection that
    is given in both ways is served as ID=DIR says.
    """
    _serve(_Options(**options))


def _serve(options: _Options) -> None:
    client_id, shares = _read_shares(options)
    secret = _read_secret(options.secret_file) if options.secret_file else None
    behaviour = _read_behaviour(options.behaviour)
    try:
        standin = StandIn(ManualClock() if options.manual_clock else Clock(), behaviour, options.port)
    except OSError as error:
        raise BadInput(f"port {options.port} on 127.0.0.1: {error.strerror}") from None
    with standin as globus, until_stopped() as stopped:
        client_id, new_secret = globus.add_client(client_id, secret)
        click.echo(f"# client id: {client_id}")
        click.echo(f"# client secret: in {options.secret_file}" if secret else f"# client secret: {new_secret}")
        for share in shares:
            permissions = {} if share.permission == "none" else {client_id: share.permission}
            globus.add_collection(share.directory, share.directory.name, share.collection_id, permissions=permissions)
            click.echo(f"# collection {share.collection_id} ({share.permission}): {share.directory}")
        print_exports(globus)
        click.echo("# The stand-in is ready; Ctrl-C stops it.")
        stopped.wait()
    click.echo("# Stopped.")


def print_exports(globus: StandIn) -> None:
    """Print the lines that lead the tool, and every program that uses the SDK, to the stand-in."""
    for name, value in globus.environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set during the block."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read_shares(options: _Options) -> tuple[str | None, list[_Share]]:
    """Return the client id of the config, if there is one, and all collections to serve."""
    if (options.config is None) != (options.root is None):
        raise BadInput("--config and --root must be given together")
    given = [_read_share(text) for text in options.shares]
    if len({share.collection_id for share in given}) != len(given):
        raise BadInput("the same ID was given twice")
    client_id: str | None = None
    named: list[_Share] = []
    if options.config is not None and options.root is not None:
        client_id, named = _read_config(options.config, options.root)
    shares = list({share.collection_id: share for share in [*named, *given]}.values())
    if not shares:
        raise BadInput("nothing to serve: name a config with --config and --root, or directories as ID=DIR")
    return client_id, shares


def _read_share(text: str) -> _Share:
    name, found, rest = text.partition("=")
    if not found:
        raise BadInput(f"{text!r} is not ID=DIR")
    place, _, permission = rest.rpartition(":")
    if permission not in PERMISSIONS:
        place, permission = rest, "rw"
    directory = Path(place).absolute()
    if not directory.is_dir():
        raise BadInput(f"no such directory: {directory}")
    return _Share(_read_uuid(name, "an ID"), directory, permission)


def _read_uuid(text: str, what: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise BadInput(f"{what} must be a UUID, not {text!r}") from None


def _read_config(file: Path, root: Path) -> tuple[str, list[_Share]]:
    """Return the client id and the collections of a config; makes their directories and the source directories."""
    parser = ConfigParser(interpolation=None)
    try:
        with file.open(encoding="utf-8") as lines:
            parser.read_file(lines)
        client_id = parser["globus"]["clientid"]
        pairs = [parser[name] for name in parser.sections() if name not in NOT_PAIRS]
        places = [(pair["src_endpoint"], pair["src_path"], "r") for pair in pairs]
        places += [(pair["dst_endpoint"], "/", "rw") for pair in pairs]
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from None
    except (Error, UnicodeDecodeError, KeyError) as error:
        raise BadInput(f"{file}: " + " ".join(str(error).split())) from None
    shares = []
    for name, path, permission in places:
        collection_id = _read_uuid(name, f"{file}: a collection")
        directory = root.absolute() / collection_id
        try:
            directory.joinpath(*map(to_text, split_path(path))).mkdir(parents=True, exist_ok=True)
        except (OSError, StorageError) as error:
            raise BadInput(f"{directory}: cannot make {path!r}: {error}") from None
        shares.append(_Share(collection_id, directory, permission))
    return _read_uuid(client_id, f"{file}: clientid"), shares


def _read_behaviour(settings: Iterable[str]) -> Behaviour:
    behaviour = Behaviour()
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            behaviour = with_option(behaviour, name, value)
        except ValueError as error:
            raise BadInput(str(error)) from None
    return behaviour


def _read_secret(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise BadInput(f"{file}: {reason}") from None
    if len(lines) != 1 or not lines[0]:
        raise BadInput(f"{file}: expected exactly one line, the client secret")
    return lines[0]
