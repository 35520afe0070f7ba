"""``serve``: the stand-in by itself, for a person's own config or own directories."""

import shlex
import signal
import threading
import uuid
from collections.abc import Iterator
from configparser import ConfigParser, Error
from contextlib import contextmanager
from pathlib import Path

import click

from .behaviour import Behaviour, with_option
from .clock import Clock, ManualClock
from .standin import StandIn
from .storage import StorageError, split_path, to_text

NOT_PAIRS = ("globus", "schedule", "notification", "email")  # sections; and [DEFAULT], which configparser keeps apart


class BadInput(click.ClickException):
    """What was asked for cannot be done: one line, and status 2."""

    exit_code = 2


@click.command(short_help="Run the stand-in until Ctrl-C.")
@click.argument("shares", nargs=-1, metavar="[ID=DIR[:r|:rw]]...")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Serve this config.ini's collections.")
@click.option("--root", type=click.Path(path_type=Path), help="Where --config puts a directory for each collection.")
@click.option("--secret-file", type=click.Path(path_type=Path), help="The secret to accept.  [default: a new one]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1.  [default: a free one]")
@click.option("--manual-clock", is_flag=True, help="Time stands still until /standin/clock moves it.")
@click.option("--behaviour", "settings", multiple=True, metavar="NAME=VALUE", help="Set a switch; see docs/standin.md.")
def serve(
    shares: tuple[str, ...],
    config_file: Path | None,
    root: Path | None,
    secret_file: Path | None,
    port: int,
    manual_clock: bool,
    settings: tuple[str, ...],
) -> None:
    """
    Run the stand-in until Ctrl-C, and print the lines to paste where the tool is to find it.

    Its collections are directories given as ID=DIR, ID being a UUID and :r or :rw (the default) what the client may do;
    or those named in a config file, each as a directory below --root which is called like the collection's id.
    """
    if (config_file is None) != (root is None):
        raise BadInput("--config and --root belong together")
    collections = dict(_share(share) for share in shares)
    if len(collections) != len(shares):
        raise BadInput("the same ID was given twice")
    client_id = None
    if config_file is not None and root is not None:
        client_id, named = _from_config(config_file, root)
        collections = named | collections
    if not collections:
        raise BadInput("nothing to serve: name a config with --config and --root, or directories as ID=DIR")
    secret = _read_secret(secret_file) if secret_file else None
    behaviour = Behaviour()
    try:
        for setting in settings:
            name, _, value = setting.partition("=")
            behaviour = with_option(behaviour, name, value)
    except ValueError as error:
        raise BadInput(str(error)) from None
    try:
        standin = StandIn(ManualClock() if manual_clock else Clock(), behaviour, port)
    except OSError as error:
        raise BadInput(f"port {port} on 127.0.0.1: {error.strerror}") from None
    with standin as globus, until_stopped() as stopped:
        client_id, new_secret = globus.add_client(client_id, secret)
        click.echo(f"# client id: {client_id}")
        click.echo(f"# client secret: in {secret_file}" if secret else f"# client secret: {new_secret}")
        for collection_id, (directory, right) in collections.items():
            globus.add_collection(directory, directory.name, collection_id, permissions={client_id: right})
            click.echo(f"# collection {collection_id} ({right}): {directory}")
        print_exports(globus)
        click.echo("# The stand-in is ready; Ctrl-C stops it.")
        stopped.wait()
    click.echo("# Stopped.")


def print_exports(globus: StandIn) -> None:
    """Print the lines that lead the tool, and all else built on the SDK, to the stand-in."""
    for name, value in globus.environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, as long as the block lasts."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _share(text: str) -> tuple[str, tuple[Path, str]]:
    """Return (id, (directory, right)) of ``ID=DIR[:r|:rw]``."""
    name, found, rest = text.partition("=")
    if not found:
        raise BadInput(f"{text!r} is not ID=DIR")
    place, _, right = rest.rpartition(":")
    if right not in ("r", "rw"):
        place, right = rest, "rw"
    directory = Path(place).absolute()
    if not directory.is_dir():
        raise BadInput(f"no such directory: {directory}")
    return _uuid(name, "an ID"), (directory, right)


def _uuid(text: str, what: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise BadInput(f"{what} must be a UUID, not {text!r}") from None


def _from_config(file: Path, root: Path) -> tuple[str, dict[str, tuple[Path, str]]]:
    """Return the client id, and (directory, right) by collection id; makes the directories, with the source paths."""
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
    found: dict[str, tuple[Path, str]] = {}
    for name, path, right in places:
        collection_id = _uuid(name, f"{file}: a collection")
        directory = root.absolute() / collection_id
        found[collection_id] = directory, right
        try:
            directory.joinpath(*map(to_text, split_path(path))).mkdir(parents=True, exist_ok=True)
        except (OSError, StorageError) as error:
            raise BadInput(f"{directory}: cannot make {path!r}: {error}") from None
    return _uuid(client_id, f"{file}: clientid"), found


def _read_secret(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise BadInput(f"{file}: {reason}") from None
    if len(lines) != 1 or not lines[0]:
        raise BadInput(f"{file}: expected exactly one line, the client secret")
    return lines[0]
