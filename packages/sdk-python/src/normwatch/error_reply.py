"""Normwatch's own error replies. Their test cases are in `packages/protocol/fixtures/retry.json`."""

from __future__ import annotations

import re
from typing import Any

CODE = re.compile(r"[a-z][a-z0-9_]*")
"""Every code of Normwatch is a word like this, also those of servers newer than this SDK."""


def read_error_code(body: Any) -> str | None:
    """
    The code of a body, if the body has the form of Normwatch's error replies. Gateways answer with errors too, but in
    other forms. Their errors say nothing about the request, so they must not count as refusals.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None
    code, details = error.get("code"), error.get("details")
    is_ours = (
        isinstance(code, str)
        and CODE.fullmatch(code) is not None
        and isinstance(error.get("message"), str)
        and isinstance(details, list)
        and all(_is_detail(detail) for detail in details)
    )
    return code if is_ours else None


def _is_detail(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("path"), str) and isinstance(value.get("message"), str)
