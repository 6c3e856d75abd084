"""A process whose server is away ends in time: at once if it logged nothing, and its readings are kept if it did."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import FakeServer

PROGRAM = """
import os, sys, time, normwatch
def live(name, count):
    run = normwatch.init(id=name)
    for _ in range(count): run.log(loss=1.0)
def time_of(begin):
    began = time.monotonic()
    begin()
    return time.monotonic() - began
def fork(name, count):
    child = os.fork()
    if child == 0:
        live(name, count)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
normwatch.init(id="parent").log(loss=1.0)
print("empty", time_of(lambda: fork("empty", 0)), "logged", time_of(lambda: fork("logged", 100)), flush=True)
normwatch.finish(timeout=0)
"""


@pytest.fixture(params=["refuses", "does not answer"])
def away(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that is away."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "does not answer":
            listener.listen(0)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def spooled(spool: Path, run: str) -> list[float]:
    [file] = spool.glob(f"{run}.*.ndjson")
    lines = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert lines[-1] == {"patch": {"status": "finished"}}
    return [loss for line in lines for loss in line.get("columns", {"loss": []})["loss"]]


def test_a_forked_child_ends_at_once_if_it_logged_nothing_and_soon_if_it_did(away: str, spool: Path) -> None:
    environment = {**os.environ, "NORMWATCH_URL": away, "NORMWATCH_SPOOL": str(spool)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    times = dict(re.findall(r"(\w+) ([\d.]+)", done.stdout))
    assert float(times["empty"]) < 5  # 0.1 or 2 seconds, more on a busy machine; it was 10
    assert float(times["logged"]) < 8  # 3 seconds; it was 10
    assert (spooled(spool, "empty"), spooled(spool, "logged")) == ([], [1.0] * 100)
    assert "run empty is not sent, but kept" in done.stderr


def test_a_run_without_readings_exists_if_the_server_is_there(server: FakeServer, spool: Path) -> None:
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    command = [sys.executable, "-c", "import normwatch; normwatch.init(id='r')"]
    subprocess.run(command, env=environment, timeout=60, check=True)
    assert server.runs["r"]["status"] == "finished"
    assert not list(spool.glob("*"))
