"""Flattens nested dictionaries of readings: `{"train": {"loss": 1.0}}` becomes `train/loss`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 8
WHOLE = frozenset(("layers",))
"""Readings that are dictionaries and are not flattened."""


def flatten(data: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """A dictionary of one level, with names joined by "/". Dictionaries below 8 levels are not flattened."""
    out: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and name not in WHOLE and depth < MAX_DEPTH:
            out.update(flatten(value, f"{name}/", depth + 1))
        else:
            out[name] = value
    return out
