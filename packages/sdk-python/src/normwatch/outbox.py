"""What waits to be sent, oldest first: the lines of the spool file, then what is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .courier import Refused
from .notices import Notices
from .outbox_item import OutboxItem
from .spool import SpoolFile, keep_refused

MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""Bytes of encoded batches: reached only where the disk cannot be written either. Past that, the newest are dropped."""


class Outbox:
    """Belongs to the background thread. Never raises: a full or missing disk is a warning."""

    def __init__(
        self,
        directory: Path,
        url: str,
        run: str,
        fields: Mapping[str, Any],
        notices: Notices,
        max_memory: int = MAX_MEMORY_BYTES,
        fallback: Path | None = None,
    ) -> None:
        self._spool = SpoolFile(directory, url, run, fields)
        self._fallback = fallback
        self._notices = notices
        self._memory: deque[OutboxItem] = deque()
        self._memory_bytes = 0
        self._max_memory = max_memory
        self.to_disk = False
        """Set while the server is away: new items go to the spool file at once."""
        self.dropped = 0
        """Points dropped because there was room neither on disk nor in memory."""
        self.refused = 0
        """Points that the server refused and that are kept in the refused file."""

    def __len__(self) -> int:
        return len(self._spool) + len(self._memory)

    @property
    def unsent(self) -> int:
        """Unsent points on disk."""
        return self._spool.points

    @property
    def points_in_memory(self) -> int:
        """Points that are neither sent nor on disk."""
        return sum(item.points for item in self._memory)

    @property
    def spool(self) -> Path | None:
        """The spool file, where it holds unsent items."""
        return self._spool.path if len(self._spool) else None

    def put(self, item: OutboxItem) -> None:
        self._memory.append(item)
        self._memory_bytes += len(item.line)
        if self.to_disk or len(self._spool):
            self.spill()
        while self._memory_bytes > self._max_memory:
            last = self._memory.pop()
            self._memory_bytes -= len(last.line)
            self.dropped += last.points
            self._notices.warn("dropped", "neither the server nor the disk accepts readings: the newest are dropped")

    def first(self) -> OutboxItem | None:
        """The oldest item; it stays until `drop_first`."""
        if len(self._spool):
            try:
                return OutboxItem(*self._spool.first())
            except OSError as error:
                self._notices.warn("spool unreadable", f"the spool file {self._spool.path} cannot be read: {error}")
                return None
        return self._memory[0] if self._memory else None

    def drop_first(self) -> None:
        """Removes the oldest item: it is sent, or refused."""
        if len(self._spool):
            try:
                self._spool.drop_first()
            except OSError as error:
                self._notices.warn("spool unreadable", f"the spool file {self._spool.path} cannot be read: {error}")
        else:
            self._memory_bytes -= len(self._memory.popleft().line)

    def refuse(self, refused: Refused) -> None:
        """Warns once with the server's message and keeps the refused items in a file, for a person to look at."""
        for item, reply in refused.parts:
            if item.is_events:
                self._notices.warn("events", f"the server does not take events ({reply.status} {reply.message})")
                continue
            words = {"status": reply.status, "code": reply.code, "message": reply.message}
            self._notices.warn(
                f"refused {reply.code}",
                f"the server refused readings ({reply.status} {reply.message}); kept in {self._spool.path.parent}",
            )
            self.refused += item.points
            self._keep_refused(item, words)

    def _keep_refused(self, item: OutboxItem, words: Mapping[str, Any]) -> None:
        try:
            keep_refused(self._spool.path, self._spool.head_line(), item.line, words)
        except OSError as error:
            if self._moves(error):
                self._keep_refused(item, words)
            else:
                self._disk_trouble(error)

    def spill(self) -> None:
        """Moves items from memory to the spool file, as far as the disk has room."""
        while self._memory:
            item = self._memory[0]
            try:
                self._spool.append(item.line, item.points)
            except OSError as error:
                if self._moves(error):
                    continue
                self._disk_trouble(error)
                return
            self._memory.popleft()
            self._memory_bytes -= len(item.line)

    def close(self) -> None:
        """Writes what is left to disk, as far as it has room, and leaves it there."""
        self.spill()
        try:
            self._spool.close()
        except OSError as error:
            self._disk_trouble(error)

    def forget(self) -> None:
        """For the child of a fork: everything here belongs to the parent."""
        self._spool.forget()
        self._memory.clear()

    @property
    def folder(self) -> Path:
        """The folder of the spool."""
        return self._spool.path.parent

    def _moves(self, error: OSError) -> bool:
        """Whether the spool goes to its other folder, because it could not be begun in the first."""
        if self._fallback is None or self._spool.is_open:
            return False
        folder, other, self._fallback = self.folder, self._fallback, None
        try:
            self._spool.move(other)
        except OSError:
            return False
        self._notices.warn("folder", f"the spool in {folder} cannot be written ({error}): readings wait in {other}")
        return True

    def _disk_trouble(self, error: OSError) -> None:
        self._notices.warn(
            "spool",
            f"the spool in {self._spool.path.parent} cannot be written ({error}): readings wait in memory",
        )
