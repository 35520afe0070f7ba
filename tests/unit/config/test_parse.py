"""The text of config.ini as a whole: what it says, and every problem at once with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from globus_sync_directory.config.keys import CONFIG_KEYS
from globus_sync_directory.config.secret_file import MOVE_SECRET
from globus_sync_directory.config.settings import MailServer
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel

from .samples import BOTH, CLIENT, GLOBUS, LAB, ONE, TWO, accepted, lines

CONTINUES = "an indented line continues the value"


def test_the_least_a_pair_needs() -> None:
    """Ids in lower case, the source's path on both sides or else the top, and comparison by checksum."""
    config = accepted(BOTH)
    assert config.client_id == CLIENT.lower()
    images = Directory(collection=ONE, path="/images")
    assert config.pairs == (Pair(name="lab", source=images, destination=Directory(collection=TWO, path="/images")),)
    (pair,) = accepted(BOTH.replace("src_path = /images\n", "")).pairs
    assert (pair.source.path, pair.destination.path) == ("/", "/")


def test_every_key() -> None:
    """Each key is read, and lists may go over several lines."""
    text = (
        f"# comment\n; another\n[globus]\nclientid: {CLIENT}\n[schedule]\ntimelimitmins = 300\n"
        "[notification]\nemail = a@example.org,\n  b@example.org\nsmtp_host = mail.example.org\nsmtp_port = 2525\n"
        "smtp_tls = STARTTLS\nsmtp_user = robot\nsmtp_password_file = password\nfrom = robot@example.org\n"
        f"[lab; 100% #1]\nsrc_endpoint = {ONE}\nsrc_path = /~/50% of; all #1/\ndst_endpoint = {TWO}\n"
        "dst_path = archive\nsync_level = exists\ntimelimitmins = 600\nmax_age = 36h\n"
        "exclude = *.tmp, .DS_Store,\n  scratch/\nemail = lab@example.org\nallow_empty = yes\ndelete = False\n"
    )
    config = accepted(text)
    assert config.email == ("a@example.org", "b@example.org")
    assert config.mail == MailServer(
        host="mail.example.org",
        port=2525,
        tls="starttls",
        user="robot",
        password_file=Path("/etc/password"),
        sender="robot@example.org",
    )
    assert config.pairs == (
        Pair(
            name="lab; 100% #1",
            source=Directory(collection=ONE, path="/~/50% of; all #1"),
            destination=Directory(collection=TWO, path="/archive"),
            sync_level=SyncLevel.EXISTS,
            time_limit=timedelta(hours=10),
            max_age=timedelta(hours=36),
            exclude=("*.tmp", ".DS_Store", "scratch/"),
            email=("lab@example.org",),
            allow_empty=True,
        ),
    )
    assert {key for keys in CONFIG_KEYS.values() for key in keys} - {"recipients"} == {
        line.partition("=")[0].partition(":")[0].strip() for line in text.splitlines() if line[0] not in "#;[ "
    }


def test_a_file_of_the_original_tool() -> None:
    """The original's spelling loads: [email] recipients, keys in any case, delete = no."""
    config = accepted(
        f"[globus]\nClientID = {CLIENT}\n[email]\nrecipients = lab@example.org\n[schedule]\ntimelimitmins = 300\n"
        f"[EXAMPLE]\nsrc_endpoint = {ONE}\nsrc_path = /\ndst_endpoint = {TWO}\n"
        "dst_path = /out\nsync_level = size\ndelete = no\n"
    )
    assert config.email == ("lab@example.org",)
    assert config.pairs[0].time_limit == timedelta(minutes=300)


def test_both_spellings_of_email() -> None:
    """[notification] email and [email] recipients add up."""
    text = BOTH + "[email]\nrecipients = b@example.org\n[notification]\nemail = a@example.org\n"
    assert accepted(text).email == ("a@example.org", "b@example.org")


def test_default_section_serves_the_pairs_only() -> None:
    """[DEFAULT] gives its keys to every pair that lacks them, wherever it is, and to no other section."""
    text = f"{GLOBUS}[one]\nsrc_endpoint = {ONE}\nexclude =\n[two]\nsrc_endpoint = {ONE}\nsync_level = mtime\n"
    text += f"dst_path = /two\n[DEFAULT]\ndst_endpoint = {TWO}\ndst_path = /one\nsync_level = size\nexclude = x\n"
    text += "timelimitmins = 7\nemail = d@example.org\n"
    config = accepted(text)
    one, two = config.pairs
    assert (one.sync_level, one.exclude, one.destination.path) == (SyncLevel.SIZE, (), "/one")
    assert (two.sync_level, two.exclude, two.destination.path) == (SyncLevel.MTIME, ("x",), "/two")
    assert (one.time_limit, one.email, config.email) == (timedelta(minutes=7), ("d@example.org",), ())


