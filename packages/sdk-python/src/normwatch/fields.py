"""What `init` tells the server about a run. An argument that cannot be used is refused and left out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

Refuse = Callable[[str, str], None]
"""Told of an argument that cannot be used: its name, and why."""


def _is_text(value: object, shortest: int, longest: int) -> bool:
    return isinstance(value, str) and shortest <= len(value) <= longest


def _are_tags(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and len(value) <= 64 and all(_is_text(tag, 1, 64) for tag in value) and len(set(value)) == len(value)


def _is_cap(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value) is not None


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "id": (is_id, "must be 1 to 64 characters of A–Z a–z 0–9 . _ -"),
    "project": (
        lambda value: _is_text(value, 1, 128) and not re.search(r"[\x00-\x1f/]", value),
        'must be 1 to 128 characters without "/"',
    ),
    "name": (lambda value: _is_text(value, 1, 256), "must be 1 to 256 characters"),
    "max_norm": (_is_cap, "must be a number above 0"),
    "clip_value": (_is_cap, "must be a number above 0"),
    "config": (
        lambda value: isinstance(value, Mapping) and len(value) <= 512,
        "must be a mapping of at most 512 fields",
    ),
    "tags": (_are_tags, "must be at most 64 different texts of 1 to 64 characters"),
    "notes": (lambda value: _is_text(value, 0, 65_536), "must be a text of at most 65,536 characters"),
}


def take(argument: str, value: Any, refuse: Refuse) -> Any:
    """The value where its rule allows it, else None."""
    if value is None:
        return None
    is_valid, rule = RULES[argument]
    if is_valid(value):
        return value
    refuse(argument, f"{rule}, not {value!r:.100}")
    return None


def run_fields(refuse: Refuse, optimizer: Any, max_norm: Any, clip_value: Any, **arguments: Any) -> dict[str, Any]:
    """The body of the run's `PUT`; a field that was not given is left out, so that an existing run keeps its own."""
    fields = {name: take(name, value, refuse) for name, value in arguments.items()}
    fields["clip"] = _clip(take("max_norm", max_norm, refuse), take("clip_value", clip_value, refuse), refuse)
    if optimizer is not None:
        fields["optimizer"] = (optimizer if isinstance(optimizer, str) else type(optimizer).__name__.lower())[:128]
    if fields.get("config") is not None:
        try:
            fields["config"] = {str(key)[:256]: _json_safe(value) for key, value in fields["config"].items()}
        except Exception as error:  # a custom mapping, for example one with missing values
            refuse("config", f"cannot be read: {type(error).__name__}: {error}")
            fields["config"] = None
    if fields.get("tags") is not None:
        fields["tags"] = list(fields["tags"])
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _clip(max_norm: float | None, clip_value: float | None, refuse: Refuse) -> dict[str, Any] | None:
    """An infinite cap means no clipping: the norm is only logged."""
    if max_norm is not None and clip_value is not None:
        refuse("clip_value", "cannot stand beside max_norm: a run clips in one way")
    if max_norm is not None:
        return {"mode": "none"} if max_norm == math.inf else {"mode": "norm", "max_norm": float(max_norm)}
    if clip_value is not None:
        return {"mode": "none"} if clip_value == math.inf else {"mode": "value", "clip_value": float(clip_value)}
    return None


def _json_safe(value: Any) -> Any:
    """The value as JSON can carry it; what it cannot carry becomes text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return str(value)
