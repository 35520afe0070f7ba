"""How the imitated service behaves where nobody outside Globus knows; each default is the most likely behaviour."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """The options of one stand-in; assign another value to ``StandIn.behaviour`` to change them while it runs."""

    changed_body: Literal["duplicate", "refused"] = "duplicate"  # a used submission id comes with another document
    own_submission_ids: bool = True  # accept ids that the service did not hand out
    submission_id_lifetime: timedelta | None = None  # None: ids never expire
    identical_paths_refused: bool = True  # 409 while a live task has the same paths ...
    identical_paths_code: str = "Conflict"  # ... with this code
    task_list_lag: timedelta = timedelta(0)  # how long a new task is missing from the list
    unknown_task: Literal[404, 403] = 404
    wrong_secret_status: Literal[400, 401] = 401
    # the general error document of Globus Auth, or {"error": "invalid_client"}
    wrong_secret_body: Literal["globus", "oauth"] = "globus"  # noqa: S105 - not a secret, but the form of an error
    accepted_status: Literal[200, 202] = 200
    label_limit: int = 128
    error_details: Literal["text", "json"] = "text"  # the details of an event about an error
    # What a server said, CR LF written as these four characters "\r\n", as "%0D%0A", or as it is. "recorded" is
    # "percent" in JSON and in skipped_errors, and otherwise "escaped".
    line_ends: Literal["recorded", "escaped", "percent", "crlf"] = "recorded"
    stat_supported: bool = True
    missing_source: Literal["retried", "fatal"] = "retried"  # what a transfer does without its source
    cancel_error: Literal["canceled", "none"] = "canceled"  # whether a cancelled task has a fatal_error
    rate_metering: bool = False  # at most 20 requests a second per identity, measured over ten seconds ...
    rate_limit_status: Literal[429, 503] = 429  # ... and the answer to one request too many
    token_lifetime: timedelta = timedelta(days=2)
    records_kept: timedelta = timedelta(days=90)  # how long a finished task can be asked for


OPTION_NAMES = tuple(field.name.replace("_", "-") for field in fields(Behaviour))


def with_option(behaviour: Behaviour, name: str, text: str) -> Behaviour:
    """
    Return the behaviour with one option set from text, as ``unknown-task``, ``403``.

    Times are seconds, or "never" where that is possible; truth values are yes and no. Raises ValueError.
    """
    if name not in OPTION_NAMES:
        raise ValueError(f"unknown option {name!r}; the options are {', '.join(OPTION_NAMES)}")
    field = name.replace("-", "_")
    kind = get_type_hints(Behaviour)[field]
    words = _words(kind)
    is_number = kind is int or timedelta in (kind, *get_args(kind))
    value: Any
    if text in words:
        value = words[text]
    elif kind is str and text:
        value = text
    elif is_number and text.isascii() and text.isdecimal() and len(text) < 10:
        value = int(text) if kind is int else timedelta(seconds=int(text))
    else:
        expected = [*words, *(["a number"] if is_number else [])] or ["a word"]
        raise ValueError(f"option {name} must be {' or '.join(expected)}, not {text!r}")
    return replace(behaviour, **{field: value})


def _words(kind: Any) -> dict[str, Any]:
    """Return the values of a type that are written as a word, by that word."""
    if kind is bool:
        return {"yes": True, "no": False}
    if get_origin(kind) is Literal:
        return {str(choice): choice for choice in get_args(kind)}
    return {"never": None} if type(None) in get_args(kind) else {}
