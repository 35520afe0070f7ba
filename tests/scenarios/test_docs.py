"""The README, the example config and the changelog say what the code does."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import click
import examples
import pytest

from globus_sync_directory import errors
from globus_sync_directory.cli import command
from globus_sync_directory.config.load import CONFIG_KEYS, load_config
from globus_sync_directory.model.status import PairStatus

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def outside_blocks(text: str) -> list[str]:
    """The lines of ``text``, those inside fenced blocks left out."""
    found, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            found.append(line)
    return found


def sections(text: str) -> dict[str, str]:
    """The text under each heading of the second level."""
    found, title, fenced = {"": ""}, "", False
    for line in text.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            title = line.removeprefix("## ").strip()
            found[title] = ""
        else:
            found[title] += line
    return found


def blocks(text: str, language: str = ".*") -> list[str]:
    """The contents of each fenced block of that language."""
    found = re.findall(r"^ *```(.*)\n((?:.*\n)*?) *```$", text, re.MULTILINE)
    return [body for kind, body in found if re.fullmatch(language, kind)]


def first_cells(text: str) -> list[str]:
    """The first cell of each row of the tables in ``text``."""
    return [row[1].strip() for row in re.finditer(r"^\| (.+?) \|", text, re.MULTILINE)]


def messages() -> str:
    """Every text in the tool's source, one a line, with an ellipsis for each value that is filled in."""
    texts = []
    for path in (ROOT / "globus_sync_directory").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                pieces = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(map(str, pieces)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub(r"%(?:\.\d)?[sdf]", "…", node.value))
    return "\n".join(texts)


def test_example_config_wants_only_uuids(tmp_path: Path):
    """config.ini.example as it is complains of each UUID; with others in their place it loads, bare of options."""
    text = (ROOT / "config.ini.example").read_text(encoding="utf-8")
    path = tmp_path / "config.ini"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(errors.ConfigError) as caught:
        load_config(path)
    assert [problem.partition(": ")[2].partition(":")[0] for problem in caught.value.problems] == [
        "[globus] clientid",
        "[microscope] src_endpoint",
        "[microscope] dst_endpoint",
    ]
    path.write_text(text.replace("00000000-", "10000000-"), encoding="utf-8")
    config = load_config(path)
    assert config.pairs == (replace(config.pairs[0], name="microscope", max_age=None, exclude=(), time_limit=None),)
    assert not config.sends_mail


def test_every_option_in_the_example_loads(tmp_path: Path):
    """With the "#" taken away in front of every key the example still loads."""
    text = (ROOT / "config.ini.example").read_text(encoding="utf-8").replace("00000000-", "10000000-")
    path = tmp_path / "config.ini"
    path.write_text(re.sub(r"^#(\w+ =)", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    config = load_config(path)
    assert (config.mail.tls, config.mail.port, config.mail.user) == ("starttls", 587, "robot")


def test_example_config_names_every_key():
    """config.ini.example shows every key but ``delete``, which is refused, and the older spelling of another."""
    text = (ROOT / "config.ini.example").read_text(encoding="utf-8")
    shown = set(re.findall(r"^#?(\w+) =", text, re.MULTILINE))
    assert shown == {key for keys in CONFIG_KEYS.values() for key in keys} - {"delete", "recipients"}


def test_configs_in_the_readme_load(tmp_path: Path):
    """Every config shown in the README is accepted as it is."""
    shown = blocks(README, "ini")
    assert shown
    for number, text in enumerate(shown):
        path = tmp_path / f"{number}.ini"
        path.write_text(text, encoding="utf-8")
        load_config(path)


@pytest.mark.parametrize("title", ["Try it", "Test it"])
def test_there_is_one_command_to(title: str):
    """The section holds one fenced block with one command line, which starts from nothing but python3."""
    (block,) = blocks(sections(README)[title])
    (line,) = block.splitlines()
    assert line.startswith("python3 -m venv venv && venv/bin/pip install ")


def test_readme_names_every_config_key():
    """The table of config keys has a row for every section and key."""
    rows = first_cells(sections(README)["The config file"])
    for section, keys in CONFIG_KEYS.items():
        for key in keys:
            name = f"`{key}`" if section == "pair" else f"`[{section}]` `{key}`"
            assert name in rows, f"{name} is missing"


def test_readme_names_every_option_and_variable():
    """The table of options has every option of the command, and the environment variables beside it."""
    text = sections(README)["The command"]
    context = click.Context(command)
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Argument):
            assert "`check`" in text
            continue
        assert ", ".join(f"`{option}`" for option in parameter.opts) in text
        if parameter.envvar:
            assert f"`{parameter.envvar}`" in text


def test_readme_names_every_exit_status():
    """The table of exit statuses has every status of the tool, and no other."""
    known = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    rows = first_cells(sections(README)["Exit statuses"])
    assert {int(row) for row in rows if row.isdigit()} == known


def test_help_names_every_exit_status():
    """``--help`` lists the same exit statuses as the README."""
    told = re.findall(r"^ +(\d+) +\S", command.get_help(click.Context(command)), re.MULTILINE)
    known = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(status) for status in told} == known


def test_readme_explains_every_verdict():
    """The table of verdicts has every verdict with the exit status it asks for, and no other."""
    rows = re.findall(r"^\| (.+?) \| (\d+) \|", sections(README)["Reading the report"], re.MULTILINE)
    told = {(words.strip(" *"), int(status)) for cell, status in rows for words in cell.split(",")}
    assert told == {(verdict.words, verdict.status) for verdict in PairStatus}


def test_messages_are_quoted_as_they_are():
    """Each message in docs/messages.md is one of the tool's; an ellipsis stands for what is filled in."""
    said = messages()
    text = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    quote = re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)
    assert len(quote) > 20
    for message in quote:
        for piece in message.split("…"):
            assert piece.strip() in said, f"no message of the tool holds {piece.strip()!r}"


def test_readme_links_lead_somewhere():
    """Every relative link in the documents leads to a file of the repository, or to a heading of the same document."""
    for name in ("README.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        headings = [line.lstrip("#").strip() for line in outside_blocks(text) if line.startswith("#")]
        anchors = {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith("#"):
                assert target in anchors, f"{name}: no heading for {target}"
            elif "://" not in target:
                assert (ROOT / target).exists(), f"{name}: there is no {target}"


def test_files_that_the_readme_names_exist():
    """Every name of a document, script or source file that stands in the README is one of the repository's."""
    for token in re.findall(r"`([\w./-]+\.(?:md|py|sh|toml|example))`", README):
        assert (ROOT / token).exists(), f"there is no {token}"


def test_changelog_is_about_the_installed_version():
    """The newest heading of the changelog is the version that is installed."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert newest
    assert newest[1] == version("globus_sync_directory")


def test_examples_in_the_readme_are_fresh():
    """What the README shows for each verdict is what the tool says today, word for word."""
    assert README.partition(examples.BEGIN)[2].partition(examples.END)[0] in examples.made()


def test_examples_show_every_verdict():
    """No verdict is without an example."""
    shown = README.partition(examples.BEGIN)[2].partition(examples.END)[0]
    assert set(re.findall(r"^\w[^:]*: +([\w -]+)", shown, re.MULTILINE)) >= {verdict.words for verdict in PairStatus}
