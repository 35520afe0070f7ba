"""What a service says of itself when it cannot answer now, such as during maintenance."""

from __future__ import annotations

from globus_sdk import GlobusAPIError

from globus_sync_directory.text import quote, shorten

_LONGEST_TEXT = 300  # characters; it may say until when


def own_words(error: GlobusAPIError) -> str:
    """Return the text for people in an error reply, as the end of a sentence; empty if there is none."""
    document = error.raw_json if isinstance(error.raw_json, dict) else {}
    texts = (error.message, document.get("error_description"), document.get("error"), error.text)
    said = next((text for text in texts if isinstance(text, str) and _is_sentence(text)), "")
    return f": {quote(shorten(said, _LONGEST_TEXT))}" if said else ""


def _is_sentence(text: str) -> bool:
    """Return whether a text is for people: no code of one word, no JSON, no web page."""
    return " " in text.strip() and text.strip()[0] not in '<{["'
