"""The background thread: twice a second it turns rows into batches, and it sends what waits, oldest first."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from .batcher import Batcher, batches, encode_points
from .courier import Courier, Item, Later, Refused, patch_item
from .names import Names
from .notices import Notices
from .outbox import Outbox
from .resolver import Resolver
from .settings import Settings
from .spool import left_behind
from .sync import Delivered, replay
from .transport import Transport

INTERVAL = 0.5
"""Seconds between two looks at the queue: what `kill -9` may cost at most, and what a chart is behind."""
REST_SHARE = 3
"""After packing for t seconds the thread rests 3 t, so that a very hot loop keeps the interpreter for itself."""
UNREADABLE_PAUSE = 30.0
FOREVER = float("inf")


class Sender:
    """Owns the thread, the outbox and the connection. Its public methods are called by the run."""

    def __init__(
        self,
        settings: Settings,
        run: str,
        fields: Mapping[str, Any],
        batcher: Batcher,
        names: Names,
        notices: Notices,
        resume: Mapping[str, Any] | None,
    ) -> None:
        self.sent = 0
        """Points that the server has confirmed."""
        self.outbox = Outbox(settings.spool_dir, settings.url, run, fields, notices)
        self._online = settings.mode == "online"
        self.outbox.to_disk = not self._online
        self._settings, self._run, self._batcher, self._notices = settings, run, batcher, notices
        self._resolver = Resolver(names, notices.warn)
        self._transport = Transport(settings.url, settings.token)
        self._courier = Courier(self._transport, run, fields)
        self._is_new = resume is None
        self._is_announced = False
        self._leftovers = self._replay_leftovers()
        self._changes: deque[Mapping[str, Any]] = deque([resume] if resume else [])
        self._attempt = 1
        self._pack_at = time.monotonic() + INTERVAL
        self._retry_at = 0.0
        self._wake = threading.Event()
        self._is_closing = False
        self._progress = threading.Condition()
        self._is_flush_wanted = False
        self._rounds_begun = self._rounds_done = 0
        self._abandon = threading.Event()
        self._deadline = FOREVER
        self._thread = threading.Thread(target=self._work, name="normwatch", daemon=True)
        self._thread.start()

    def change_run(self, changes: Mapping[str, Any]) -> None:
        """Sends a change of the run, before the rows that have not been packed yet."""
        self._changes.append(changes)

    def finish(self, changes: Mapping[str, Any], timeout: float) -> None:
        """Sends the rest and then `changes`; returns when all is sent or on disk, about `timeout` seconds later."""
        self._deadline = time.monotonic() + timeout
        self._last_changes = changes
        self._is_closing = True
        self._wake.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._abandon.set()
            self._transport.abort()
            self._thread.join(2.0)

    def flush(self, timeout: float) -> bool:
        """Waits until the server has everything logged so far; False when it has not after `timeout` seconds."""
        if not self._thread.is_alive():
            return not self._waits
        begun = self._rounds_begun
        self._is_flush_wanted = True
        self._retry_at = 0.0
        self._wake.set()
        with self._progress:
            return self._progress.wait_for(lambda: self._rounds_done > begun and not self._waits, timeout)

    def wait(self, timeout: float) -> None:
        """Waits for a `finish` that is under way."""
        self._thread.join(timeout)

    def forget(self) -> None:
        """For the child of a fork: no thread came along, and the connection and the file are the parent's."""
        self.outbox.forget()

    def _work(self) -> None:
        is_over = False
        while not is_over:
            self._wake.clear()
            is_over = self._is_closing
            try:
                self._work_once(is_over)
            except Exception as error:  # a mistake of ours must show, and must not take the training along
                self._notices.warn("thread", f"the background thread failed: {type(error).__name__}: {error}")
                self._pack_at = time.monotonic() + INTERVAL
            if not is_over:
                self._wake.wait(self._pack_at - time.monotonic())
        self.outbox.close()
        self._transport.close()

    def _work_once(self, is_closing: bool) -> None:
        self._rounds_begun += 1
        is_flush, self._is_flush_wanted = self._is_flush_wanted, False
        if is_closing or is_flush or time.monotonic() >= self._pack_at:
            self._pack()
        if is_closing:
            self._close()
        else:
            self._send_until(self._pack_at)
        with self._progress:
            self._rounds_done = self._rounds_begun
            self._progress.notify_all()

    def _close(self) -> None:
        """Sends what waits until the time is up."""
        self.outbox.put(patch_item(self._last_changes))
        self._retry_at = 0.0
        while self._waits and not self._abandon.is_set():
            self._send_until(self._deadline)
            now = time.monotonic()
            if now >= self._deadline:
                return
            self._abandon.wait(min(self._retry_at, self._deadline) - now)

    @property
    def _waits(self) -> bool:
        return self._online and (len(self.outbox) > 0 or not self._is_announced)

    def _pack(self) -> None:
        """Rows logged so far → batches in the outbox."""
        started = time.monotonic()
        while self._changes:
            self.outbox.put(patch_item(self._changes.popleft()))
        blocks = self._resolver.resolve(self._batcher.take())
        for columns in batches(blocks):
            self.outbox.put(Item(encode_points(columns), len(columns["step"])))
        now = time.monotonic()
        rest = REST_SHARE * (now - started) if self._batcher.fill < 0.5 else 0.0
        self._pack_at = max(started + INTERVAL, now + rest)

    def _send_until(self, moment: float) -> None:
        """Sends what waits until `moment`, or until the server wants a pause."""
        while self._waits and self._retry_at <= time.monotonic() < moment and not self._abandon.is_set():
            outcome = self._send_first()
            if isinstance(outcome, Later):
                self._pause(outcome)
            else:
                self._attempt = 1
                self.outbox.to_disk = False

    def _send_first(self) -> Later | None:
        """One try of what is due: what an earlier process of this run left, the run itself, then the outbox."""
        outcome = next(self._leftovers, None)
        if outcome is not None:
            return outcome if isinstance(outcome, Later) else None
        if not self._is_announced:
            return self._announce()
        item = self.outbox.first()
        if item is None:
            return Later(UNREADABLE_PAUSE, "the spool cannot be read")
        delivered = self._courier.deliver(item, self._attempt)
        if isinstance(delivered, Later):
            return delivered
        self.outbox.drop_first()
        if isinstance(delivered, Refused):
            self.outbox.refuse(delivered)
            self.sent += item.points - sum(part.points for part, _ in delivered.parts)
        else:
            self.sent += item.points
        return None

    def _announce(self) -> Later | None:
        outcome, is_made = self._courier.create(self._attempt)
        if isinstance(outcome, Later):
            return outcome
        self._is_announced = True
        if isinstance(outcome, Refused):
            reply = outcome.parts[0][1]
            self._notices.warn("run", f"the server refused the run ({reply.status} {reply.message})")
        elif self._is_new and not is_made and self._attempt == 1:
            self._notices.warn(
                "run exists",
                f"run {self._run} is there already: readings of the same steps replace its own "
                "(resume=True continues it, another id leaves it alone)",
            )
        return None

    def _pause(self, later: Later) -> None:
        self._attempt += 1
        self._retry_at = time.monotonic() + later.delay
        self.outbox.to_disk = True
        self.outbox.spill()
        self._notices.warn(
            "away",
            f"{self._settings.url} does not take readings ({later.reason}): "
            f"they wait in {self._settings.spool_dir} and are sent when it does",
        )

    def _replay_leftovers(self) -> Iterator[Later | Delivered]:
        for path in left_behind(self._settings.spool_dir, self._run):
            yield from replay(path, self._transport, self._notices)
