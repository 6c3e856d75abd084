"""
The queue between the training loop and the background thread.

Rows of one shape (the same names) are appended to one flat array of doubles: step, time, reading, reading, …
Appending takes a fraction of a microsecond and 8 bytes per number. The thread turns the arrays into columns by slicing.
"""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Union

from .batch_ids import BatchIds
from .numbers import encode_column, encode_json
from .readings import Deferred, LossScale
from .settings import MAX_CELLS_PER_REQUEST, MAX_POINTS_PER_REQUEST

Kept = Union[float, Deferred, LossScale, BatchIds]
Columns = dict[str, list[Union[float, None]]]

MAX_QUEUE_CELLS = 8 * 1024 * 1024
"""The most numbers that wait for the thread (64 MiB). Above that, rows are dropped and counted."""
DEFERRED_CELLS = 16
"""A waiting tensor counts as this many numbers."""
MAX_LOOSE_ROWS = 512
WIDE_ROW = 64
"""Rows with more readings than this are packed at once."""


class Block:
    """Rows of one shape. `flat` is an array of doubles, or a list if it holds a value that must still be fetched."""

    __slots__ = ("flat", "names")

    def __init__(self, names: tuple[str, ...], flat: array[float] | list[Kept]) -> None:
        self.names = names
        self.flat = flat

    @property
    def width(self) -> int:
        return len(self.names) + 2

    @property
    def is_plain(self) -> bool:
        return type(self.flat) is array

    def __len__(self) -> int:
        return len(self.flat) // self.width


class StepCounter:
    """Counts the steps of a run, or of a part that counts its own steps."""

    __slots__ = ("next",)

    def __init__(self, first: int = 0) -> None:
        self.next = first


class Batcher:
    """
    Keeps rows until `take`. A row without a step gets the step after the highest one so far of its counter.
    Thread-safe, and `add` never waits. `add` only queues rows, and they are packed into blocks later. The reason is
    speed: a training does other work between two calls, so the processor's caches are cold and every extra line costs
    time.
    """

    def __init__(self, first_step: int = 0, max_cells: int = MAX_QUEUE_CELLS) -> None:
        self._loose: deque[tuple[int | None, float, Mapping[str, Kept], bool, StepCounter]] = deque()
        # guards the blocks and the packing of loose rows into them
        self._lock = threading.Lock()
        self.steps = StepCounter(first_step)
        """The default step counter, of the run."""
        self._max_cells = max_cells
        self._room = max_cells
        self._blocks: list[Block] = []
        self._is_abandoned = False
        self._packed = 0
        self.dropped = 0
        """Rows dropped because the queue was full."""

    def add(
        self,
        step: int | None,
        time: float,
        readings: Mapping[str, Kept],
        plain: bool,
        steps: StepCounter | None = None,
    ) -> None:
        """Appends one row. The caller must not change `readings` afterwards. `plain`: all readings are floats."""
        loose = self._loose
        loose.append((step, time, readings, plain, steps or self.steps))
        # do not block: a signal handler may log while the thread that it interrupted holds the lock
        if (len(loose) >= MAX_LOOSE_ROWS or len(readings) > WIDE_ROW) and self._lock.acquire(blocking=False):
            try:
                self._pack()
            finally:
                self._lock.release()

    def take(self) -> list[Block]:
        """Returns all rows so far, in order, and empties the queue."""
        is_held = self._lock.acquire(timeout=0.1)
        while not is_held and not self._is_abandoned:
            is_held = self._lock.acquire(timeout=0.1)
        try:
            self._pack()
            blocks, self._blocks = self._blocks, []
            self._room = self._max_cells
        finally:
            if is_held:
                self._lock.release()
        return blocks

    def _pack(self) -> None:
        """Packs the loose rows into blocks."""
        for _ in range(len(self._loose)):
            step, time, readings, plain, steps = self._loose.popleft()
            if step is None:
                step = steps.next
            steps.next = max(steps.next, step + 1)
            width = len(readings)
            room = self._room - (width + 2 if plain else DEFERRED_CELLS * (width + 1))
            if room < 0:
                self.dropped += 1
                continue
            self._room = room
            self._packed += 1
            append_row(self._blocks, step, time, readings, plain)

    def abandon(self) -> None:
        """
        For a signal handler that ends the process. The interrupted code may hold the lock and will never continue, so
        `take` no longer waits for the lock. At most the row that was being added is lost.
        """
        self._is_abandoned = True

    def next_step(self) -> int:
        """The next step of the default counter."""
        with self._lock:
            self._pack()
        return self.steps.next

    def last_step(self) -> int:
        """The last step of the default counter, at least 0."""
        return max(0, self.next_step() - 1)

    @property
    def added(self) -> int:
        """Rows ever added."""
        return self._packed + self.dropped + len(self._loose)

    @property
    def rows(self) -> int:
        """Rows waiting to be taken."""
        return sum(map(len, self._blocks)) + len(self._loose)

    @property
    def fill(self) -> float:
        """How full the queue is, 0 to 1."""
        return 1 - self._room / self._max_cells