@pytest.mark.parametrize(
    ("keys", "port"), [("", 25), ("smtp_tls = none\n", 25), ("smtp_tls = tls\n", 465), ("smtp_tls = starttls\n", 587)]
)
def test_port_of_the_mail_server(keys: str, port: int) -> None:
    """Without smtp_port, the port follows from smtp_tls."""
    assert accepted(f"{BOTH}[notification]\n{keys}").mail.port == port


@pytest.mark.parametrize("host", ["", "smtp_host = localhost\n", "smtp_host = 127.0.0.1\n", "smtp_host = ::1\n"])
def test_a_password_without_tls_on_this_host(host: str) -> None:
    """A password may go to this host's own mail server as it is."""
    text = f"{BOTH}[notification]\n{host}smtp_user = robot\nsmtp_password_file = /x\n"
    assert accepted(text).mail.password_file == Path("/x")


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    """Every problem with file, line, section, key and what to do."""
    text = GLOBUS + f"[lab]\nsrc_endpoint = {ONE}\nsync_leval = checksum\ndst_endpoint = x\nsync_level = mtimes\n"
    text += "max_age = 1y\ndelete = true\n[schedule]\ntimelimitmins = 0\n"
    found = [line.split(": ", 2)[:2] for line in lines(text)]
    assert found == [
        ["config.ini:5", "[lab] sync_leval"],
        ["config.ini:6", "[lab] dst_endpoint"],
        ["config.ini:7", "[lab] sync_level"],
        ["config.ini:8", "[lab] max_age"],
        ["config.ini:9", "[lab] delete"],
        ["config.ini:11", "[schedule] timelimitmins"],
    ]


