"""Encodes numbers for the wire. JSON has no NaN or ±Infinity, so these three are sent as strings."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Union

WireNumber = Union[float, str, None]

encode_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""JSON text without spaces. Raises ValueError on NaN or infinity."""


def encode_number(value: float | None) -> WireNumber:
    """The wire form of a reading. None (no reading) stays None."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def decode_number(value: object) -> float | None:
    """The float of a wire value, or None if it is not a number. True, "" and "0.5" are not converted."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
    return None


def encode_column(values: Sequence[float | None]) -> str:
    """The JSON text of a column. Fast (C code) if every reading is finite."""
    try:
        return encode_json(values)
    except ValueError:
        return encode_json([encode_number(value) for value in values])
