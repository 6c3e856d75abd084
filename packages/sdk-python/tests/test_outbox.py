"""Items that wait to be sent stay in order, go to disk if possible, and never exceed the memory bound."""

from __future__ import annotations

import json
import random
from collections import deque
from pathlib import Path

import pytest

from normwatch.notices import Notices
from normwatch.outbox import Outbox
from normwatch.outbox_item import OutboxItem
from normwatch.spool import RunAddress, SpoolFile, abandoned_files, read_head, read_lines


def item(step: int) -> OutboxItem:
    return OutboxItem(json.dumps({"columns": {"step": [step]}}).encode(), 1)


def outbox(directory: Path, max_memory: int = 10_000) -> Outbox:
    return Outbox(directory, "http://127.0.0.1:1", "r", {"project": "p"}, Notices(), max_memory)


def drain(box: Outbox) -> list[int]:
    steps = []
    while (first := box.first()) is not None:
        steps += json.loads(first.line)["columns"]["step"]
        box.drop_first()
    return steps


def test_memory_and_disk_together_keep_the_order(spool: Path) -> None:
    box = outbox(spool)
    for step in range(10):
        box.to_disk = 3 <= step < 6
        box.put(item(step))
    assert box.spool is not None
    assert drain(box) == list(range(10))
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_line_comes_back_whole_however_writing_and_reading_take_turns(spool: Path, seed: int) -> None:
    chance = random.Random(seed)
    file = SpoolFile(spool, "http://127.0.0.1:1", "r", {})
    waiting: deque[bytes] = deque()
    for number in range(100):
        waiting.append(b"%d " % number + b"x" * chance.choice([1, 5_000, 9_000, 70_000]))
        file.append(waiting[-1], 1)
        while waiting and chance.random() < 0.5:
            assert file.first() == (waiting.popleft(), 1)
            file.drop_first()
    file.close()
    left = [line for path in abandoned_files(spool) for line in read_lines(path)]
    assert left == list(waiting)


def test_without_a_disk_the_newest_are_dropped_at_the_bound_and_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    box = outbox(tmp_path / "file" / "spool", max_memory=5 * len(item(1).line))
    box.to_disk = True
    for step in range(9):
        box.put(item(step))
    assert (box.dropped, box.points_in_memory, drain(box)) == (4, 5, [0, 1, 2, 3, 4])


def test_what_is_left_at_the_end_is_a_file_of_its_own_with_only_the_unsent(spool: Path) -> None:
    box = outbox(spool)
    box.to_disk = True
    for step in range(5):
        box.put(item(step))
    box.drop_first()
    box.drop_first()
    box.close()
    assert box.unsent == 3
    (path,) = abandoned_files(spool, RunAddress("http://127.0.0.1:1", "r"))
    head = read_head(path)
    assert head is not None
    assert (head["normwatch"], head["run"], head["fields"]) == (1, "r", {"project": "p"})
    assert [json.loads(line)["columns"]["step"] for line in read_lines(path)] == [[2], [3], [4]]


def test_a_file_that_somebody_deletes_is_still_sent(spool: Path) -> None:
    box = outbox(spool)
    box.to_disk = True
    for step in range(3):
        box.put(item(step))
    (path,) = spool.iterdir()
    path.unlink()
    assert drain(box) == [0, 1, 2]


def test_what_is_not_sent_of_a_file_that_somebody_deletes_is_on_disk_at_the_end(spool: Path) -> None:
    box = outbox(spool)
    box.to_disk = True
    box.put(item(0))
    (path,) = spool.iterdir()
    path.unlink()
    box.put(item(1))
    box.close()
    assert box.spool == path
    assert [json.loads(line)["columns"]["step"] for line in read_lines(path)] == [[0], [1]]
