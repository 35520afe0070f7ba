"""What nobody outside Globus knows for sure about the services; every default is the likeliest reading."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Switches:
    """The settings of one stand-in; replace the value on ``StandIn.switches`` to change them while it runs."""

    changed_body: Literal["duplicate", "refused"] = "duplicate"  # a used submission id comes with another document
    own_submission_ids: bool = True  # ids that the service did not hand out are taken
    submission_id_lifetime: timedelta | None = None  # None: ids are remembered for ever
    identical_paths_refused: bool = True  # 409 while a live task has the same paths
    task_list_lag: timedelta = timedelta(0)  # how long a new task is missing from the list
    unknown_task: Literal[404, 403] = 404
    wrong_secret_status: Literal[400, 401] = 401
    # {"error": "invalid_client"}, or Auth's general error document
    wrong_secret_body: Literal["oauth", "globus"] = "oauth"  # noqa: S105 - no secret, but how its refusal looks
    accepted_status: Literal[200, 202] = 200
    label_limit: int = 128
    stat_supported: bool = True
    rate_metering: bool = False  # 20 requests a second and identity, metered over ten seconds
    token_lifetime: timedelta = timedelta(days=2)