def append_row(blocks: list[Block], step: Kept, time: Kept, readings: Mapping[str, Kept], plain: bool) -> None:
    """Adds a row to the last block, or to a new block if its names differ. `plain`: all readings are floats."""
    names = tuple(readings)
    if not blocks or blocks[-1].names != names or plain is not blocks[-1].is_plain:
        blocks.append(Block(names, array("d") if plain else []))
    blocks[-1].flat.extend((step, time, *readings.values()))  # type: ignore[arg-type]


def batches(blocks: list[Block]) -> Iterator[Columns]:
    """Turns plain blocks into batches of columns, with `step` and `time`, each within the bounds of one request."""
    parts: list[tuple[Block, int, int]] = []
    names: dict[str, None] = {}
    rows = 0
    for block in blocks:
        start = 0
        while start < len(block):
            wider = {**names, **dict.fromkeys(block.names)}
            room = min(MAX_POINTS_PER_REQUEST, MAX_CELLS_PER_REQUEST // max(1, len(wider))) - rows
            if room <= 0:
                yield _columns(parts, names, rows)
                parts, names, rows = [], {}, 0
                continue
            count = min(room, len(block) - start)
            parts.append((block, start, start + count))
            names, rows, start = wider, rows + count, start + count
    if rows:
        yield _columns(parts, names, rows)


def _columns(parts: list[tuple[Block, int, int]], names: Mapping[str, None], rows: int) -> Columns:
    columns: Columns = {name: [None] * rows for name in ("step", "time", *names)}
    at = 0
    for block, start, end in parts:
        width = block.width
        for i, name in enumerate(("step", "time", *block.names)):
            columns[name][at : at + end - start] = block.flat[start * width + i : end * width : width]  # type: ignore[assignment]
        at += end - start
    steps = columns["step"] = [int(step) for step in columns["step"] if step is not None]
    repeats = [i for i in range(1, rows) if steps[i] == steps[i - 1]]
    return _join(columns, repeats) if repeats else columns


def _join(columns: Columns, repeats: list[int]) -> Columns:
    """Merges each row that repeats the step before it: later readings win, and the first time is kept."""
    for name, column in columns.items():
        if name not in ("step", "time"):
            # last row first: a third row of a step is merged into the second, and that into the first
            for i in reversed(repeats):
                if column[i] is not None:
                    column[i - 1] = column[i]
    gone = set(repeats)
    return {name: [v for i, v in enumerate(column) if i not in gone] for name, column in columns.items()}


def encode_points(columns: Columns) -> bytes:
    """The body of `POST …/points`, which is also the format of a line in the spool."""
    texts = (f"{encode_json(name)}:{encode_column(column)}" for name, column in columns.items())
    return f'{{"columns":{{{",".join(texts)}}}}}'.encode()
