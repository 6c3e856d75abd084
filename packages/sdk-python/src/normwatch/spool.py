"""
Files of what could not be sent yet: one for one run of one process, one JSON object a line.
Format: `packages/protocol/fixtures/README.md`; either SDK's `sync` can send what the other wrote.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from .numbers import encode_json

SUFFIX = ".ndjson"
REFUSED_SUFFIX = ".refused.ndjson"
MAX_LINE_BYTES = 64 * 1024 * 1024
SILENT = 600.0
"""Seconds without a line after which a writer that cannot be asked counts as gone."""


_open_here: set[Path] = set()


class SpoolFile:
    """A file that one process writes and reads back in order. Every method may raise OSError."""

    def __init__(self, directory: Path, url: str, run: str, fields: Mapping[str, Any]) -> None:
        self.path = directory / f"{run}.{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._about = {
            "normwatch": 1,
            "url": url,
            "run": run,
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        self._fields = fields
        self._fd: int | None = None
        self._reader: BinaryIO | None = None
        self._read_at = 0
        self._end = 0
        self._waiting: deque[int] = deque()

    def __len__(self) -> int:
        """Lines not sent yet."""
        return len(self._waiting)

    @property
    def points(self) -> int:
        """Points in the lines not sent yet."""
        return sum(self._waiting)

    def append(self, line: bytes, points: int) -> None:
        """Adds a line after the others: whole, or, when the disk is full, not at all."""
        if self._fd is None:
            self._create()
        self._write(line + b"\n")
        self._waiting.append(points)

    def first(self) -> tuple[bytes, int]:
        """The oldest line not sent yet, and its points."""
        return self._read_first()[:-1], self._waiting[0]

    def drop_first(self) -> None:
        """The oldest line is dealt with. The file goes with its last line."""
        self._read_at += len(self._read_first())
        self._waiting.popleft()
        if not self._waiting:
            self.forget()
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leaves on disk the lines that are not sent, and only those."""
        if self._fd is None:
            return
        if self._read_at > len(self.head_line()):
            rest = self.path.with_suffix(".tmp")
            reader = self._reader_at(self._read_at)
            with rest.open("wb") as out:
                out.write(self.head_line())
                shutil.copyfileobj(reader, out)
            rest.replace(self.path)
        self.forget()

    def forget(self) -> None:
        """Closes the file and leaves it as it is: in the child of a fork it belongs to the parent."""
        if self._reader is not None:
            self._reader.close()
        if self._fd is not None:
            os.close(self._fd)
        self._fd = self._reader = None
        _open_here.discard(self.path)

    def head_line(self) -> bytes:
        return encode_json({**self._about, "fields": self._fields}).encode() + b"\n"

    def _read_first(self) -> bytes:
        return self._reader_at(self._read_at).readline()

    def _reader_at(self, place: int) -> BinaryIO:
        assert self._fd is not None
        # the same descriptor: what was written can be read even where somebody has deleted the file
        self._reader = self._reader or os.fdopen(self._fd, "rb", closefd=False)
        self._reader.seek(place)
        return self._reader

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        _open_here.add(self.path)
        self._end = 0
        try:
            self._write(self.head_line())
        except OSError:
            self.forget()
            self.path.unlink(missing_ok=True)
            raise
        self._read_at = self._end

    def _write(self, text: bytes) -> None:
        """Straight to the operating system, so that it survives kill -9. A part that did fit is taken back."""
        assert self._fd is not None
        os.lseek(self._fd, self._end, os.SEEK_SET)
        try:
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os.ftruncate(self._fd, self._end)
            raise
        self._end += len(text)


def keep_refused(spool: Path, head: bytes, line: bytes, refused: Mapping[str, Any]) -> Path:
    """Appends a line that the server refused, with its words, to the refused file beside `spool`."""
    path = spool.with_name(spool.name[: -len(SUFFIX)] + REFUSED_SUFFIX)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab") as out:
        if out.tell() == 0:
            out.write(head)
        out.write(line.rstrip()[:-1] + b',"refused":' + encode_json(refused).encode() + b"}\n")
    return path


def left_behind(directory: Path, run: str | None = None, even_if_alive: bool = False) -> Iterator[Path]:
    """Spool files, oldest first, whose writer is gone; of one run, or of all."""
    for path in sorted(spool_files(directory, run), key=_written_at):
        head = read_head(path)
        if head is None or path in _open_here:
            continue
        if even_if_alive or not writer_lives(path, head):
            yield path


def spool_files(directory: Path, run: str | None = None) -> list[Path]:
    """The files of one run, or of all, but for what was refused."""
    files = [path for path in directory.glob(f"{run or '*'}.*{SUFFIX}") if not path.name.endswith(REFUSED_SUFFIX)]
    return files if run is None else [path for path in files if (read_head(path) or {}).get("run") == run]


def last_spooled_step(directory: Path, run: str) -> int:
    """The highest step in the files of a run, -1 without one. May raise OSError."""
    last = -1
    for path in spool_files(directory, run):
        for line in read_lines(path):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                last = max(last, *json.loads(line)["columns"]["step"])
    return last


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def read_head(path: Path) -> dict[str, Any] | None:
    """The first line of a spool file, or None when it is none of ours."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(MAX_LINE_BYTES))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(head, dict) and head.get("normwatch") == 1 and isinstance(head.get("run"), str)
    return head if is_ours else None


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines after the head; empty ones, and a last line that was cut off, are ignored."""
    with path.open("rb") as file:
        file.readline(MAX_LINE_BYTES)
        while (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            if len(line) > 1:
                yield line[:-1]


def writer_lives(path: Path, head: Mapping[str, Any]) -> bool:
    """
    Whether another process may still write this file. One of another host cannot be asked, nor can any on Windows: it
    counts as gone when it has not written for ten minutes.
    """
    pid, is_here = head.get("pid"), head.get("host") == socket.gethostname()
    if is_here and pid == os.getpid():
        return False
    if not is_here or os.name == "nt" or not isinstance(pid, int):
        return time.time() - _written_at(path) < SILENT
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, as somebody else
        return True
    return True
