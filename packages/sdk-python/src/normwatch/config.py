"""
Converts the settings of a program to a run's config: JSON values within the bounds of the server. Each value that JSON
cannot represent becomes text. All other values stay as they are.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, MutableMapping, Sequence, Set
from itertools import islice
from pathlib import PurePath
from typing import Any, Callable

from .numbers import encode_json, encode_number
from .settings_entries import entries_of, entries_of_holder, is_omegaconf

MAX_KEYS = 512
MAX_KEY_LENGTH = 256
MAX_DEPTH = 32
"""The most levels of dictionaries and lists, including the config itself."""
MAX_BYTES = 64 * 1024
"""The most bytes of the config as JSON."""
MAX_TEXT = 4096
MAX_VALUES = MAX_BYTES // 2
"""The most values within one value of the config. Each takes at least two bytes, as `0,` does."""
MAX_ITEMS = 1024
"""Of one list."""
Refuse = Callable[[str, str], None]


def read_config(config: Any, refuse: Refuse) -> dict[str, Any] | None:
    """
    The config of a run from a dictionary, `argparse.Namespace`, dataclass, OmegaConf, pydantic model or any object with
    attributes. What exceeds the server's bounds is cut, and `refuse` is called with what was left out. None if the
    config cannot be read.
    """
    try:
        entries = entries_of(config)
    except Exception as error:
        refuse("config", f"cannot be read: {type(error).__name__}: {error}")
        return None
    if not isinstance(entries, Mapping):
        refuse("config", f"must be a mapping, a namespace, a dataclass or the like, not {type(config).__name__}")
        return None
    return _fit(entries, refuse)


def _fit(entries: Mapping[Any, Any], refuse: Refuse) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    left_out: list[str] = []
    room = MAX_BYTES - 2
    for key, value in entries.items():
        name = _key(key)
        try:
            plain = _Conversion().value(value, MAX_DEPTH - 1) if len(kept) < MAX_KEYS else None
            size = len(encode_json({name: plain}).encode())
        except _TooLarge:
            size = MAX_BYTES
        if len(kept) >= MAX_KEYS or size > room:
            left_out.append(name)
            continue
        kept[name] = plain
        room -= size
    if left_out:
        some = ", ".join(left_out[:5]) + (", …" if len(left_out) > 5 else "")
        refuse(
            "config", f"is cut to {MAX_KEYS} keys and {MAX_BYTES // 1024} KiB: {len(left_out)} are left out ({some})"
        )
    return kept


def plain_value(value: Any, levels: int) -> Any:
    """One value as JSON can represent it, at most `levels` deep. Never raises."""
    try:
        return _Conversion().value(value, levels)
    except _TooLarge:
        return f"<{type(value).__name__} of more than {MAX_VALUES} values>"


class _TooLarge(Exception):
    """A value that cannot fit into `MAX_BYTES`."""


class _Conversion:
    """Converts one value. Counts the values within, as objects that share parts can stand for any number of them."""

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._above: set[int] = set()
        """The collections that contain the current value, by `id`."""

    def value(self, value: Any, levels: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _TooLarge
        try:
            return self._plain(value, levels)
        except _TooLarge:
            raise
        except Exception as error:
            return f"<{type(value).__name__}: {type(error).__name__}>"

    def _plain(self, value: Any, levels: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _shortened(value)
        if isinstance(value, enum.Enum):
            return self._plain(value.value, levels)
        if isinstance(value, int):
            return int(value) if abs(value) < 2**53 else str(value)
        if isinstance(value, float):
            return encode_number(float(value))
        if isinstance(value, PurePath):
            return str(value)
        entries = entries_of_holder(value)
        if entries is not None:
            return self._collection(value, entries, levels)
        if is_omegaconf(value):  # a config that is None
            return None
        if isinstance(value, (Sequence, Set)) and not isinstance(value, (bytes, bytearray, memoryview)):
            return self._collection(value, value, levels)
        number = _as_number(value)
        if number is not None:
            return number
        if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
            return f"{value.__module__}.{value.__qualname__}"
        shape = getattr(value, "shape", None)
        if shape is not None:
            return f"<{type(value).__name__} of shape {tuple(shape)}>"
        entries = entries_of(value) if hasattr(value, "to_dict") else None
        if entries is not None:
            return self._collection(value, entries, levels)
        return _shortened(str(value))

    def _collection(self, owner: Any, value: Any, levels: int) -> Any:
        """`value`: the entries of `owner`, which may be itself."""
        if id(owner) in self._above:
            return f"<{type(owner).__name__} that contains itself>"
        if levels <= 0:
            return f"<{type(owner).__name__} nested too deeply>"
        self._above.add(id(owner))
        try:
            if isinstance(value, Mapping):
                return {_key(key): self.value(inner, levels - 1) for key, inner in value.items()}
            items = sorted(value, key=str) if isinstance(value, Set) else value
            more = [] if len(items) <= MAX_ITEMS else [f"… {len(items) - MAX_ITEMS} more"]
            return [self.value(inner, levels - 1) for inner in islice(items, MAX_ITEMS)] + more
        finally:
            self._above.discard(id(owner))


def _key(key: Any) -> str:
    try:
        return str(key)[:MAX_KEY_LENGTH]
    except Exception:
        return f"<{type(key).__name__}>"


def _as_number(value: Any) -> Any:
    """The number in a scalar of NumPy, torch or JAX, else None."""
    if not callable(getattr(value, "item", None)) or getattr(value, "ndim", 0) != 0:
        return None
    number = value.item()
    if isinstance(number, (bool, str)):
        return number
    if isinstance(number, (int, float)):
        return encode_number(number) if math.isfinite(number) or isinstance(number, float) else number
    return None


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


class RunConfig(MutableMapping[str, Any]):
    """The config of a run, as a dictionary. `update` and assignment send the whole config to the server again."""

    def __init__(self, entries: Mapping[str, Any], change: Callable[[dict[str, Any]], None], refuse: Refuse) -> None:
        self._entries = dict(entries)
        self._change = change
        self._refuse = refuse

    def update(self, *given: Any, **entries: Any) -> None:
        """Adds entries from a mapping, namespace, dataclass or similar object, and from keyword arguments."""
        new: dict[str, Any] = {}
        for source in given:
            new.update(read_config(source, self._refuse) or {})
        self._set({**self._entries, **new, **entries})

    def _set(self, entries: Mapping[str, Any]) -> None:
        self._entries = _fit(entries, self._refuse)
        self._change({"config": dict(self._entries)})

    def __getitem__(self, key: str) -> Any:
        return self._entries[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._set({**self._entries, key: value})

    def __delitem__(self, key: str) -> None:
        self._set({name: value for name, value in self._entries.items() if name != key})

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)
