"""Hides secrets in what is recorded without being asked for."""

from __future__ import annotations

import re

HIDDEN = "(hidden)"
_PASSWORD_IN_ADDRESS = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")


def without_passwords(text: str) -> str:
    """The text without the passwords of addresses in it: `postgres://user:(hidden)@host`."""
    return _PASSWORD_IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
