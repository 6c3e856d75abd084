"""`finish` returns in time with a correct report, no matter what the background thread is doing at that moment."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import Answer, FakeServer, Request

import normwatch


@pytest.fixture
def hang(server: FakeServer) -> Iterator[threading.Event]:
    """Does not answer posts of points until the test ends. The event is set when the first one arrives."""
    arrived, release = threading.Event(), threading.Event()

    def misbehave(request: Request) -> Answer | None:
        if request.path.endswith("/points") and not release.is_set():
            arrived.set()
            release.wait(60)
            return Answer(500)
        return None

    server.misbehave = misbehave
    yield arrived
    release.set()


def spooled_steps(path: Path) -> list[int]:
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return [step for line in lines for step in line.get("columns", {"step": []})["step"]]


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_what_is_under_way_when_the_time_is_up_is_kept_and_counted_and_sent_once(
    start: Any, server: FakeServer, hang: threading.Event, spool: Path, timeout: float
) -> None:
    run = start(id="r")
    for i in range(10):
        run.log(loss=float(i))
    assert hang.wait(10)  # a request is being sent, over a connection that was already open
    for i in range(10, 20):
        run.log(loss=float(i))
    began = time.monotonic()
    report = run.finish(timeout=timeout)
    assert time.monotonic() - began < timeout + 8
    assert report[:4] == (0, 20, 0, 0)
    assert spooled_steps(report.spool) == list(range(20))
    assert json.loads(report.spool.read_text().splitlines()[-1]) == {"patch": {"status": "finished"}}
    server.misbehave = lambda request: None
    assert normwatch.sync(server.url).sent == 20
    assert [point["loss"] for point in server.points("r").values()] == list(range(20))
    assert list(spool.iterdir()) == []


def test_an_end_may_wait_for_ever(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    run.log(loss=1.0)
    assert run.flush(timeout=float("inf"))
    assert run.finish(timeout=float("inf")).sent == 1


def test_a_name_that_is_looked_up_for_ever_costs_no_reading(
    start: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked_up, release = threading.Event(), threading.Event()

    def look_up(*_: Any, **__: Any) -> Any:
        looked_up.set()
        release.wait(60)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    run = start(id="r", url="http://trainer.example")
    run.log(loss=1.0)
    assert looked_up.wait(10)
    began = time.monotonic()
    report = run.finish(timeout=0.2)
    assert time.monotonic() - began < 8
    assert report[:4] == (0, 1, 0, 0)
    assert spooled_steps(report.spool) == [0]
    assert "1 points of run r are not sent, but kept" in caplog.text
    release.set()


def test_every_call_of_finish_returns_the_same(start: Any, hang: threading.Event) -> None:
    run = start(id="r")
    run.log(loss=1.0)
    assert hang.wait(10)
    reports: list[Any] = []
    threads = [threading.Thread(target=lambda: reports.append(run.finish(timeout=0.5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [report[:4] for report in reports] == [(0, 1, 0, 0)] * 4
    assert run.finish() == reports[0]
    assert not run.flush()


def test_a_signal_in_the_middle_of_finish_costs_no_reading(
    server: FakeServer, hang: threading.Event, spool: Path
) -> None:
    program = """
