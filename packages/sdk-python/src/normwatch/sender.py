"""The background thread. Twice a second it packs rows into batches. It sends what waits, oldest first."""

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
"""Seconds between two checks of the queue. `kill -9` loses at most the rows of this time, and charts lag by it."""
REST_SHARE = 3
"""After packing for t seconds the thread sleeps 3 t, so that a very fast loop keeps most of the interpreter's time."""
UNREADABLE_PAUSE = 30.0
MAX_EVENTS_PER_RUN = 10_000
MAX_EVENTS_PER_REQUEST = 100
FOREVER = float("inf")
EMPTY_TIMEOUT = 2.0
"""The most seconds that the end of a run waits for the server if nothing was logged."""
LOCK_TIMEOUT = 2.0
"""Seconds to wait for the outbox lock. The background thread holds it while it reads tensors or writes to disk."""


class Ended(Exception):
    """Another thread has closed the outbox while this one was waiting for the network."""


class Sender:
    """Owns the thread, the outbox and the connection. The run calls its public methods."""

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
        self._pack_at = time.monotonic()  # announce the run at once, because it may be very short
        self._retry_at = 0.0
        # unlike an Event, a SimpleQueue is reentrant: a signal handler may use it while the main thread does
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_closing = self._is_over = False
        self._last_changes: Mapping[str, Any] | None = None
        self._is_empty = False
        self._rows_in_hand = 0
        """Rows that are being packed."""
        # guards the outbox; reentrant, because a signal handler may run in the thread that holds it
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
        except RuntimeError as error:  # no more threads allowed
            self._notices.warn("thread", f"no background thread ({error}): readings wait for finish()")
            return False
        return True

    def change_run(self, changes: Mapping[str, Any]) -> None:
        """Sends a change of the run, before all rows that are not packed yet."""
        self._changes.append(changes)

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Sends an event of the run. A run has at most 10,000."""
        if self._events_added < MAX_EVENTS_PER_RUN:
            self._events_added += 1
            self._events.append(event)
        else:
            self._notices.warn("too many events", f"a run has at most {MAX_EVENTS_PER_RUN} events")

    def _tell(self, step: int, label: str, text: str) -> None:
        self.add_event({"step": step, "label": label, "text": text})

    def finish(self, changes: Mapping[str, Any], timeout: float) -> None:
        """
        Sends the rest, then `changes`. Returns within about `timeout` seconds, with everything sent or on disk. If
        nothing was logged, it does not wait for a server that is away.
        """
        self._last_changes = changes
        self._is_empty = self._batcher.added == 0 and self._events_added == 0
        timeout = min(timeout, EMPTY_TIMEOUT) if self._is_empty else timeout
        self._is_closing = True
        if self._has_thread:
            self.end(timeout)
        else:
            self._deadline = time.monotonic() + timeout
            self._work()

    def end(self, timeout: float) -> None:
        """
        Call this after `finish`. Returns when the background thread is done. After `timeout` seconds, this thread
        writes what is unsent to disk, because the other may wait for the network much longer (DNS, connect, answer).
        """
        self._deadline = min(self._deadline, time.monotonic() + timeout)
        self._wake.put(None)
        if not self._thread.is_alive():
            return
        # not by join: until Python 3.13 a Ctrl-C during it marks the thread as ended, though it still runs
        with self._progress:
            self._progress.wait_for(lambda: self._is_over, max(0.0, timeout))
        if self._is_over:
            self._thread.join(LOCK_TIMEOUT)  # it only closes its connection
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
        """Waits until the server has everything logged so far. False if that takes more than `timeout` seconds."""
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
        """Points that are neither sent nor on disk. After `finish`, those that did not fit on the disk."""
        return self.outbox.points_in_memory + self._batcher.rows + self._rows_in_hand

    def forget(self) -> None:
        """For the child of a fork: it has no thread, and the connection and the file belong to the parent."""
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
        """Turns an exception into a warning: a bug here must be visible, but must not stop the training."""
        try:
            work(*arguments)
        except Ended:
            raise
        except Exception as error:
            self._notices.warn("thread", f"the background thread failed: {type(error).__name__}: {error}")
            self._pack_at = time.monotonic() + INTERVAL

    def _end_here(self) -> None:
        """Call with the lock held. Packs what was logged, and writes what is unsent to disk."""
        if self._is_over:
            return
        self._guard(self._pack)
        self._guard(self.outbox.close)
        self._is_over = True  # set last: a signal handler that interrupts this runs it again and ends the process
        with self._progress:
            self._progress.notify_all()

    @contextlib.contextmanager
    def _on_the_network(self) -> Iterator[None]:
        """Releases the lock during a request. Raises `Ended` if another thread has closed the outbox meanwhile."""
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
            if now >= self._deadline or (self._is_empty and self._retry_at > now):
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
        """Packs the rows logged so far into batches in the outbox, followed by the run's end if it has ended."""
        started = time.monotonic()
        while self._changes:
            self.outbox.put(patch_item(self._changes.popleft()))
        blocks = self._batcher.take()
        self._rows_in_hand = sum(map(len, blocks))
        blocks = self._resolver.resolve(blocks)
        # before the points, so that a finding that these open can name them, such as the batch of a spike
        while self._events:
            count = min(len(self._events), MAX_EVENTS_PER_REQUEST)
            self.outbox.put(events_item([self._events.popleft() for _ in range(count)]))
        for columns in batches(blocks):
            self.outbox.put(points_item(columns))
        self._rows_in_hand = 0
        if self._last_changes is not None:
            self.outbox.put(patch_item(self._last_changes))
            self._last_changes = None
        now = time.monotonic()
        rest = REST_SHARE * (now - started) if self._batcher.fill < 0.5 else 0.0
        self._pack_at = max(started + INTERVAL, now + rest)

    def _send_until(self, moment: float) -> None:
        """Sends what waits, until `moment` or until the server asks for a pause."""
        while self._waits and self._retry_at <= time.monotonic() < moment and not self._abandon.is_set():
            outcome = self._send_first()
            if isinstance(outcome, Later):
                self._pause(outcome)
            else:
                self._attempt = 1
                self.outbox.to_disk = False

    def _send_first(self) -> Later | None:
        """Tries to send the next item: first what earlier processes of this run left, then the run, then the outbox."""
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
            self.sent += item.points - delivered.points
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
                f"run {self._run} already exists: new readings replace those of the same steps. "
                "Use resume=True to continue it, or another id for a new run",
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
            f"they wait in {self.outbox.folder} and are sent later",
        )

    def _replay_leftovers(self) -> Iterator[Later | Delivered]:
        address = RunAddress(self._settings.url, self._run)
        for path in (path for folder in self._settings.spool_dirs for path in abandoned_files(folder, address)):
            with contextlib.suppress(OSError):  # another process has sent it, or it cannot be read: `sync` reports that
                yield from replay(claim(path), self._transport, self._notices)
