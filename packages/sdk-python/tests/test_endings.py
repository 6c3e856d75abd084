"""For any way a process ends, its readings are on the server or on disk, and the run's status says how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from fake_server import Answer, FakeServer, Request, refusal

from normwatch.__main__ import main

BEGIN = "import os, signal, sys, threading, normwatch\nrun = normwatch.init(id='r')\n"
LOG = "for i in range(1000): run.log(loss=float(i))\n"


def start(server: FakeServer, spool: Path, script: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    program = BEGIN + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(server: FakeServer, spool: Path, script: str) -> tuple[int, str]:
    process = start(server, spool, script)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def losses(server: FakeServer) -> list[float]:
    return [point["loss"] for point in server.points("r").values()]


ENDINGS = {
    "a plain end": (LOG, 0, "finished"),
    "sys.exit(0)": (LOG + "sys.exit(0)", 0, "finished"),
    "sys.exit(3)": (LOG + "sys.exit(3)", 3, "failed"),
    "sys.exit with a text": (LOG + "sys.exit('no data')", 1, "failed"),
    "sys.exit(1) that is caught": (
        "try: sys.exit(1)\nexcept SystemExit: pass\n" + LOG,
        0,
        "finished",
    ),
    "sys.exit(0) in a with block": ("with run:\n    " + LOG.strip() + "\n    sys.exit(0)", 0, "finished"),
    "sys.exit(1) in a with block": ("with run:\n    " + LOG.strip() + "\n    sys.exit(1)", 1, "failed"),
    "an error, after another package has set sys.excepthook": (
        LOG + "sys.excepthook = lambda *error: print('pretty')\n1/0",
        1,
        "failed",
    ),
    "an error in the thread that trains": (
        f"def train():\n    {LOG.strip()}\n    1/0\n"
        "thread = threading.Thread(target=train)\nthread.start()\nthread.join()",
        0,
        "failed",
    ),
    "an error in a thread that has nothing to do with the training": (
        LOG + "thread = threading.Thread(target=lambda: 1/0)\nthread.start()\nthread.join()",
        0,
        "finished",
    ),
    "os.execv": (LOG + "os.execv(sys.executable, [sys.executable, '-c', 'pass'])", 0, "finished"),
    **{
        name: (
            LOG + f"os.kill(os.getpid(), signal.{name})\nthreading.Event().wait(10)",
            -getattr(signal, name),
            "failed",
        )
        for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    },
    "SIGUSR1 of a scheduler that stops the job to run it again": (
        "os.environ['SLURM_JOB_ID'] = '7'\n" + LOG + "os.kill(os.getpid(), signal.SIGUSR1)\nthreading.Event().wait(10)",
        -signal.SIGUSR1,
        "preempted",
    ),
    "an unhandled exception": (LOG + "1/0", 1, "failed"),
    "Ctrl-C": (LOG + "os.kill(os.getpid(), signal.SIGINT)\nthreading.Event().wait(10)", -signal.SIGINT, "failed"),
    "SIGTERM": (LOG + "os.kill(os.getpid(), signal.SIGTERM)\nthreading.Event().wait(10)", -signal.SIGTERM, "failed"),
    "SIGTERM that the program handles": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n" + LOG + "os.kill(os.getpid(), signal.SIGTERM)",
        0,
        "finished",
    ),
    "SIGTERM in the middle of log": (
        "enough = threading.Event()\n"
        "def end():\n    enough.wait()\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "threading.Thread(target=end, daemon=True).start()\n" + LOG + "enough.set()\nwhile True: run.log(loss=1.0)",
        -signal.SIGTERM,
        "failed",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_end_of_a_process_is_the_end_of_its_run(server: FakeServer, spool: Path, name: str) -> None:
    script, code, status = ENDINGS[name]
    returned, errors = run(server, spool, script)
    assert returned == code, errors
    assert server.runs["r"]["status"] == status
    assert len(losses(server)) >= 1000
    assert not spool.exists()


def test_ctrl_c_during_finish_does_not_end_the_sending(server: FakeServer, spool: Path) -> None:
    is_caught = threading.Event()

    def hold(request: Request) -> Answer | None:
        if request.path == "/caught":
            is_caught.set()
            return Answer(200, {})
        return None if is_caught.wait(20) else Answer(500)

    server.misbehave = hold
    script = (
        LOG
        + """
def press():
    while not run._sender._is_closing: pass
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press).start()
try:
    run.finish()
except KeyboardInterrupt:
    import urllib.request
    urllib.request.urlopen(os.environ["NORMWATCH_URL"] + "/caught")
"""
    )
    code, errors = run(server, spool, script)
    assert (code, is_caught.is_set()) == (0, True), errors
    assert server.runs["r"]["status"] == "finished"
    assert len(losses(server)) == 1000


def test_a_server_that_does_not_know_preempted_yet_is_told_failed(server: FakeServer, spool: Path) -> None:
    def older(request: Request) -> Answer | None:
        is_unknown = request.method == "PATCH" and request.body.get("status") == "preempted"
        return refusal(400, "run_invalid") if is_unknown else None

    server.misbehave = older
    script, _, _ = ENDINGS["SIGUSR1 of a scheduler that stops the job to run it again"]
    run(server, spool, script)
    assert server.runs["r"]["status"] == "failed"
    assert not spool.exists()


def test_a_run_that_lives_a_moment_exists(server: FakeServer, spool: Path) -> None:
    run(server, spool, "run.flush(5)\nos.kill(os.getpid(), signal.SIGKILL)")
    assert server.runs["r"]["status"] == "running"
    process = start(server, spool, "threading.Event().wait(60)")
    until = time.monotonic() + 20
    server.runs.clear()
    while not server.runs:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()


def test_a_worker_that_imports_the_main_module_makes_no_run_of_its_own(server: FakeServer, spool: Path) -> None:
    program = spool.parent / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import multiprocessing, normwatch
            run = normwatch.init()
            def work():
                pass
            if __name__ == "__main__":
                child = multiprocessing.get_context("spawn").Process(target=work)
                child.start()
                child.join()
            """
        )
    )
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    subprocess.run([sys.executable, program], env=environment, check=True, timeout=60, stderr=subprocess.DEVNULL)
    assert len(server.runs) == 1


