"""A job that its scheduler stops, in order to run it again, has not failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer

IMPORTS = "import os, signal, sys, normwatch\ninit = lambda: normwatch.init(id='r')\n"
LOG = "for i in range(10): run.log(loss=float(i))\n"


def run(server: FakeServer, spool: Path, before: str, begin: str, after: str) -> tuple[int, str]:
    """A program in a SLURM job, with what it does before it makes its run. Returns its exit code and its warnings."""
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool), "SLURM_JOB_ID": "7"}
    program = f"{IMPORTS}{before}\n{begin}\n{after}"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


HANDLES = """
signals = []
def handle(*_): signals.append(1)
"""
PREEMPTED = {
    "exits as usual": (HANDLES + "signal.signal(signal.SIGTERM, handle)", "run = init()", LOG, "preempted"),
    "exits with a code of its own": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))",
        "run = init()",
        LOG,
        "preempted",
    ),
    "leaves a with block": (
        HANDLES + "signal.signal(signal.SIGTERM, handle)",
        "run = init()",
        "with run: run.log(loss=1.0)",
        "preempted",
    ),
    "has a handler that calls the one before": (
        "",
        "run = init()\nbefore = signal.getsignal(signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, lambda *args: before(*args))",
        LOG,
        "preempted",
    ),
    "says itself how the run ended": (
        HANDLES + "signal.signal(signal.SIGTERM, handle)",
        "run = init()",
        LOG + "run.finish()",
        "finished",
    ),
}


@pytest.mark.parametrize("name", PREEMPTED)
def test_a_program_that_handles_its_preemption_and_ends_was_preempted(
    server: FakeServer, spool: Path, name: str
) -> None:
    before, begin, after, status = PREEMPTED[name]
    returned, errors = run(server, spool, before, begin, "os.kill(os.getpid(), signal.SIGTERM)\n" + after)
    assert returned in (0, 143), errors
    assert server.runs["r"]["status"] == status


def test_sigcont_says_that_a_preempted_training_goes_on(server: FakeServer, spool: Path) -> None:
    before = HANDLES + "signal.signal(signal.SIGTERM, handle)"
    later = "from normwatch import preemption\npreemption.TOGETHER_SECONDS = 0\n"
    go_on = "os.kill(os.getpid(), signal.SIGTERM)\nos.kill(os.getpid(), signal.SIGCONT)\n"
    _, errors = run(server, spool, before, "run = init()", later + go_on + LOG)
    assert server.runs["r"]["status"] == "finished", errors


def test_a_sigcont_that_comes_together_with_the_preemption_does_not_take_it_back(
    server: FakeServer, spool: Path
) -> None:
    before = HANDLES + "signal.signal(signal.SIGTERM, handle)"
    both = (
        "blocked = {signal.SIGTERM, signal.SIGCONT}\nsignal.pthread_sigmask(signal.SIG_BLOCK, blocked)\n"
        "os.kill(os.getpid(), signal.SIGCONT)\nos.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)\nassert signals\n"
    )
    returned, errors = run(server, spool, before, "run = init()", both + LOG)
    assert returned == 0, errors
    assert server.runs["r"]["status"] == "preempted"
