"""A server that is down, slow or faulty loses no reading and does not slow down the loop."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import Answer, FakeServer, Misbehaviour, Request, refusal

import normwatch
from normwatch.__main__ import main
from normwatch.batcher import Batcher
from normwatch.clock import steady_clock


def first(count: int, answer: Answer) -> Misbehaviour:
    """Gives this answer to the first `count` posts of points, and works normally after that."""
    left = iter(range(count))

    def misbehave(request: Request) -> Answer | None:
        return answer if request.path.endswith("/points") and next(left, None) is not None else None

    return misbehave


NONSENSE = {
    "500": refusal(500, "internal"),
    "429 that asks for a second": refusal(429, "too_many", retry_after="1"),
    "503": refusal(503, "closing"),
    "200 that is no JSON": Answer(200, b"<html>welcome to the hotel</html>"),
    "200 that is JSON but no object": Answer(200, [1]),
    "200 that is an object of something else": Answer(200, {"status": "ok"}),
    "204": Answer(204, b""),
    "200 that is nested too deeply to be read": Answer(200, b"[" * 200_000),
    "404 of a gateway": Answer(404, {"error": {"code": "run_not_found"}}),
    "403 of a gateway": Answer(403, {"error": {"code": "forbidden", "message": "no", "type": "access"}}),
    "400 of a gateway": Answer(400, {"error": {"code": "BadRequest", "message": "no", "details": []}}),
    "302": Answer(302, b"", {"location": "http://127.0.0.1:9/"}),
    "a body that never ends": Answer(200, b"x" * 3_000_000),
    "a length that lies": Answer(200, b"{}", {"content_length": "100", "connection": "close"}),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_proves_nothing_is_sent_again_until_the_server_has_it(start: Any, server: FakeServer, name: str) -> None:
    server.misbehave = first(2, NONSENSE[name])
    run = start(id="r")
    for i in range(50):
        run.log(loss=float(i))
    report = run.finish(timeout=20)
    assert report == (50, 0, 0, 0, None)
    assert [point["loss"] for point in server.points("r").values()] == list(range(50))


def test_the_address_that_a_proxy_redirects_to_is_named(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.misbehave = first(1, Answer(301, b"", {"location": "https://normwatch.example/"}))
    run = start(id="r")
    run.log(loss=1.0)
    assert run.finish(timeout=20) == (1, 0, 0, 0, None)
    assert "redirects to https://normwatch.example/" in caplog.text


def test_a_413_is_split_until_it_fits_and_a_point_that_never_fits_is_kept(
    start: Any, server: FakeServer, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def at_most_ten(request: Request) -> Answer | None:
        columns = (request.body or {}).get("columns", {"step": []})
        is_too_large = len(columns["step"]) > 10 or 77 in columns["step"]
        return refusal(413, "too_large", "too large") if is_too_large else None

    server.misbehave = at_most_ten
    run = start(id="r")
    for i in range(100):
        run.log(loss=float(i))
    assert run.finish()[:4] == (99, 0, 1, 0)
    assert list(server.points("r")) == [i for i in range(100) if i != 77]
    (path,) = spool.glob("r.*.refused.ndjson")
    head, line = (json.loads(text) for text in path.read_text().splitlines())
    assert (head["run"], line["columns"]["step"]) == ("r", [77])
    assert line["refused"] == {"status": 413, "code": "too_large", "message": "too large"}
    assert caplog.records[0].message.startswith("the server refused readings (413 too large)")


def test_a_413_of_a_proxy_is_split_and_loses_nothing_even_if_a_single_point_does_not_fit(
    start: Any, server: FakeServer, spool: Path
) -> None:
    def at_most_ten(request: Request) -> Answer | None:
        columns = (request.body or {}).get("columns", {"step": []})
        is_too_large = len(columns["step"]) > 10 or 77 in columns["step"]
        return Answer(413, b"<h1>413 Request Entity Too Large</h1>") if is_too_large else None

    server.misbehave = at_most_ten
    run = start(id="r")
    for i in range(100):
        run.log(loss=float(i))
    report = run.finish(timeout=1)
    assert report.refused == report.lost == 0
    assert report.unsent > 0
    assert list(spool.glob("*.refused.ndjson")) == []
    server.misbehave = lambda request: None
    normwatch.sync(url=server.url)
    assert [point["loss"] for point in server.points("r").values()] == list(range(100))


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_refusal_is_said_once_and_kept_and_can_be_sent_again_when_it_is_put_right(
    start: Any, server: FakeServer, spool: Path, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server.misbehave = lambda request: refusal(status, "bad", "that is wrong") if "points" in request.path else None
    run = start(id="r")
    for _ in range(3):
        run.log(loss=1.0)
        run.flush()
    assert run.finish()[:4] == (0, 0, 3, 0)
    assert sum("that is wrong" in record.message for record in caplog.records) == 1
    server.misbehave = lambda request: None
    assert main(["--spool", str(spool), "sync", "--refused"]) == 0
    assert server.points("r") == {i: {"loss": 1} for i in range(3)}
    assert list(spool.iterdir()) == []


def test_a_run_that_was_deleted_is_made_again(start: Any, server: FakeServer) -> None:
    run = start(id="r", project="p")
    run.log(loss=1.0)
    assert run.flush()
    server.runs.clear()
    run.log(loss=2.0)
    run.finish()
    assert server.points("r") == {1: {"loss": 2}}
    assert server.runs["r"]["fields"]["project"] == "p"


def spooled_steps(spool: Path) -> list[int]:
    lines = [json.loads(line) for path in spool.glob("r.*.ndjson") for line in path.read_text().splitlines()[1:]]
    return [step for line in lines for step in line["columns"]["step"]]


def test_an_outage_goes_to_disk_at_once_and_is_made_up_for_in_order(
    start: Any, server: FakeServer, spool: Path
) -> None:
    run = start(id="r")
    run.log(loss=0.0)
    assert run.flush()
    server.stop()
    for i in range(1, 4):
        run.log(loss=float(i))
        run.flush(timeout=0.1)
    until = time.monotonic() + 15
    while spooled_steps(spool) != [1, 2, 3]:
        assert time.monotonic() < until, spooled_steps(spool)
        run.flush(timeout=0.1)
    (path,) = spool.glob("r.*.ndjson")
    assert "token" not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    server.start()
    assert run.flush(timeout=20)
    assert list(server.points("r")) == [0, 1, 2, 3]
    assert list(spool.iterdir()) == []
    sent = [step for request in server.requests if "points" in request.path for step in request.body["columns"]["step"]]
    assert sent == sorted(sent)


def test_what_an_earlier_process_left_is_sent_by_the_next_one_of_that_run(
    start: Any, server: FakeServer, spool: Path
) -> None:
    server.stop()
    first_run = start(id="r")
    for i in range(3):
        first_run.log(loss=float(i))
    assert first_run.finish(timeout=0.5)[:4] == (0, 3, 0, 0)
    server.start()
    second = start(id="r", resume=True, from_step=2)
    second.log(loss=9.0)
    second.finish()
    assert [point["loss"] for point in server.points("r").values()] == [0, 1, 9]
    assert list(spool.iterdir()) == []


def test_a_training_that_goes_on_numbers_its_steps_after_those_in_the_spool(
    start: Any, server: FakeServer, spool: Path
) -> None:
    run = start(id="r")
    run.log(loss=0.0)
    assert run.flush()
    server.stop()
    run.log(loss=1.0)
    assert run.finish(timeout=0.5).unsent == 1
    server.start()
    second = start(id="r", resume=True)
    second.log(loss=2.0)
    second.finish()
    assert [point["loss"] for point in server.points("r").values()] == [0, 1, 2]
    assert server.runs["r"]["status"] == "finished"


def test_a_file_of_another_machine_is_sent_once_nothing_was_added_to_it_for_ten_minutes(
    start: Any, server: FakeServer, spool: Path
) -> None:
    run = start(id="r", mode="offline")
    run.log(loss=0.0)
    path = run.finish().spool
    path.write_text(path.read_text().replace(json.dumps(socket.gethostname()), '"another"'))
    for minutes, is_left in ((0, True), (9, True), (11, False)):
        then = time.time() - 60 * minutes
        os.utime(path, (then, then))
        assert (normwatch.sync(server.url).files_left == [path]) is is_left
    assert server.points("r") == {0: {"loss": 0}}


def test_sync_sends_what_is_left_and_says_what_it_could_not(
    start: Any, server: FakeServer, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.stop()
    run = start(id="r", project="p")
    run.log(grad_norm=float("nan"))
    run.finish(timeout=0.5)
    assert main(["--spool", str(spool), "sync"]) == 1
    server.start()
    assert main(["--spool", str(spool), "sync"]) == 0
    assert capsys.readouterr().out == "0 points sent, 0 refused, 1 files left\n1 points sent, 0 refused, 0 files left\n"
    assert server.points("r") == {0: {"grad_norm": "NaN"}}
    assert server.runs["r"]["status"] == "finished"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_hangs_delays_neither_the_loop_nor_its_end(start: Any, black_hole: str) -> None:
    run = start(url=black_hole, id="r")
    began = time.monotonic()
    for i in range(10_000):
        run.log(loss=float(i))
    assert time.monotonic() - began < 4
    report = run.finish(timeout=1)
    assert time.monotonic() - began < 8
    assert report[:4] == (0, 10_000, 0, 0)


def test_a_full_disk_is_a_warning_and_the_readings_wait_in_memory(
    server: FakeServer, tmp_path: Path, start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a directory")
    server.stop()
    run = start(id="r", spool_dir=blocked / "spool")
    for i in range(100):
        run.log(loss=float(i))
    assert not run.flush(timeout=1)
    server.start()
    assert run.finish(timeout=20) == (100, 0, 0, 0, None)
    assert len(server.points("r")) == 100
    assert any("cannot be written" in record.message for record in caplog.records)


def test_a_clock_that_is_set_moves_no_reading(server: FakeServer, start: Any) -> None:
    wall, monotonic = [1000.0], [5.0]
    clock = steady_clock(lambda: wall[0], lambda: monotonic[0])
    times = [clock()]
    for jump in (-86400.0, 86400.0 * 365):
        wall[0] += jump
        monotonic[0] += 1
        times.append(clock())
    assert times == [1000.0, 1001.0, 1002.0]


def test_the_queue_is_bounded_and_counts_what_found_no_room() -> None:
    batcher = Batcher(max_cells=300)
    for i in range(200):
        batcher.add(None, 0.0, {"loss": float(i)}, True)
    assert (sum(map(len, batcher.take())), batcher.dropped) == (100, 100)
    batcher.add(None, 0.0, {"loss": 1.0}, True)
    assert [list(block.flat) for block in batcher.take()] == [[200.0, 0.0, 1.0]]


def test_rows_keep_their_order_and_steps_however_many_wait() -> None:
    batcher = Batcher()
    logged: list[dict[str, float]] = []
    for i in range(3000):
        readings = {"loss": float(i)}
        if i % 700 == 0:
            readings.update((f"layers/{layer}", float(layer)) for layer in range(100))
        batcher.add(5000 if i == 2000 else None, float(i), readings, True)
        logged.append(readings)
    assert batcher.rows == 3000
    rows = [
        (block.names, list(block.flat[at : at + block.width]))
        for block in batcher.take()
        for at in range(0, len(block.flat), block.width)
    ]
    steps = [*range(2000), *range(5000, 6000)]
    assert rows == [
        (tuple(readings), [step, float(i), *readings.values()]) for i, (step, readings) in enumerate(zip(steps, logged))
    ]
    assert batcher.rows == 0


def test_log_never_waits_for_the_thread_that_takes_the_rows() -> None:
    batcher = Batcher()
    with batcher._lock:  # as if a signal handler had interrupted the thread that holds the lock
        for i in range(2000):
            batcher.add(None, 0.0, {"loss": float(i)}, True)
    assert sum(map(len, batcher.take())) == 2000


def test_logging_does_not_wait_for_a_slow_server(start: Any, server: FakeServer) -> None:
    release = threading.Event()
    server.misbehave = lambda request: release.wait(5) and None
    run = start(id="r")
    slowest = 0.0
    for i in range(2000):
        began = time.perf_counter()
        run.log(loss=float(i))
        slowest = max(slowest, time.perf_counter() - began)
    release.set()
    assert slowest < 2, "the server takes five"
    assert run.finish(timeout=20).sent == 2000


def test_the_programs_own_random_numbers_stay_the_same_while_the_server_is_away(start: Any, server: FakeServer) -> None:
    server.misbehave = lambda request: Answer(503)
    random.seed(3)
    state = random.getstate()
    run = start(id="r")
    run.log(loss=1.0)
    assert not run.flush(timeout=1.5)  # it has tried several times, with a random pause between two tries
    assert len(server.requests) > 1
    assert random.getstate() == state


def test_names_that_are_not_unicode_cost_their_own_readings_only(start: Any, server: FakeServer) -> None:
    run = start(id="toy", project="p\ud800")
    run.log(loss=1.0, **{"\udc80": 2.0, "layers/\udfff": 3.0, "\U0001f600": 4.0})
    run.event("\ud800")
    run.finish()
    assert server.points("toy") == {0: {"loss": 1.0, "\U0001f600": 4.0}}
