"""What nobody outside Globus knows for sure about the services; every default is the likeliest reading."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, kw_only=True)
class Switches:
    """The settings of one stand-in; replace the value on ``StandIn.switches`` to change them while it runs."""

    changed_body: Literal["duplicate", "refused"] = "duplicate"  # a used submission id comes with another document
    own_submission_ids: bool = True  # ids that the service did not hand out are taken
    submission_id_lifetime: timedelta | None = None  # None: ids are remembered for ever
    identical_paths_refused: bool = True  # 409 while a live task has the same paths ...
    identical_paths_code: str = "ClientError.Conflict"  # ... with this code
    task_list_lag: timedelta = timedelta(0)  # how long a new task is missing from the list
    unknown_task: Literal[404, 403] = 404
    wrong_secret_status: Literal[400, 401] = 401
    # {"error": "invalid_client"}, or Auth's general error document
    wrong_secret_body: Literal["oauth", "globus"] = "oauth"  # noqa: S105 - no secret, but how its refusal looks
    accepted_status: Literal[200, 202] = 200
    label_limit: int = 128
    stat_supported: bool = True
    missing_source: Literal["retried", "fatal"] = "retried"  # what a source that is not there is for a transfer
    cancel_error: Literal["canceled", "none"] = "canceled"  # whether a cancelled task has a fatal_error
    rate_metering: bool = False  # 20 requests a second and identity, metered over ten seconds ...
    rate_limit_status: Literal[429, 503] = 429  # ... and the answer to one too many
    token_lifetime: timedelta = timedelta(days=2)
    records_kept: timedelta = timedelta(days=90)  # how long a finished task can be asked for


NAMES = tuple(field.name.replace("_", "-") for field in fields(Switches))


def switched(switches: Switches, name: str, value: str) -> Switches:
    """
    Return the switches with one set from text, as ``unknown-task``, ``403``.

    Times are seconds, or "never" where that can be; truths are yes and no. Raises ValueError with a sentence.
    """
    if name not in NAMES:
        raise ValueError(f"no switch {name!r}; there are {', '.join(NAMES)}")
    field = name.replace("-", "_")
    kind = get_type_hints(Switches)[field]
    values: dict[str, Any] = {"yes": True, "no": False} if kind is bool else {}
    if get_origin(kind) is Literal:
        values = {str(choice): choice for choice in get_args(kind)}
    elif type(None) in get_args(kind):
        values = {"never": None}
    counted = kind is int or timedelta in (kind, *get_args(kind))
    chosen: Any
    if value in values:
        chosen = values[value]
    elif kind is str and value:
        chosen = value
    elif counted and value.isascii() and value.isdecimal() and len(value) < 10:
        chosen = int(value) if kind is int else timedelta(seconds=int(value))
    else:
        wanted = [*values, *(["a number"] if counted else [])] or ["a word"]
        raise ValueError(f"switch {name} is {' or '.join(wanted)}, not {value!r}")
    return replace(switches, **{field: chosen})
