"""What a service says of itself when it cannot answer now, such as during maintenance."""

from __future__ import annotations

from globus_sdk import GlobusAPIError

from globus_sync_directory.text import quote, shorten

_LONGEST_TEXT = 300  # characters; it may say until when


def own_words(error: GlobusAPIError) -> str:
    """Return the text for people in an error reply, as the end of a sentence; empty if there is none."""
    document = error.raw_json if isinstance(error.raw_json, dict) else {}
    texts = (error.message, document.get("error_description"))
    said = next((shown for text in texts if isinstance(text, str) and (shown := shorten(text, _LONGEST_TEXT))), "")
    return f": {quote(said)}" if said else ""
