"""``python -m globus_sync_directory.standin``: a demo of the tool without Globus, or the stand-in by itself."""

import shlex
import sys

import click

try:
    from .demo import demo
    from .serve import serve
except ModuleNotFoundError as error:
    if error.name not in ("flask", "werkzeug"):
        raise
    click.echo(
        f"The stand-in needs {error.name}; in the clone, run: "
        f"{shlex.quote(sys.executable)} -m pip install -e '.[standin]'",
        err=True,
    )
    sys.exit(2)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A stand-in for Globus on this computer: it answers on 127.0.0.1 only, and copies between local directories."""


main.add_command(demo)
main.add_command(serve)

if __name__ == "__main__":
    main(prog_name="python -m globus_sync_directory.standin")
