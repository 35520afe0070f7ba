"""The documents say what the code does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import examples
import pytest
import scenes

from globus_sync_directory.cli import command
from globus_sync_directory.config.keys import CONFIG_KEYS
from globus_sync_directory.config.load import load_settings
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.status import PairStatus

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "globus_sync_directory"
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in examples.documents()}
README = TEXTS["README.md"]
REFERENCE = TEXTS["docs/reference.md"]
CONTEXT = command.make_context("globus-sync-directory", [], resilient_parsing=True)
LONGEST_README = 170  # lines
# What a call with this name, an argument with this keyword or a variable of this name holds is a message that somebody
# may look up; also what a table of rules, the first argument of a call, says about each.
MESSAGE_CALLS = {"BadValue", "ConfigError", "UsageError", "StateError", "LockHeld", "_problem", "warning", "error"}
MESSAGE_KEYWORDS = {"reason"}
MESSAGE_NAMES = {"reason", "problem"}


def outside_blocks(text: str) -> Iterator[str]:
    """Yield the lines of ``text``, those inside fenced blocks left out."""
    fenced = False
    for line in text.splitlines():
        if line.strip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield line


def section(text: str, title: str) -> str:
    """Return the text below the heading of the second level, up to the next one."""
    _, found, rest = text.partition(f"\n## {title}\n")
    assert found, f"there is no section {title}"
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(text: str, language: str = ".*") -> list[str]:
    """Return the contents of each fenced block of that language."""
    found = re.findall(r"^ *```(.*)\n((?:.*\n)*?) *```$", text, re.MULTILINE)
    return [body for kind, body in found if re.fullmatch(language, kind)]


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row of the tables in ``text``."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| ")
    ]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    titles = [line.lstrip("#").strip() for line in outside_blocks(text) if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def template(node: ast.expr) -> str | None:
    """Return a text in the source, with an ellipsis for each value that is filled in; None for what is no text."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%(?:\.\d)?[sdf]|\{\w+\}", "…", node.value)
    return None


def sources() -> Iterator[ast.Module]:
    """Yield every module of the tool, the stand-in apart."""
    for path in PACKAGE.rglob("*.py"):
        if "standin" not in path.relative_to(PACKAGE).parts:
            yield ast.parse(path.read_text(encoding="utf-8"))


def all_texts() -> str:
    """Return every text in the tool's source, one a line."""
    texts = [template(node) for tree in sources() for node in ast.walk(tree) if isinstance(node, ast.expr)]
    return "\n".join(filter(None, texts))


def all_messages() -> set[str]:
    """Return the texts that are messages of their own, by the call, the keyword or the name that they belong to."""
    found = set()
    for tree in sources():
        for assignment in (node for node in ast.walk(tree) if isinstance(node, ast.Assign)):
            if {getattr(target, "id", "") for target in assignment.targets} & MESSAGE_NAMES:
                found |= {text for text in [template(assignment.value)] if text}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            values = [keyword.value for keyword in call.keywords if keyword.arg in MESSAGE_KEYWORDS]
            values += call.args if name in MESSAGE_CALLS else []
            tables = [argument for argument in call.args[:1] if isinstance(argument, ast.Dict)]
            found |= {f"… {text}" for table in tables for rule in table.values if (text := template(rule))}
            if name == "Row":  # of globus/reasons.py: codes, reason, fix
                values += call.args[1:2]
            found |= {text for value in values if (text := template(value))}
    return {text for text in found if text.strip("…;: ")}  # what is only filled in is a message of another place


def quoted_messages() -> list[str]:
    """Return the messages that docs/messages.md explains."""
    return re.findall(r"^\| `(.+?)` \|", TEXTS["docs/messages.md"], re.MULTILINE)


def load(text: str, directory: Path) -> Settings:
    """Return the settings of a config with this text; raises ConfigError."""
    config, secret, password = directory / "config.ini", directory / "secret", directory / "home" / ".smtp_password"
    config.write_text(text, encoding="utf-8")
    for file in (secret, password):
        file.write_text("secret\n", encoding="utf-8")
        file.chmod(0o600)
    return load_settings(config, secret)


def test_configs_in_the_documents_load(tmp_path: Path) -> None:
    """Every config shown in a document is accepted as it is."""
    shown = [block for text in TEXTS.values() for block in blocks(text, "ini") if "[globus]" in block]
    assert len(shown) > 1
    for text in shown:
        load(text, tmp_path)


def test_examples_use_the_readme_s_config(tmp_path: Path) -> None:
    """The ids in the examples are those of the config that a reader has seen."""
    settings = load(blocks(README, "ini")[0], tmp_path)
    (pair,) = settings.pairs
    shown = (examples.CLIENT_ID, examples.SOURCE_ID, examples.DESTINATION_ID)
    assert (settings.client_id, pair.source.collection, pair.destination.collection) == shown


@pytest.mark.parametrize("title", ["Try it", "Test it"])
def test_there_is_one_command_to(title: str) -> None:
    """The section holds one fenced block with one command line, which starts from nothing but python3."""
    (block,) = blocks(section(README, title))
    (line,) = block.splitlines()
    assert line.startswith("python3 -m venv venv && venv/bin/pip install ")


def test_readme_is_short() -> None:
    """A reader who has ten minutes reads all of it."""
    assert len(README.splitlines()) <= LONGEST_README


@pytest.mark.parametrize("name", TEXTS)
def test_commands_name_their_python(name: str) -> None:
    """No command relies on a ``python`` or ``pip`` that the reader may not have: it is the one of the venv."""
    shown = [block for block in blocks(TEXTS[name], "sh") if not block.startswith("#!")]  # a script sets its PATH
    commands = "\n".join(shown).replace("python3 -m venv venv", "")
    assert re.findall(r"(?:^ *|&& |\| )((?:python3?|pip|pytest) .*)", commands, re.MULTILINE) == []


