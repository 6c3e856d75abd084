"""The spool on disk: it has a fallback folder, is private, and is never claimed while its writer runs."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import Answer, FakeServer, Request, refusal

import normwatch
from normwatch.__main__ import main

WRITER = """
import sys, normwatch
run = normwatch.init(id="r", mode="offline")
for line in sys.stdin:
    run.log(loss=float(line))
    run.flush(2)
    print(line, flush=True)
"""


@pytest.fixture
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def writer(spool: Path) -> Iterator[subprocess.Popen[str]]:
    """An offline training that logs the given numbers."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        env={**os.environ, "NORMWATCH_SPOOL": str(spool)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def log(writer: subprocess.Popen[str], *losses: float) -> None:
    assert writer.stdin is not None
    assert writer.stdout is not None
    for loss in losses:
        writer.stdin.write(f"{loss}\n")
        writer.stdin.flush()
        while not writer.stdout.readline().strip():
            assert writer.poll() is None


def losses(server: FakeServer) -> list[float]:
    return [point["loss"] for point in server.points("r").values()] if "r" in server.runs else []


def test_a_folder_that_cannot_be_entered_is_replaced_by_another_which_is_named(
    start: Any, server: FakeServer, tmp_path: Path, own_temporary_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    spool = blocked / "spool"
    server.stop()
    run = start(id="r", spool_dir=spool)
    run.log(loss=1.0)
    report = run.finish(timeout=0.5)
    assert (report.unsent, report.lost) == (1, 0)
    assert report.spool.is_relative_to(own_temporary_folder)
    assert stat.S_IMODE(report.spool.parent.stat().st_mode) == 0o700
    assert f"readings wait in {report.spool.parent}" in caplog.text
    server.start()
    assert normwatch.sync(server.url, spool_dir=spool).sent == 1
    assert losses(server) == [1]


def test_every_file_is_for_its_user_only(start: Any, server: FakeServer, spool: Path) -> None:
    old = os.umask(0o022)
    try:
        server.misbehave = lambda request: refusal(400, "bad") if "points" in request.path else None
        run = start(id="r")
        run.log(loss=1.0)
        run.flush()
        server.stop()
        run.log(loss=2.0)
        run.log(loss=3.0)
        run.finish(timeout=0.5)
    finally:
        os.umask(old)
    modes = {path.name.partition(".")[2][-14:]: stat.S_IMODE(path.stat().st_mode) for path in spool.iterdir()}
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


def test_a_sync_of_everything_leaves_a_running_writer_its_file(
    server: FakeServer, spool: Path, writer: subprocess.Popen[str]
) -> None:
    log(writer, 1, 2)
    report = normwatch.sync(server.url, spool_dir=spool, all_files=True)
    (path,) = spool.iterdir()
    assert report.files_left == [path]
    assert losses(server) == [1, 2]
    assert server.runs["r"]["status"] == "running"
    log(writer, 3)
    writer.kill()  # kill -9: what it logged after the sync is on disk
    writer.wait()
    assert normwatch.sync(server.url, spool_dir=spool).files_left == []
    assert losses(server) == [1, 2, 3]
    assert list(spool.iterdir()) == []


def test_following_brings_a_running_training_to_the_server_and_ends_its_file_with_it(
    server: FakeServer, spool: Path, writer: subprocess.Popen[str]
) -> None:
    log(writer, 1)
    command = [sys.executable, "-m", "normwatch", "--url", server.url, "--spool", str(spool), "sync", "--follow"]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: losses(server) == [1])
        server.stop()
        log(writer, 2)
        server.start()
        log(writer, 3)
        wait_for(lambda: losses(server) == [1, 2, 3])
        posted = [request.body["columns"]["loss"] for request in server.requests if "points" in request.path]
        # the first item is sent twice, because the server did not know the run
        assert posted == [[1], [1], [2], [3]]
        assert writer.stdin is not None
        writer.stdin.close()
        writer.wait(20)
        wait_for(lambda: server.runs["r"]["status"] == "finished" and list(spool.iterdir()) == [])
    finally:
        follower.terminate()
        follower.communicate()


def wait_for(condition: Any) -> None:
    until, pause = time.monotonic() + 30, threading.Event()
    while not condition():
        assert time.monotonic() < until
        pause.wait(0.02)


@pytest.mark.parametrize(
    "arguments",
    [{"url": "trainer:4280"}, {"url": "ftp://trainer"}, {"mode": "off"}],
    ids=repr,
)
def test_a_wrong_setting_sends_nothing_anywhere_and_says_where_the_readings_are(
    server: FakeServer,
    spool: Path,
    arguments: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("normwatch.settings.DEFAULT_URL", server.url)
    run = normwatch.init(id="r", **arguments)
    run.log(loss=1.0)
    report = run.finish()
    assert (report.unsent, server.requests) == (1, [])
    assert f"offline, in {spool}" in capsys.readouterr().err
    assert "this run is recorded offline" in caplog.text
    assert main(["--url", server.url, "--spool", str(spool), "sync"]) == 0
    assert losses(server) == [1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407])
def test_a_gateway_that_answers_for_the_server_refuses_nothing(start: Any, server: FakeServer, status: int) -> None:
    left = iter(range(3))

    def gateway(request: Any) -> Any:
        return Answer(status, b"404 page not found\n") if next(left, None) is not None else None

    server.misbehave = gateway
    run = start(id="r")
    for step in range(30):
        run.log(loss=float(step))
    assert run.finish(timeout=20) == (30, 0, 0, 0, None)
    assert losses(server) == list(range(30))


def test_a_long_answer_is_read(start: Any, server: FakeServer) -> None:
    long = json.dumps({"id": "r", "config": "x" * 2_000_000}).encode()
    server.misbehave = lambda request: Answer(200, long) if request.method == "PUT" else server.behave(request)
    server.behave(Request("PUT", "/api/v1/runs/r", {}, {}))
    run = start(id="r")
    run.log(loss=1.0)
    assert run.finish(timeout=5).sent == 1
