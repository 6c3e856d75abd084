"""An item of the outbox: a batch of points, a change of the run, or events. Also one line of a spool file."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .batcher import Columns, encode_points
from .numbers import encode_json


@dataclass(frozen=True)
class OutboxItem:
    """`line` is JSON: `{"columns": …}`, `{"patch": …}` or `{"events": […]}`. `points` is 0 except for columns."""

    line: bytes
    points: int

    def halves(self) -> tuple[OutboxItem, OutboxItem]:
        """The two halves of a batch of at least two points."""
        columns: Columns = json.loads(self.line)["columns"]
        middle = self.points // 2
        return _part(columns, 0, middle), _part(columns, middle, self.points)

    @property
    def names(self) -> list[str]:
        """The names of a batch's readings."""
        return [name for name in json.loads(self.line)["columns"] if name not in ("step", "time")]

    def of_names(self, names: Container[str]) -> OutboxItem | None:
        """The readings of these names of a batch. None if it has no such reading."""
        columns: Columns = json.loads(self.line)["columns"]
        kept = {name: column for name, column in columns.items() if name in names}
        rows = [i for i, row in enumerate(zip(*kept.values())) if any(value is not None for value in row)]
        if not rows:
            return None
        own = [name for name in ("step", "time") if name in columns]
        share = {name: [columns[name][i] for i in rows] for name in (*own, *kept)}
        return OutboxItem(encode_json({"columns": share}).encode(), len(rows))

    @property
    def is_events(self) -> bool:
        return self.line.startswith(b'{"events"')

    def for_older_server(self) -> OutboxItem | None:
        """The item changed for an older server without parts and the status `preempted`, or None if nothing changes."""
        if self.points > 0 or self.is_events:
            return None
        changes = json.loads(self.line)["patch"]
        older = {name: value for name, value in changes.items() if name != "parts"}
        if older.get("status") == "preempted":
            older["status"] = "failed"
        return patch_item(older) if older != changes else None


def points_item(columns: Columns) -> OutboxItem:
    """A batch of points."""
    return OutboxItem(encode_points(columns), len(columns["step"]))


def events_item(events: Sequence[Mapping[str, Any]]) -> OutboxItem:
    """Events of the run, for `POST /runs/{id}/events`."""
    return OutboxItem(encode_json({"events": events}).encode(), 0)


def patch_item(changes: Mapping[str, Any]) -> OutboxItem:
    """A change of the run, for `PATCH /runs/{id}`."""
    return OutboxItem(encode_json({"patch": changes}).encode(), 0)


def _part(columns: Columns, start: int, end: int) -> OutboxItem:
    part = {name: column[start:end] for name, column in columns.items()}
    return OutboxItem(encode_json({"columns": part}).encode(), end - start)