def test_reference_names_every_config_key() -> None:
    """The tables of config keys have a row for every section and key, and no other."""
    shown = {cells[0] for cells in rows(section(REFERENCE, "Config file"))} - {"key", "key of a pair", "---"}
    known = {
        f"`{key}`" if name == "pair" else f"`[{name}]` `{key}`" for name, keys in CONFIG_KEYS.items() for key in keys
    }
    assert shown == known


def test_reference_names_every_file() -> None:
    """The table of files has every option that takes a file, and its environment variable."""
    text = section(REFERENCE, "Files")
    for parameter in command.get_params(CONTEXT):
        if parameter.name and parameter.name.endswith("_file"):
            assert f"`{parameter.opts[-1]}`" in text
            assert parameter.envvar is None or f"`{parameter.envvar}`" in text


def test_reference_names_every_exit_status() -> None:
    """The tables of exit statuses have those of the tool and those of the wrapper, and no other."""
    wrapper = (ROOT / "nesi_sync_directory_wrapper.sh").read_text(encoding="utf-8")
    known = {*ExitStatus, *map(int, re.findall(r"(?:fail|sys\.exit\()\s*(\d+)", wrapper))}
    shown = [cells[0] for cells in rows(section(REFERENCE, "Exit statuses"))]
    assert {int(cell) for cell in shown if cell.isdigit()} == known


def test_help_names_every_exit_status() -> None:
    """``--help`` lists the exit statuses of the tool."""
    shown = re.findall(r"^ +(\d+) +\S", command.get_help(CONTEXT), re.MULTILINE)
    assert {int(status) for status in shown} == set(ExitStatus)


def test_every_status_of_a_pair_is_explained() -> None:
    """The table of statuses has every one with its exit status, and no other."""
    shown = {
        (name, int(cells[1]))
        for cells in rows(TEXTS["docs/reading-the-report.md"])
        if len(cells) > 1 and cells[1].isdigit()
        for name in re.findall(r"\[(.+?)\]", cells[0])
    }
    assert shown == {(status.words, status.exit_status) for status in PairStatus}


def test_every_status_of_a_pair_has_an_example() -> None:
    """Below the heading with its name, each status is shown."""
    text = TEXTS["docs/reading-the-report.md"]
    for status in PairStatus:
        example = blocks(text.partition(f"\n### {status.words}\n")[2], "text")[0]
        assert re.search(rf"^\w+(: | +){status.words}\b", example, re.MULTILINE), status.words


@pytest.mark.parametrize(
    ("name", "example"), [(name, example) for name, text in TEXTS.items() for example in examples.examples_in(text)]
)
def test_examples_are_fresh(name: str, example: str) -> None:
    """What a document shows is what the tool says today, word for word."""
    assert examples.examples_in(TEXTS[name])[example] == examples.make(example), "run: python tests/examples.py"


def test_every_scene_is_shown() -> None:
    """No scene is written for nobody."""
    shown = {name for text in TEXTS.values() for names in examples.examples_in(text) for name in names.split(", ")}
    assert shown == set(scenes.SCENES)


def test_examples_fit_their_width() -> None:
    """Nothing is wider than the terminal of the examples but what must stay in one piece."""
    for text in TEXTS.values():
        for example in examples.examples_in(text).values():
            for line in example.splitlines():
                assert len(line) <= scenes.COLUMNS or re.match(r" +(run|task): |config\.ini:", line)


def test_messages_are_quoted_as_they_are() -> None:
    """Each message in docs/messages.md is one of the tool's; an ellipsis stands for what is filled in."""
    texts = all_texts()
    assert len(quoted_messages()) > 20
    for message in quoted_messages():
        for piece in message.split("…"):
            assert piece.strip() in texts, f"no message of the tool holds {piece.strip()!r}"


def test_no_message_is_missing() -> None:
    """Each reason, complaint and warning of the tool is in docs/messages.md."""
    quoted = [re.compile(".*".join(map(re.escape, message.strip("… ").split("…")))) for message in quoted_messages()]
    missing = [text for text in sorted(all_messages()) if not any(known.search(text) for known in quoted)]
    assert missing == []


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link leads to a file of the repository, and to a heading in it where it names one."""
    for target in re.findall(r"\]\(([^)]+)\)", "\n".join(outside_blocks(TEXTS[name]))):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent.joinpath(file).resolve() if file else ROOT / name
        assert path.exists(), f"{name}: there is no {target}"
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{name}: no heading for {target}"


def test_every_document_can_be_found() -> None:
    """The README has a link to every document."""
    for name in TEXTS:
        assert name == "README.md" or f"]({name}" in README, f"README.md has no link to {name}"


@pytest.mark.parametrize("name", TEXTS)
def test_files_that_are_named_exist(name: str) -> None:
    """Every document, script or source file of the repository that a document names is there."""
    for token in re.findall(
        r"`((?:docs|tests|benchmarks|breakages|fuzz|globus_sync_directory|\.ci)/[\w./-]+)`", TEXTS[name]
    ):
        assert (ROOT / token).exists(), f"there is no {token}"


def test_changelog_is_about_this_version() -> None:
    """The newest heading of the changelog is the version that setup.py has."""
    newest = re.search(r"^## \[(.+?)\] - \d{4}-\d{2}-\d{2}$", TEXTS["CHANGELOG.md"], re.MULTILINE)
    assert newest
    assert f'version="{newest[1]}"' in (ROOT / "setup.py").read_text(encoding="utf-8")
