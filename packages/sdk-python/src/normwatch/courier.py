"""Sends one outbox item to the server. Shared by the background thread and by `sync`."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable, Union

from .numbers import encode_json
from .outbox_item import OutboxItem
from .retry import Reply, decide
from .transport import Transport

API = "/api/v1"
CHANCE = random.Random().uniform
"""Of a generator of our own: the program's own must draw the same numbers as without us."""


@dataclass(frozen=True)
class Later:
    """Not delivered: try again after `delay` seconds."""

    delay: float
    reason: str


@dataclass(frozen=True)
class Refused:
    """Must not be sent again unchanged. `parts` are the refused items, each with the server's reply."""

    parts: list[tuple[OutboxItem, Reply]]
    points: int
    """The points of which the server has stored nothing."""


Outcome = Union[Later, Refused, None]
"""None: delivered, all of it."""


class Courier:
    """Sends items of one run. `fields` is the body of the `PUT` that creates the run if the server does not know it."""

    def __init__(
        self,
        transport: Transport,
        run: str,
        fields: Mapping[str, Any],
        chance: Callable[[float, float], float] = CHANCE,
    ) -> None:
        self._transport = transport
        self._run_path = f"{API}/runs/{run}"
        self._fields = fields
        self._chance = chance
        self._refused_names: dict[str, Reply] = {}
        """Names of readings that the run cannot have, because it has too many others."""

    def create(self, attempt: int) -> tuple[Outcome, bool]:
        """Sends the `PUT` of the run. Also returns whether this created the run."""
        reply = self._ask("PUT", self._run_path, encode_json(self._fields).encode(), "id")
        outcome = self._read(reply, attempt, OutboxItem(b"", 0))
        return outcome, reply.status == 201

    def deliver(self, item: OutboxItem, attempt: int) -> Outcome:
        """
        One try, which includes creating an unknown run, halving a batch that is too large, and leaving out readings of
        names that the run cannot have.
        """
        if item.points > 0 and self._refused_names:
            known = item.names
            refused = [name for name in known if name in self._refused_names]
            if refused and len(known) > 1:
                return self._deliver_names(item, [[name for name in known if name not in refused], refused], attempt)
            if refused:
                return Refused([(item, self._refused_names[refused[0]])], item.points)
        reply = self._request(item)
        action = decide(reply, attempt, item.points).action
        if action == "create":
            outcome, _ = self.create(attempt)
            if outcome is not None:
                return Refused([(item, reply)], item.points) if isinstance(outcome, Refused) else outcome
            reply = self._request(item)
            if decide(reply, attempt, item.points).action == "create":
                # just created and unknown again: the run is being deleted, or the server is broken
                return self._later(Reply(None, message=reply.message), attempt)
            action = decide(reply, attempt, item.points).action
        if action == "split":
            return self._deliver_halves(item, attempt)
        if action == "narrow":
            return self._narrow(item, reply, attempt)
        older = item.for_older_server() if action == "refuse" else None
        if older is not None:
            return self.deliver(older, attempt)
        return self._read(reply, attempt, item)

    def _deliver_halves(self, item: OutboxItem, attempt: int) -> Outcome:
        refused: list[tuple[OutboxItem, Reply]] = []
        points = 0
        for half in item.halves():
            outcome = self.deliver(half, attempt)
            if isinstance(outcome, Later):
                return outcome
            if isinstance(outcome, Refused):
                refused += outcome.parts
                points += outcome.points
        return Refused(refused, points) if refused else None

    def _narrow(self, item: OutboxItem, reply: Reply, attempt: int) -> Outcome:
        """Finds the names that the run cannot have, by halves, and sends the other readings."""
        names = item.names
        if len(names) == 1:
            self._refused_names[names[0]] = reply
            return Refused([(item, reply)], item.points)
        middle = len(names) // 2
        return self._deliver_names(item, [names[:middle], names[middle:]], attempt)

    def _deliver_names(self, item: OutboxItem, shares: list[list[str]], attempt: int) -> Outcome:
        """Sends the readings of some names after those of others."""
        refused: list[tuple[OutboxItem, Reply]] = []
        stored = 0
        for names in shares:
            share = item.of_names(names)
            outcome = None if share is None else self.deliver(share, attempt)
            if isinstance(outcome, Later):
                return outcome
            if isinstance(outcome, Refused):
                refused += outcome.parts
            if share is not None:
                stored = max(stored, share.points - (outcome.points if isinstance(outcome, Refused) else 0))
        return Refused(refused, item.points - stored) if refused else None

    def _request(self, item: OutboxItem) -> Reply:
        if item.points > 0:
            return self._ask("POST", f"{self._run_path}/points", item.line, "accepted")
        if item.is_events:
            return self._ask("POST", f"{self._run_path}/events", item.line, "accepted")
        return self._ask("PATCH", self._run_path, encode_json(json.loads(item.line)["patch"]).encode(), "id")

    def _ask(self, method: str, path: str, body: bytes, answer: str) -> Reply:
        """`answer`: a field that Normwatch's answer has. A 2xx without it is that of a gateway."""
        reply = self._transport.request(method, path, body)
        is_ours = reply.code is not None or answer in self._transport.last_body
        return reply if is_ours else replace(reply, readable=False)

    def _read(self, reply: Reply, attempt: int, item: OutboxItem) -> Outcome:
        action = decide(reply, attempt, item.points).action
        if action == "done":
            return None
        if action == "retry":
            return self._later(reply, attempt)
        return Refused([(item, reply)], item.points)

    def _later(self, reply: Reply, attempt: int) -> Later:
        answer = f"{reply.status} {reply.message}" if reply.status else reply.message
        return Later(self._chance(*decide(reply, attempt, 0).delay), answer)
