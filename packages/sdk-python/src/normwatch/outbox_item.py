"""What waits in the outbox: one batch of points or one change of the run; also one line of a spool file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .batcher import Columns, encode_points
from .numbers import encode_json


@dataclass(frozen=True)
class OutboxItem:
    """`line` is JSON: `{"columns": …}` with its number of points, or `{"patch": …}` with none."""

    line: bytes
    points: int

    def halves(self) -> tuple[OutboxItem, OutboxItem]:
        """The two halves of a batch of at least two points."""
        columns: Columns = json.loads(self.line)["columns"]
        middle = self.points // 2
        return _part(columns, 0, middle), _part(columns, middle, self.points)

    def for_older_server(self) -> OutboxItem | None:
        """What says the same to a server that does not know the status `preempted` yet, else None."""
        if self.points > 0:
            return None
        changes = json.loads(self.line)["patch"]
        return patch_item({**changes, "status": "failed"}) if changes.get("status") == "preempted" else None


def points_item(columns: Columns) -> OutboxItem:
    """A batch of points."""
    return OutboxItem(encode_points(columns), len(columns["step"]))


def patch_item(changes: Mapping[str, Any]) -> OutboxItem:
    """A change of the run, for `PATCH /runs/{id}`."""
    return OutboxItem(encode_json({"patch": changes}).encode(), 0)


def _part(columns: Columns, start: int, end: int) -> OutboxItem:
    part = {name: column[start:end] for name, column in columns.items()}
    return OutboxItem(encode_json({"columns": part}).encode(), end - start)
