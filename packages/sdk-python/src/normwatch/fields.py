"""What `init` sends to the server about a run. An invalid argument is refused and left out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Callable

from .config import read_config
from .optimizers import name_of

Refuse = Callable[[str, str], None]
"""Called for an invalid argument, with its name and the reason."""


def _is_text(value: object, shortest: int, longest: int) -> bool:
    return isinstance(value, str) and shortest <= len(value) <= longest


def _are_tags(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and len(value) <= 64 and all(_is_text(tag, 1, 64) for tag in value) and len(set(value)) == len(value)


def _is_cap(value: object) -> bool:
    """Whether this is a number above 0. NumPy and torch scalars count too."""
    try:
        return not isinstance(value, (bool, str, bytes)) and float(value) > 0  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return False


def is_id(value: object) -> bool:
    """Whether the server accepts this id. Ids are part of addresses, where `.` and `..` mean folders."""
    if not isinstance(value, str) or value == "." or ".." in value:
        return False
    return re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value) is not None


def is_part_name(value: object) -> bool:
    return _is_text(value, 1, 64) and re.search(r"[\x00-\x1f\x7f\ud800-\udfff/]", value) is None  # type: ignore[call-overload]


def event_fault(label: object, text: object) -> tuple[str, str] | None:
    """The invalid argument of an event and the reason, or None."""
    if not _is_text(label, 1, 128) or re.search(r"[\ud800-\udfff]", label):  # type: ignore[call-overload]
        return "label", f"must be 1 to 128 characters of Unicode, not {label!r:.100}"
    if text is not None and not _is_text(text, 0, 2048):
        return "text", "must be at most 2,048 characters"
    return None


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "id": (is_id, "must be 1 to 64 characters of A–Z a–z 0–9 . _ -"),
    "project": (
        lambda value: _is_text(value, 1, 128) and not re.search(r"[\x00-\x1f\ud800-\udfff/]", value),
        'must be 1 to 128 characters without "/"',
    ),
    "name": (lambda value: _is_text(value, 1, 256), "must be 1 to 256 characters"),
    "max_norm": (_is_cap, "must be a number above 0"),
    "clip_value": (_is_cap, "must be a number above 0"),
    "tags": (_are_tags, "must be at most 64 different texts of 1 to 64 characters"),
    "notes": (lambda value: _is_text(value, 0, 65_536), "must be a text of at most 65,536 characters"),
}


def take(argument: str, value: Any, refuse: Refuse) -> Any:
    """The value if its rule allows it, else None."""
    if value is None:
        return None
    is_valid, rule = RULES[argument]
    if is_valid(value):
        return value
    refuse(argument, f"{rule}, not {value!r:.100}")
    return None


def run_fields(
    refuse: Refuse, optimizer: Any, max_norm: Any, clip_value: Any, config: Any, **arguments: Any
) -> dict[str, Any]:
    """The body of the run's `PUT`. A field that is not given is left out, so that an existing run keeps its value."""
    fields = {name: take(name, value, refuse) for name, value in arguments.items()}
    fields["clip"] = clip_of(max_norm, clip_value, refuse)
    if optimizer is not None:
        fields["optimizer"] = name_of(optimizer)
    if config is not None:
        fields["config"] = read_config(config, refuse)
    if fields.get("tags") is not None:
        fields["tags"] = list(fields["tags"])
    return {name: value for name, value in fields.items() if value not in (None, "")}


def clip_of(max_norm: Any, clip_value: Any, refuse: Refuse) -> dict[str, Any] | None:
    """How a run or a part clips. An infinite cap means no clipping: the norm is only logged."""
    max_norm, clip_value = take("max_norm", max_norm, refuse), take("clip_value", clip_value, refuse)
    if max_norm is not None and clip_value is not None:
        refuse("clip_value", "cannot be combined with max_norm: a run clips in one way")
    for name, mode, cap in (("max_norm", "norm", max_norm), ("clip_value", "value", clip_value)):
        if cap is not None:
            return {"mode": "none"} if float(cap) == math.inf else {"mode": mode, name: float(cap)}
    return None
