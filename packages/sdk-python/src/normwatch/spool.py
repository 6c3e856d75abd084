"""
Spool files, which hold what could not be sent yet: one file per run and process, one JSON object per line.
The format is in `packages/protocol/fixtures/README.md`. The `sync` of either SDK can send the files of the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .numbers import encode_json

SUFFIX = ".ndjson"
REFUSED_SUFFIX = ".refused.ndjson"
MAX_LINE_BYTES = 64 * 1024 * 1024
SILENT = 600.0
"""Seconds without a new line after which a writer on another machine counts as ended."""


_open_here: set[Path] = set()


class SpoolFile:
    """A file that one process writes and reads back in order. Every method can raise OSError."""

    def __init__(self, directory: Path, url: str, run: str, fields: Mapping[str, Any]) -> None:
        self.path = directory / _new_name(run)
        self._about = {
            "normwatch": 1,
            "url": url,
            "run": run,
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        self._fields = fields
        self._fd: int | None = None
        self._read_at = 0
        self._end = 0
        self._waiting: deque[tuple[int, int]] = deque()
        """Points and bytes of each unsent line."""

    def __len__(self) -> int:
        """Unsent lines."""
        return len(self._waiting)

    @property
    def is_open(self) -> bool:
        """Whether this object has created its file and has not closed it."""
        return self._fd is not None

    def move(self, directory: Path) -> None:
        """Switches to another folder. Only allowed before the first line."""
        make_private(directory)
        self.path = directory / self.path.name

    @property
    def points(self) -> int:
        """Points in the unsent lines."""
        return sum(points for points, _ in self._waiting)

    def append(self, line: bytes, points: int) -> None:
        """Appends a whole line, or nothing if the disk is full."""
        if self._fd is None:
            self._create()
        self._write(line + b"\n")
        self._waiting.append((points, len(line) + 1))

    def first(self) -> tuple[bytes, int]:
        """The oldest unsent line, and its points."""
        points, length = self._waiting[0]
        return self._read(self._read_at, length)[:-1], points

    def drop_first(self) -> None:
        """Marks the oldest line as sent. Deletes the file after its last line."""
        self._read_at += self._waiting.popleft()[1]
        if not self._waiting:
            self.forget()
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the file and leaves exactly the unsent lines on disk, even if the file was deleted meanwhile."""
        if self._fd is None:
            return
        try:
            if self._read_at > len(self.head_line()) or os.fstat(self._fd).st_nlink == 0:
                self._write_anew()
        finally:
            self.forget()

    def forget(self) -> None:
        """Closes the file without changing it."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None
        _open_here.discard(self.path)

    def _write_anew(self) -> None:
        rest, place = self.path.with_suffix(".tmp"), self._read_at
        try:
            with open_private(rest, "wb") as out:
                out.write(self.head_line())
                for _, length in self._waiting:
                    out.write(self._read(place, length))
                    place += length
            rest.replace(self.path)
        finally:
            rest.unlink(missing_ok=True)

    def head_line(self) -> bytes:
        return encode_json({**self._about, "fields": self._fields}).encode() + b"\n"

    def _read(self, place: int, length: int) -> bytes:
        """
        Reads through the descriptor used for writing, so that it works even if the file was deleted. Unbuffered,
        because writing moves the position in the file.
        """
        assert self._fd is not None
        os.lseek(self._fd, place, os.SEEK_SET)
        parts = bytearray()
        while len(parts) < length:
            part = os.read(self._fd, length - len(parts))
            if not part:
                raise OSError(f"{self.path} has been cut short")
            parts += part
        return bytes(parts)

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
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
        """Writes unbuffered, so that lines survive kill -9. A line that was only written in part is removed again."""
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
    """Appends a line that the server refused, with the server's message, to the refused file of `spool`."""
    path = spool.with_name(spool.name[: -len(SUFFIX)] + REFUSED_SUFFIX)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_private(path, "ab") as out:
        if out.tell() == 0:
            out.write(head)
        out.write(line.rstrip()[:-1] + b',"refused":' + encode_json(refused).encode() + b"}\n")
    return path


def open_private(path: Path, mode: str) -> BinaryIO:
    """Opens a file that only this user can read."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))  # type: ignore[return-value]


def make_private(directory: Path) -> None:
    """Creates a folder that only this user can enter. Raises OSError if it belongs to another user."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if hasattr(os, "getuid"):
        for folder in (directory, directory.parent):
            owner = folder.lstat().st_uid
            if owner not in (os.getuid(), 0):
                raise PermissionError(f"{folder} belongs to another user")


def claim(path: Path) -> Path:
    """
    Claims a file whose writer has ended by renaming it, so that no other process sends it too. Returns its new path.
    Raises FileNotFoundError if another process claimed it first.
    """
    is_refused = path.name.endswith(REFUSED_SUFFIX)
    run = path.name[: -len(REFUSED_SUFFIX if is_refused else SUFFIX)].rpartition(".")[0]
    name = _new_name(run)
    return path.rename(path.with_name(name[: -len(SUFFIX)] + REFUSED_SUFFIX if is_refused else name))


def _new_name(run: str) -> str:
    return f"{run}.{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"


class RunAddress(NamedTuple):
    """A run on one server, to which spool files belong."""

    url: str
    run: str


def abandoned_files(directory: Path, of: RunAddress | None = None, even_if_alive: bool = False) -> Iterator[Path]:
    """Spool files whose writer has ended, oldest first, of one run or of all runs."""
    for path in sorted(spool_files(directory, of), key=_written_at):
        head = read_head(path)
        if head is None or is_own_file(path):
            continue
        if even_if_alive or not writer_lives(path, head):
            yield path


def spool_files(directory: Path, of: RunAddress | None = None) -> list[Path]:
    """The spool files of one run or of all runs, without refused files."""
    names = f"{of.run if of else '*'}.*{SUFFIX}"
    files = [path for path in directory.glob(names) if not path.name.endswith(REFUSED_SUFFIX)]
    return files if of is None else [path for path in files if _address_in(path) == of]


def _address_in(path: Path) -> RunAddress | None:
    head = read_head(path)
    return None if head is None else RunAddress(str(head.get("url")), head["run"])


def last_spooled_step(directory: Path, of: RunAddress) -> int:
    """The highest step in the spool files of a run, -1 if there is none. Can raise OSError."""
    last = -1
    for path in spool_files(directory, of):
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
    """The first line of a spool file, or None if the file is not a spool file."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(MAX_LINE_BYTES))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(head, dict) and head.get("normwatch") == 1 and isinstance(head.get("run"), str)
    return head if is_ours else None


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines after the head, without empty lines and a truncated last line."""
    return (line for line, _ in read_lines_from(path))


def read_lines_from(path: Path, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """The lines after the head, or from byte `start` on, each with the byte offset of its end."""
    with path.open("rb") as file:
        end = start or len(file.readline(MAX_LINE_BYTES))
        file.seek(end)
        while (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            end += len(line)
            if len(line) > 1:
                yield line[:-1], end


def is_own_file(path: Path) -> bool:
    """Whether this process writes the file."""
    return path in _open_here


def writer_lives(path: Path, head: Mapping[str, Any]) -> bool:
    """
    Whether another process may still write this file. On another host or on Windows, that cannot be checked, and the
    writer counts as ended after ten minutes without a new line.
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
    except OSError:  # it runs, as another user
        return True
    return True
