"""Brings one item to the server: a batch of points, or a change of the run. Shared by the live thread and by `sync`."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Union

from .batcher import Columns
from .numbers import encode_json
from .retry import Reply, decide
from .transport import Transport

API = "/api/v1"


@dataclass(frozen=True)
class Item:
    """A line of the spool: `{"columns": …}` with its number of points, or `{"patch": …}` with none."""

    line: bytes
    points: int


@dataclass(frozen=True)
class Later:
    """Not delivered: try again after `delay` seconds."""

    delay: float
    reason: str


@dataclass(frozen=True)
class Refused:
    """Never to be sent again as it is; `parts` are the lines refused, with the server's words."""

    parts: list[tuple[Item, Reply]]


Outcome = Union[Later, Refused, None]
"""None: delivered, all of it."""


def patch_item(changes: Mapping[str, Any]) -> Item:
    return Item(encode_json({"patch": changes}).encode(), 0)


class Courier:
    """Sends items of one run. `fields` is the body of the `PUT` that makes the run where the server lacks it."""

    def __init__(
        self,
        transport: Transport,
        run: str,
        fields: Mapping[str, Any],
        chance: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._transport = transport
        self._run_path = f"{API}/runs/{run}"
        self._fields = fields
        self._chance = chance

    def create(self, attempt: int) -> tuple[Outcome, bool]:
        """`PUT` of the run; also tells whether the server made it just now."""
        reply = self._transport.request("PUT", self._run_path, encode_json(self._fields).encode())
        outcome = self._read(reply, attempt, Item(b"", 0))
        return outcome, reply.status == 201

    def deliver(self, item: Item, attempt: int) -> Outcome:
        """Tries once, as far as creating the run and halving the points are part of one try."""
        reply = self._request(item)
        action = decide(reply, attempt, item.points).action
        if action == "create":
            outcome, _ = self.create(attempt)
            if outcome is not None:
                return Refused([(item, reply)]) if isinstance(outcome, Refused) else outcome
            reply = self._request(item)
            if decide(reply, attempt, item.points).action == "create":
                # just made, and unknown again: somebody deletes it, or the server is not in order
                return self._later(Reply(None, message=reply.message), attempt)
            action = decide(reply, attempt, item.points).action
        if action == "split":
            return self._deliver_halves(item, attempt)
        return self._read(reply, attempt, item)

    def _deliver_halves(self, item: Item, attempt: int) -> Outcome:
        refused: list[tuple[Item, Reply]] = []
        for half in _halves(item):
            outcome = self.deliver(half, attempt)
            if isinstance(outcome, Later):
                return outcome
            if isinstance(outcome, Refused):
                refused += outcome.parts
        return Refused(refused) if refused else None

    def _request(self, item: Item) -> Reply:
        if item.points > 0:
            return self._transport.request("POST", f"{self._run_path}/points", item.line)
        return self._transport.request("PATCH", self._run_path, encode_json(json.loads(item.line)["patch"]).encode())

    def _read(self, reply: Reply, attempt: int, item: Item) -> Outcome:
        action = decide(reply, attempt, item.points).action
        if action == "done":
            return None
        if action == "retry":
            return self._later(reply, attempt)
        return Refused([(item, reply)])

    def _later(self, reply: Reply, attempt: int) -> Later:
        answer = f"{reply.status} {reply.message}" if reply.status else reply.message
        return Later(self._chance(*decide(reply, attempt, 0).delay), answer)


def _halves(item: Item) -> tuple[Item, Item]:
    columns: Columns = json.loads(item.line)["columns"]
    middle = item.points // 2
    return _part(columns, 0, middle), _part(columns, middle, item.points)


def _part(columns: Columns, start: int, end: int) -> Item:
    part = {name: column[start:end] for name, column in columns.items()}
    return Item(encode_json({"columns": part}).encode(), end - start)
