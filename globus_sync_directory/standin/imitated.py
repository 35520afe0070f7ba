"""What the stand-in imitates: every request that it answers, with the SDK's method for it. All else is 501."""

IMITATED = {
    "Globus Auth": {
        "POST /v2/oauth2/token": "oauth2_client_credentials_tokens",
        "POST /v2/oauth2/token/revoke": "oauth2_revoke_token",
        "GET /v2/oauth2/userinfo": "userinfo",
    },
    "Transfer, tasks": {
        "GET /v0.10/submission_id": "get_submission_id",
        "POST /v0.10/transfer": "submit_transfer",
        "POST /v0.10/delete": "submit_delete",
        "GET /v0.10/task_list": "task_list",
        "GET /v0.10/task/ID": "get_task",
        "PUT /v0.10/task/ID": "update_task",
        "POST /v0.10/task/ID/cancel": "cancel_task",
        "GET /v0.10/task/ID/event_list": "task_event_list",
        "GET /v0.10/task/ID/successful_transfers": "task_successful_transfers",
        "GET /v0.10/task/ID/skipped_errors": "task_skipped_errors",
        "GET /v0.10/task/ID/pause_info": "task_pause_info",
    },
    "Transfer, files": {
        "GET /v0.10/endpoint/ID": "get_endpoint",
        "GET /v0.10/operation/endpoint/ID/ls": "operation_ls",
        "GET /v0.10/operation/endpoint/ID/stat": "operation_stat",
        "POST /v0.10/operation/endpoint/ID/mkdir": "operation_mkdir",
        "POST /v0.10/operation/endpoint/ID/rename": "operation_rename",
    },
}


def table() -> str:
    """Return the table in README.md."""
    rows = [
        f"| {service} | `{route}` | `{method}` |" for service, routes in IMITATED.items()
        for route, method in routes.items()
    ]  # fmt: skip
    return "\n".join(["| service | request | method of the SDK |", "| --- | --- | --- |", *rows]) + "\n"