NO_PAIR = "no pair; add a section such as [microscope] with src_endpoint and dst_endpoint"
NO_SOURCE = "src_endpoint is missing; it is the UUID of the collection to copy from"
NO_DESTINATION = "dst_endpoint is missing; it is the UUID of the collection to copy to"
NO_CLIENT = "[globus]: clientid is missing; it is the UUID of your Globus application"
PAIR_KEYS = (
    "src_endpoint, src_path, dst_endpoint, dst_path, sync_level, timelimitmins, max_age, exclude, email, allow_empty"
)
NOT_A_SECTION = "is not a section; write only a name in brackets on this line"
WITHOUT_TLS = "without TLS the password can be intercepted; set smtp_tls to starttls or tls"
NEITHER_END = [f":8: [two]: {NO_SOURCE}", f":8: [two]: {NO_DESTINATION}"]
MAIL = f"{BOTH}[notification]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what is missing
        (LAB, [f": {NO_CLIENT}"]),
        ("[globus]\n" + LAB, [f":1: {NO_CLIENT}"]),
        ("[globus]\nclientid =\n" + LAB, [":2: [globus] clientid: no value; add one or remove the line"]),
        (GLOBUS, [f": {NO_PAIR}"]),
        (f"{GLOBUS}[DEFAULT]\n", [f": {NO_PAIR}"]),
        (f"{GLOBUS}[lab]\nsrc_endpoint = {ONE}\n", [f":3: [lab]: {NO_DESTINATION}"]),
        (f"{GLOBUS}[lab]\n", [f":3: [lab]: {NO_SOURCE}", f":3: [lab]: {NO_DESTINATION}"]),
        # unknown keys and sections
        (BOTH + "sync_leval = x\n", [":7: [lab] sync_leval: unknown key; did you mean sync_level?"]),
        (BOTH + "sync = x\n", [f":7: [lab] sync: unknown key; known keys: {PAIR_KEYS}"]),
        (BOTH + "[schedule]\ndaily = 3\n", [":8: [schedule] daily: unknown key; known keys: timelimitmins"]),
        (BOTH + "[schedule]\ntimelimit = 3\n", [":8: [schedule] timelimit: unknown key; did you mean timelimitmins?"]),
        (f"{GLOBUS}[DEFAULT]\nsrc_paht = /\n{LAB}", [":4: [DEFAULT] src_paht: unknown key; did you mean src_path?"]),
        (BOTH + "[shedule]\nx = 3\n", [":7: [shedule]: unknown section; did you mean [schedule]?"]),
        (BOTH + "[Globus]\n", [":7: [Globus]: unknown section; did you mean [globus]?"]),
        (BOTH + "[default]\nsrc_path = /\n", [":7: [default]: unknown section; did you mean [DEFAULT]?"]),
        # secrets in the wrong place
        (f"[globus]\nclientsecret = x\nclientid = {CLIENT}\n{LAB}", [f":2: [globus] clientsecret: {MOVE_SECRET}"]),
        (f"{GLOBUS}client_secret = x\n{LAB}", [f":3: [globus] client_secret: {MOVE_SECRET}"]),
        # values: one of each kind here, the rest in test_values
        (BOTH + "dst_path =\n", [":7: [lab] dst_path: no value; add one or remove the line"]),
        (BOTH + "dst_path = “/a b”\n", [":7: [lab] dst_path: remove the quotes around '/a b'"]),
        (BOTH + "sync_level = 'size'\n", [":7: [lab] sync_level: remove the quotes around 'size'"]),
        (
            BOTH + 'dst_path = "/a" # mine\n',
            [":7: [lab] dst_path: remove the quotes around '/a\" # mine'; a comment needs a line of its own"],
        ),
        (
            BOTH + "max_age = 2d ; two days\n",
            [
                ":7: [lab] max_age: '2d ; two days' is not an age such as 90m, 36h, 2d or 1w; "
                "a comment needs a line of its own"
            ],
        ),
        (BOTH + "exclude = x, “*.tmp”\n", [":7: [lab] exclude: remove the quotes around '*.tmp'"]),
        # lines and indentation
        (BOTH + "dst_path = /a\n  /b\n  /c\n", [f":7: [lab] dst_path: {CONTINUES}; write the value on one line"]),
        (BOTH + "dst_path =\n  /b\n", [f":7: [lab] dst_path: {CONTINUES}; write the value on one line"]),
        (
            BOTH + "exclude = x\n  max_age = 2d\n",
            [f":8: [lab] exclude: {CONTINUES} above; remove the extra spaces before 'max_age = 2d'"],
        ),
        (
            BOTH + "exclude = x\n  [schedule]\n  timelimitmins = 3\n",
            [f":8: [lab] exclude: {CONTINUES} above; remove the extra spaces before '[schedule]'"],
        ),
        *(
            (
                f"{BOTH}exclude = x\n  {header}\n",
                [f":8: [lab] exclude: {CONTINUES} above; remove the extra spaces before '{header}'",
                 f":8: '{header}' {NOT_A_SECTION}", *NEITHER_END],
            )
            for header in ("[two", "[two] # mine", "[two];mine", "[two] mine")
        ),
        # headers
        (BOTH.replace("[lab]", "[lab"), [f":3: '[lab' {NOT_A_SECTION}"]),
        (BOTH.replace("[lab]", "[lab] # mine"), [f":3: '[lab] # mine' {NOT_A_SECTION}"]),
        (BOTH + LAB, [":7: duplicate section [lab], first defined on line 3"]),
        (BOTH + GLOBUS, [":7: duplicate section [globus], first defined on line 1"]),
        (f"[globus]\n{LAB}{GLOBUS}", [":6: duplicate section [globus], first defined on line 1"]),
        (BOTH + "src_path = /x\n", [":7: [lab] src_path: duplicate key, first defined on line 5"]),
        (
            BOTH.replace("[lab]", "[la\u202eb]"),
            [":3: [la\u202eb]: the name contains a control character or an invisible character"],
        ),
        # mail
        (MAIL + "smtp_user = a\n", [":8: [notification] smtp_user: smtp_password_file is missing; "
                                    "add it or remove this line"]),
        (MAIL + "smtp_password_file = a\n", [":8: [notification] smtp_password_file: smtp_user is missing; "
                                             "add it or remove this line"]),
        (
            MAIL + "smtp_host = mail.example.org\nsmtp_user = a\nsmtp_password_file = x\n",
            [f":9: [notification] smtp_user: {WITHOUT_TLS}"],
        ),
        (
            MAIL + "smtp_host = mail.example.org\nsmtp_tls = tsl\nsmtp_user = a\nsmtp_password_file = x\n",
            [":9: [notification] smtp_tls: 'tsl' is not one of none, starttls, tls"],
        ),
        # conflicts: the rest in test_conflicts
        (
            BOTH.replace(TWO, ONE),
            [
                ":3: [lab]: the destination '/images' overlaps '/images', its own source, on the same collection; "
                "choose another directory"
            ],
        ),
    ],
)  # fmt: skip
def test_problems(text: str, expected: list[str]) -> None:
    """Each fault gives its own lines, and no others that only follow from it."""
    assert lines(text) == [f"config.ini{problem}" for problem in expected]


def test_a_pair_with_a_bad_value_is_not_compared() -> None:
    """A path that is not known cannot conflict."""
    found = lines(BOTH.replace("/images", "/a//b") + LAB.replace("[lab]", "[two]"))
    assert [line.partition(": ")[0] for line in found] == ["config.ini:5"]
    found = lines(f"[DEFAULT]\ndst_path = /out\n{BOTH}{LAB.replace('[lab]', '[two]')}dst_path = /a//b\n")
    assert [line.partition(": ")[0] for line in found] == ["config.ini:13"]
