"""`normwatch sync --follow`: brings trainings that run offline to a server while they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .courier import Later
from .notices import Notices
from .settings import Settings
from .spool import claim, is_own_file, read_head, spool_files, writer_lives
from .sync import Delivered, replay
from .transport import Transport


class Follower:
    """
    Sends the lines of spool files as they are written, and removes the file of a training that is over. It reads what a
    running training writes and never takes its file: it may be on another machine, with a file system in common.
    """

    def __init__(self, settings: Settings, notices: Notices) -> None:
        self._settings = settings
        self._notices = notices
        self._sent_to: dict[Path, int] = {}
        """How many bytes of each file the server has."""

    def round(self) -> Iterator[Later | Delivered]:
        """Sends what is new, up to the first line that could not be delivered: then the caller waits and returns."""
        for path in [path for folder in self._settings.spool_dirs for path in spool_files(folder)]:
            for outcome in self._send_new(path):
                yield outcome
                if isinstance(outcome, Later):
                    return

    def _send_new(self, path: Path) -> Iterator[Later | Delivered]:
        head = read_head(path)
        if head is None or is_own_file(path):
            return
        target, token = self._settings.target(str(head.get("url")))
        if not target:
            return
        start = self._sent_to.pop(path, 0)
        transport = Transport(target, token)
        try:
            is_over = not writer_lives(path, head)
            if is_over:
                path = claim(path)
            self._sent_to[path] = start
            for outcome in replay(path, transport, self._notices, start=start, keep=not is_over):
                if isinstance(outcome, Delivered):
                    self._sent_to[path] = outcome.end
                yield outcome
            if is_over:
                self._sent_to.pop(path, None)
        except FileNotFoundError:
            pass  # another process has taken it
        finally:
            transport.close()
