"""`normwatch sync --follow`: sends offline trainings to a server while they run."""

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
    Sends the lines of spool files as they are written, and removes the file of a training that has ended. It only reads
    the file of a running training and never claims it, because the training may run on another machine that shares the
    file system.
    """

    def __init__(self, settings: Settings, notices: Notices) -> None:
        self._settings = settings
        self._notices = notices
        self._sent_to: dict[Path, int] = {}
        """How many bytes of each file were sent."""

    def round(self) -> Iterator[Later | Delivered]:
        """Sends new lines, up to the first that could not be delivered. The caller then waits and calls this again."""
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
            pass  # another process has claimed it
        finally:
            transport.close()