@pytest.fixture
def lag() -> Iterator[Callable[[], float]]:
    """The longest time that this process had to wait for a processor, in seconds. Added to time limits of tests."""
    pause, is_over, longest = threading.Event(), threading.Event(), [0.0]

    def watch() -> None:
        while not is_over.is_set():
            began = time.monotonic()
            pause.wait(0.01)
            longest[0] = max(longest[0], time.monotonic() - began - 0.01)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield lambda: longest[0]
    is_over.set()
    thread.join()


def most_lost(lag: float) -> int:
    """Two-millisecond steps in one second, plus the waits for a processor of training, thread and server."""
    return int((1 + 3 * lag) / 0.002)


def test_kill_9_costs_at_most_the_last_second(server: FakeServer, spool: Path, lag: Callable[[], float]) -> None:
    process = start(
        server,
        spool,
        """
        pause = threading.Event()
        for i in range(100_000):
            run.log(loss=float(i))
            print(i, flush=True)
            pause.wait(0.002)
        """,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 1000:
            break
    process.kill()
    logged = 1000 + sum(1 for _ in process.stdout)
    process.communicate()
    kept = losses(server)
    assert kept == list(range(len(kept)))
    assert logged - most_lost(lag()) <= len(kept) <= logged + 1
    assert server.runs["r"]["status"] == "running"


def test_kill_9_while_the_server_is_away_costs_at_most_the_last_second(
    server: FakeServer, spool: Path, lag: Callable[[], float]
) -> None:
    server.stop()
    process = start(
        server,
        spool,
        """
        pause = threading.Event()
        for i in range(100_000):
            run.log(loss=float(i))
            print(i, flush=True)
            pause.wait(0.002)
        """,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 1000:
            break
    process.kill()
    process.communicate()
    server.start()
    assert main(["--spool", str(spool), "sync"]) == 0
    kept = losses(server)
    assert kept == list(range(len(kept)))
    assert len(kept) >= 1000 - most_lost(lag())


def test_a_forked_child_neither_sends_nor_hangs_nor_ends_the_run(server: FakeServer, spool: Path) -> None:
    code, errors = run(
        server,
        spool,
        """
        for i in range(10):
            run.log(loss=float(i))
            child = os.fork()
            if child == 0:
                run.log(loss=-1.0)
                run.finish("failed")
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
        """,
    )
    assert code == 0, errors
    assert losses(server) == list(range(10))
    assert server.runs["r"]["status"] == "finished"
    assert "it belongs to the process that made it" in errors


def test_workers_of_a_data_loader_leave_the_run_alone(server: FakeServer, spool: Path) -> None:
    code, errors = run(
        server,
        spool,
        """
        import torch
        class Data(torch.utils.data.Dataset):
            def __len__(self): return 64
            def __getitem__(self, i):
                run.log(loss=-1.0)
                return torch.zeros(1)
        for epoch in range(2):
            for batch in torch.utils.data.DataLoader(Data(), batch_size=8, num_workers=2):
                run.log(loss=1.0)
        """,
    )
    assert code == 0, errors
    assert losses(server) == [1.0] * 16


def test_a_child_may_start_a_run_of_its_own(server: FakeServer, spool: Path) -> None:
    code, errors = run(
        server,
        spool,
        """
        run.log(loss=1.0)
        child = os.fork()
        if child == 0:
            own = normwatch.init(id="child")
            own.log(loss=2.0)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """,
    )
    assert code == 0, errors
    assert (losses(server), server.points("child")) == ([1.0], {0: {"loss": 2}})


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_of_multiprocessing_end_their_runs_too(server: FakeServer, spool: Path, method: str) -> None:
    program = spool.parent / "program.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, normwatch
            def train(name):
                run = normwatch.init(id=name)
                for i in range(100): run.log(loss=1.0)
                assert name != "bad"
            if __name__ == "__main__":
                context = multiprocessing.get_context("{method}")
                children = [context.Process(target=train, args=(name,)) for name in ("good", "bad")]
                for child in children: child.start()
                for child in children: child.join()
            """
        )
    )
    environment = {**os.environ, "NORMWATCH_URL": server.url, "NORMWATCH_SPOOL": str(spool)}
    subprocess.run([sys.executable, program], env=environment, check=True, timeout=60, stderr=subprocess.DEVNULL)
    assert {name: (run["status"], len(run["points"])) for name, run in server.runs.items()} == {
        "good": ("finished", 100),
        "bad": ("failed", 100),
    }


def test_the_end_of_a_run_whose_server_is_away_takes_seconds_and_loses_nothing(server: FakeServer, spool: Path) -> None:
    server.stop()
    code, errors = run(server, spool, LOG)
    assert code == 0
    assert "1000 points of run r are not sent" in errors
    server.start()
    assert main(["--spool", str(spool), "sync"]) == 0
    assert losses(server) == list(range(1000))
    assert server.runs["r"]["status"] == "finished"