import sys, normwatch
from normwatch import lifecycle
lifecycle.TERM_TIMEOUT = 0.2
run = normwatch.init(id="r")
run.log(loss=1.0)
print("ready", flush=True)
run.finish(timeout=60)
"""
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    assert hang.wait(20)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == -signal.SIGTERM
    (path,) = spool.iterdir()
    assert spooled_steps(path) == [0]


def test_without_a_thread_readings_wait_for_finish(
    start: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        run = start(id="r")
    run.log(loss=1.0)
    assert not run.flush(timeout=0.1)
    report = run.finish()
    assert report == (1, 0, 0, 0, None) == run.finish()
    assert server.points("r") == {0: {"loss": 1}}
    assert caplog.text.count("no background thread") == 1


def test_offline_the_server_never_has_it_all(start: Any) -> None:
    run = start(id="r", mode="offline")
    run.log(loss=1.0)
    assert not run.flush(timeout=5)


def test_what_was_left_for_another_server_is_left_alone(start: Any, server: FakeServer, spool: Path) -> None:
    elsewhere = start(id="r", url="http://127.0.0.1:9", mode="offline")
    elsewhere.log(loss=7.0)
    path = elsewhere.finish().spool
    run = start(id="r", resume=True)
    run.log(loss=1.0)
    run.finish()
    assert server.points("r") == {0: {"loss": 1}}
    assert spooled_steps(path) == [0]


def test_a_file_that_another_process_has_sent_meanwhile_is_no_trouble(
    start: Any, server: FakeServer, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = start(id="r", mode="offline")
    left.log(loss=7.0)
    path = left.finish().spool
    path.rename(path.with_suffix(".away"))
    for module in ("sender", "sync"):
        monkeypatch.setattr(sys.modules[f"normwatch.{module}"], "abandoned_files", lambda *_, **__: [path])
    monkeypatch.setattr(sys.modules["normwatch.sync"], "read_head", lambda _: {"run": "r", "url": server.url})
    run = start(id="r")
    run.log(loss=1.0)
    assert run.finish().sent == 1
    assert normwatch.sync(server.url).files_left == []
    assert "failed" not in caplog.text


def test_a_token_from_a_mounted_file_may_end_with_a_line_break(start: Any, server: FakeServer) -> None:
    start(id="r", token="nw_secret\n").finish()
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer nw_secret"}


@pytest.mark.parametrize("token", ["nw_\nsecret", "nw_ secret", "nw_secret\x00", "nw_sécret"])
def test_a_token_that_no_header_can_carry_is_refused_and_never_repeated(
    start: Any, server: FakeServer, spool: Path, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    run = start(id="r", token=token)
    run.log(loss=1.0)
    assert run.finish().sent == 1
    assert "token must be 1 to 512 visible characters" in caplog.text
    assert "nw_" not in caplog.text


@pytest.mark.parametrize("url", ["http://me:hunter2@127.0.0.1:9", "http://127.0.0.1:9/?hunter2=1", "http://h/#hunter2"])
def test_an_address_that_may_hold_a_secret_is_refused_and_never_repeated(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, url: str
) -> None:
    with pytest.raises(normwatch.WrongUse, match="without a password"):
        normwatch.init(url=url, strict=True)
    normwatch.init(url=url, mode="offline").finish()
    assert "hunter2" not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://[::1]", ("::1", 80)),
        ("https://[::1]/", ("::1", 443)),
        ("http://[fe80::1]:4280", ("fe80::1", 4280)),
        ("http://host", ("host", 80)),
    ],
)
def test_an_address_is_the_one_that_is_connected_to(
    start: Any, monkeypatch: pytest.MonkeyPatch, url: str, address: tuple[str, int]
) -> None:
    tried: list[Any] = []

    def connect(to: Any, *_: Any, **__: Any) -> Any:
        tried.append(to)
        raise OSError("not here")

    monkeypatch.setattr(socket, "create_connection", connect)
    start(id="r", url=url).finish(timeout=0.5)
    assert set(tried) == {address}


def test_a_server_may_live_below_a_path(start: Any, server: FakeServer) -> None:
    start(id="r", url=f"{server.url}/norm watch/").finish(timeout=0.5)
    assert server.requests[0].path == "/norm%20watch/api/v1/runs/r"


def test_a_user_without_a_home_can_train(server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("NORMWATCH_SPOOL")
    run = normwatch.init(id="r", url=server.url)
    run.log(loss=1.0)
    assert run.finish().sent == 1


def test_a_program_whose_standard_error_is_gone_can_train(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "closed").open("w") as closed:
        pass
    for stream in (closed, None):
        monkeypatch.setattr(sys, "stderr", stream)
        assert normwatch.init(id="r", url=server.url).finish() == (0, 0, 0, 0, None)


def test_a_configuration_that_cannot_be_read_is_left_out(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Missing(dict[str, Any]):
        def __iter__(self) -> Any:
            raise LookupError("lr is missing")

    start(id="r", project="p", config=Missing(lr=1)).finish()
    assert server.runs["r"]["fields"] == {"project": "p"}
    assert "config cannot be read: LookupError: lr is missing" in caplog.text


def test_a_run_that_resumes_needs_an_id(start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    start(resume=True).finish()
    assert "resume needs the id of the run to continue" in caplog.text
    assert {request.method for request in server.requests} == {"PUT", "PATCH"}
