"""A spool on a disk that fills up: losses are counted and reported, nothing raises, and no line is cut on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fake_server import FakeServer

from normwatch.__main__ import main

LIMIT = 700_000
PROGRAM = f"""
import resource, signal, normwatch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))
run = normwatch.init(id="r")
for i in range(20_000):
    run.log(grad_norm=i + 0.123456789, loss=float(i))
report = run.finish(timeout=1)
print(report.sent, report.unsent, report.refused, report.lost)
"""


def test_a_disk_that_fills_up_keeps_whole_lines_and_the_rest_is_counted(server: FakeServer, spool: Path) -> None:
    server.stop()
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    sent, unsent, refused, lost = map(int, done.stdout.split())
    assert (sent, refused, unsent + lost) == (0, 0, 20_000)
    assert min(unsent, lost) > 0
    assert "cannot be written" in done.stderr
    assert f"{lost} points of run r were lost" in done.stderr
    (path,) = spool.iterdir()
    assert path.stat().st_size <= LIMIT
    assert all(json.loads(line) for line in path.read_text().splitlines())
    server.start()
    assert main(["--spool", str(spool), "sync"]) == 0
    assert len(server.points("r")) == unsent
