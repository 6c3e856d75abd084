"""Items that wait to be sent, oldest first: the lines of the spool file, then the items in memory."""

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
"""The most bytes of encoded batches in memory. Only reached if the disk fails too; then the newest are dropped."""


class Outbox:
    """Used by the background thread. Never raises: a full or missing disk is a warning."""

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
        """Set while the server is unreachable. New items then go straight to the spool file."""
        self.dropped = 0
        """Points dropped because disk and memory were full."""
        self.refused = 0
        """Points that the server refused. They are kept in the refused file."""

    def __len__(self) -> int:
        return len(self._spool) + len(self._memory)

    @property
    def unsent(self) -> int:
        """Unsent points on disk."""
        return self._spool.points

    @property
    def points_in_memory(self) -> int:
        """Points that are not sent and not on disk."""
        return sum(item.points for item in self._memory)

    @property
    def spool(self) -> Path | None:
        """The spool file if it holds unsent items, else None."""
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
        """The oldest item. It stays until `drop_first`."""
        if len(self._spool):
            try:
                return OutboxItem(*self._spool.first())
            except OSError as error:
                self._notices.warn("spool unreadable", f"the spool file {self._spool.path} cannot be read: {error}")
                return None
        return self._memory[0] if self._memory else None

    def drop_first(self) -> None:
        """Removes the oldest item, after it was sent or refused."""
        if len(self._spool):
            try:
                self._spool.drop_first()
            except OSError as error:
                self._notices.warn("spool unreadable", f"the spool file {self._spool.path} cannot be read: {error}")
        else:
            self._memory_bytes -= len(self._memory.popleft().line)

    def refuse(self, refused: Refused) -> None:
        """Warns once with the server's message, and keeps the refused items in a file for inspection."""
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
        """Moves items from memory to the spool file until the disk is full."""
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
        """Writes the rest to disk until the disk is full, and closes the file."""
        self.spill()
        try:
            self._spool.close()
        except OSError as error:
            self._disk_trouble(error)

    def forget(self) -> None:
        """For the child of a fork: drops everything without writing, because it belongs to the parent."""
        self._spool.forget()
        self._memory.clear()

    @property
    def folder(self) -> Path:
        """The folder of the spool."""
        return self._spool.path.parent

    def _moves(self, error: OSError) -> bool:
        """Moves the spool to its fallback folder if the first one cannot be written. Returns whether it did."""
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
