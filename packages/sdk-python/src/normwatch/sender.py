"""The background thread: twice a second it packs rows into batches, and it sends what waits, oldest first."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from .batcher import Batcher, batches
from .courier import Courier, Later, Refused
from .names import Names
from .notices import Notices
from .outbox import Outbox
from .outbox_item import events_item, patch_item, points_item
from .resolver import Resolver
from .settings import Settings
from .spool import RunAddress, abandoned_files, claim
from .sync import Delivered, replay
from .transport import Transport

INTERVAL = 0.5
"""Seconds between two looks at the queue: at most this much is lost to `kill -9`, and charts lag by it."""
REST_SHARE = 3
"""After packing for t seconds the thread rests 3 t, so that a very fast loop keeps most of the interpreter's time."""
UNREADABLE_PAUSE = 30.0
MAX_EVENTS = 10_000
MAX_EVENTS_PER_REQUEST = 100
FOREVER = float("inf")
LOCK_TIMEOUT = 2.0
"""Seconds to wait for the outbox lock: the background thread holds it while it reads tensors or writes to disk."""


class Ended(Exception):
    """Another thread has closed the outbox while this one was waiting for the network."""


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
        self.outbox = Outbox(
            settings.spool_dir, settings.url, run, fields, notices, fallback=settings.fallback_spool_dir
        )
        self._online = settings.mode == "online"
        self.outbox.to_disk = not self._online
        self._settings, self._run, self._batcher, self._notices = settings, run, batcher, notices
        self._events: deque[Mapping[str, Any]] = deque()
        self._events_added = 0
        self._resolver = Resolver(names, notices.warn, self._tell)
        self._transport = Transport(settings.url, settings.token)
        self._courier = Courier(self._transport, run, fields)
        self._is_new = resume is None
        self._is_announced = False
        self._leftovers = self._replay_leftovers()
        self._changes: deque[Mapping[str, Any]] = deque([resume] if resume else [])
        self._attempt = 1
        self._pack_at = time.monotonic()  # the run is announced at once: it may live for a moment only
        self._retry_at = 0.0
        # unlike an Event, a SimpleQueue may be used by a signal handler that interrupts another use of it
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_closing = self._is_over = False
        self._last_changes: Mapping[str, Any] | None = None
        # guards the outbox; reentrant, for a signal handler in the same thread
        self._outbox_lock = threading.RLock()
        self._progress = threading.Condition()
        self._is_flush_wanted = False
        self._rounds_begun = self._rounds_done = 0
        self._abandon = threading.Event()
        self._deadline = FOREVER
        self._thread = threading.Thread(target=self._work, name="normwatch", daemon=True)
        self._has_thread = self._start()

    def _start(self) -> bool:
        try:
            self._thread.start()
        except RuntimeError as error:  # a limit on threads
            self._notices.warn("thread", f"no background thread ({error}): readings wait for finish()")
            return False
        return True

    def change_run(self, changes: Mapping[str, Any]) -> None:
        """Sends a change of the run, before the rows that have not been packed yet."""
        self._changes.append(changes)

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Sends an event of the run; a run has at most 10,000."""
        if self._events_added < MAX_EVENTS:
            self._events_added += 1
            self._events.append(event)
        else:
            self._notices.warn("too many events", f"a run has at most {MAX_EVENTS} events")

    def _tell(self, step: int, label: str, text: str) -> None:
        self.add_event({"step": step, "label": label, "text": text})

    def finish(self, changes: Mapping[str, Any], timeout: float) -> None:
        """Sends the rest and then `changes`; returns when all is sent or on disk, about `timeout` seconds later."""
        self._last_changes = changes
        self._is_closing = True
        if self._has_thread:
            self.end(timeout)
        else:
            self._deadline = time.monotonic() + timeout
            self._work()

    def end(self, timeout: float) -> None:
        """
        After `finish` was called: returns when the background thread is done, or after `timeout` seconds. Then this
        thread writes what is unsent to disk: the other may wait for the network much longer (DNS, connect, answer).
        """
        self._deadline = min(self._deadline, time.monotonic() + timeout)
        self._wake.put(None)
        if self._thread.is_alive():
            self._thread.join(max(0.0, timeout))
        if not self._thread.is_alive():
            return
        self._abandon.set()
        self._transport.abort()
        if self._outbox_lock.acquire(timeout=LOCK_TIMEOUT):
            try:
                self._end_here()
            finally:
                self._outbox_lock.release()
        else:
            self._notices.warn(
                "stuck", "the background thread does not respond: readings that it had not written yet are lost"
            )

    def flush(self, timeout: float) -> bool:
        """Waits until the server has everything logged so far; False where it has not after `timeout` seconds."""
        if not self._thread.is_alive():
            return self._has_all
        begun = self._rounds_begun
        self._is_flush_wanted = True
        self._retry_at = 0.0
        self._wake.put(None)
        with self._progress:
            self._progress.wait_for(lambda: self._is_over or (self._rounds_done > begun and not self._waits), timeout)
            return (self._is_over or self._rounds_done > begun) and self._has_all

    @property
    def points_in_memory(self) -> int:
        """Points that are neither sent nor on disk: after `finish`, those for which the disk had no room."""
        return self.outbox.points_in_memory + self._batcher.rows

    def forget(self) -> None:
        """For the child of a fork: the thread is not there, and the connection and the file belong to the parent."""
        self.outbox.forget()

    def _work(self) -> None:
        try:
            while not self._is_over:
                is_closing = self._is_closing
                with self._outbox_lock:
                    self._guard(self._work_once, is_closing)
                    if is_closing:
                        self._end_here()
                if not is_closing:
                    self._rest()
        except Ended:
            pass
        self._transport.close()

    def _rest(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._wake.get(timeout=max(0.0, self._pack_at - time.monotonic()))

    def _guard(self, work: Callable[..., None], *arguments: Any) -> None:
        """A bug here must show, and must not stop the training."""
        try:
            work(*arguments)
        except Ended:
            raise
        except Exception as error:
            self._notices.warn("thread", f"the background thread failed: {type(error).__name__}: {error}")
            self._pack_at = time.monotonic() + INTERVAL

    def _end_here(self) -> None:
        """With the lock held: packs what was logged, and writes what is unsent to disk."""
        if self._is_over:
            return
        self._guard(self._pack)
        self._guard(self.outbox.close)
        self._is_over = True  # last: a signal handler that interrupts this runs it again, and ends the process
        with self._progress:
            self._progress.notify_all()

    @contextlib.contextmanager
    def _on_the_network(self) -> Iterator[None]:
        """Releases the lock meanwhile. Raises `Ended` when another thread has closed the outbox."""
        self._outbox_lock.release()
        try:
            yield
        finally:
            self._outbox_lock.acquire()
            if self._is_over:
                raise Ended

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
        self._retry_at = 0.0
        while self._waits and not self._abandon.is_set():
            self._send_until(self._deadline)
            now = time.monotonic()
            if now >= self._deadline:
                return
            with self._on_the_network():
                self._abandon.wait(min(self._retry_at, self._deadline) - now)

    @property
    def _has_all(self) -> bool:
        return self._online and not self._waits

    @property
    def _waits(self) -> bool:
        return self._online and (len(self.outbox) > 0 or not self._is_announced)

    def _pack(self) -> None:
        """Rows logged so far → batches in the outbox; after the last of them, how the run ended."""
        started = time.monotonic()
        while self._changes:
            self.outbox.put(patch_item(self._changes.popleft()))
        blocks = self._resolver.resolve(self._batcher.take())
        for columns in batches(blocks):
            self.outbox.put(points_item(columns))
        while self._events:
            count = min(len(self._events), MAX_EVENTS_PER_REQUEST)
            self.outbox.put(events_item([self._events.popleft() for _ in range(count)]))
        if self._last_changes is not None:
            self.outbox.put(patch_item(self._last_changes))
            self._last_changes = None
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
        """One try of what is next: what an earlier process of this run left, the run itself, then the outbox."""
        with self._on_the_network():
            outcome = next(self._leftovers, None)
        if outcome is not None:
            return outcome if isinstance(outcome, Later) else None
        if not self._is_announced:
            return self._announce()
        item = self.outbox.first()
        if item is None:
            return Later(UNREADABLE_PAUSE, "the spool cannot be read")
        with self._on_the_network():
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
        with self._on_the_network():
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
                f"run {self._run} already exists: readings of the same steps replace its own "
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
            f"{self._settings.url} does not accept readings ({later.reason}): "
            f"they wait in {self.outbox.folder} and are sent when it does",
        )

    def _replay_leftovers(self) -> Iterator[Later | Delivered]:
        address = RunAddress(self._settings.url, self._run)
        for path in (path for folder in self._settings.spool_dirs for path in abandoned_files(folder, address)):
            with contextlib.suppress(OSError):  # another process has sent it, or it cannot be read: `sync` reports that
                yield from replay(claim(path), self._transport, self._notices)
