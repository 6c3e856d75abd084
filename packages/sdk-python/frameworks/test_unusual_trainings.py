"""Capture of unusual but legal trainings: the weights stay the same, and the readings are the true ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any, Callable, ClassVar

import pytest
import torch
import unusual
import unusual_losses
from fake_server import FakeServer

import normwatch
from normwatch.capture import zeroing
from normwatch.capture.losses import MAX_MICRO_BATCHES, PendingLosses
from normwatch.capture.training import CapturedTraining
from normwatch.current import open_runs
from normwatch.noted import MAX_PARTS


class Capture:
    """Runs trainings in this process, captured and not."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def of(self, train: Callable[[], Any], **options: Any) -> list[dict[str, Any]]:
        """Trains once, captured. Returns the readings of each step."""
        normwatch.autolog(id="captured", log_config=False, **options)
        try:
            train()
        finally:
            normwatch.autolog(False)
            for run in open_runs():  # also one that another thread has created
                run.finish()
        return self.points("captured")

    def points(self, run: str) -> list[dict[str, Any]]:
        return list(self._server.points(run).values())


@pytest.fixture
def capture(server: FakeServer) -> Capture:
    return Capture(server)


@pytest.mark.parametrize("train", [*unusual.TRAININGS, *unusual_losses.TRAININGS], ids=lambda train: train.__name__)
def test_an_unusual_training_is_recorded_truly_and_not_changed(
    train: Callable[[unusual.Note], Any], capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    noted: list[dict[str, float | None]] = []
    alone = train(lambda **readings: noted.append({name: number(value) for name, value in readings.items()}))
    captured: list[Any] = []
    points = capture.of(lambda: captured.append(train(lambda **_: None)))
    for one, other in zip(alone.parameters(), captured[0].parameters()):
        assert torch.equal(one, other)
    expected = [{name: value for name, value in step.items() if value is not None} for step in noted]
    seen = [{name: point[name] for name in step if name in point} for point, step in zip(points, noted)]
    assert seen == [pytest.approx(readings, rel=2e-5) for readings in expected]
    assert len(points) == len(expected)
    assert [message for message in caplog.messages if "could not be" in message] == []


def number(reading: Any) -> float | None:
    """None for a reading that is not recorded, as it cannot be known."""
    return None if reading is None else float(reading)


def test_threads_that_train_at_once_keep_their_own_losses_and_runs(capture: Capture) -> None:
    """Each thread accumulates two micro-batches. Between any two calls of one thread, the other makes one."""
    turns = threading.Barrier(2, timeout=60)

    def train(name: str, factor: float, clips: bool) -> None:
        with normwatch.init(id=name):
            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for _ in range(4):
                optimizer.zero_grad()
                for _ in range(2):
                    turns.wait()
                    (factor * model(torch.ones(2, 4)).sum() * 0 + factor).backward()
                turns.wait()
                model.weight.grad.fill_(factor)
                if clips:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                turns.wait()
                optimizer.step()
                turns.wait()

    def both() -> None:
        threads = [
            threading.Thread(target=train, args=arguments) for arguments in (("a", 1.0, True), ("b", 3.0, False))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    normwatch.autolog(log_config=False)
    try:
        both()
    finally:
        normwatch.autolog(False)
    for name, factor in (("a", 1.0), ("b", 3.0)):
        expected = {"grad_norm": pytest.approx(2 * factor), "loss": factor, "lr": 0.1}
        assert capture.points(name) == [expected] * 4


def test_threads_that_share_one_run_are_its_parts(capture: Capture) -> None:
    models = [torch.nn.Linear(4, 1, bias=False) for _ in range(2)]
    turns = threading.Barrier(2, timeout=60)

    def train(optimizer: torch.optim.Optimizer, model: torch.nn.Module, factor: float) -> None:
        for _ in range(4):
            optimizer.zero_grad()
            turns.wait()
            (model(torch.zeros(1, 4)).sum() + factor).backward()
            model.weight.grad.fill_(factor)
            turns.wait()
            optimizer.step()

    def both() -> None:
        optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
        arguments = zip(optimizers, models, (1.0, 3.0))
        threads = [threading.Thread(target=train, args=each) for each in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    points = capture.of(both)
    for part, factor in (("sgd-1", 1.0), ("sgd-2", 3.0)):
        assert [p[f"loss/{part}"] for p in points if f"loss/{part}" in p] == [factor] * 4
        norms = [p[f"grad_norm/{part}"] for p in points if f"grad_norm/{part}" in p]
        assert norms == [pytest.approx(2 * factor)] * 4


class OnDevice(torch.Tensor):
    """A real tensor that claims to be on an accelerator, and counts how often a thread waits to read it."""

    reads: ClassVar[list[int]] = []

    @property
    def is_cpu(self) -> bool:
        return False

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.Tensor.item, torch.Tensor.tolist, torch.Tensor.__float__, torch.Tensor.__bool__):
            cls.reads.append(threading.get_ident())
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize("optimizers", [1, 2])
def test_a_cap_on_a_device_is_recorded_without_waiting_for_it(optimizers: int, capture: Capture) -> None:
    def train() -> None:
        OnDevice.reads.clear()
        models = [torch.nn.Linear(4, 1, bias=False) for _ in range(optimizers)]
        cap = torch.tensor(0.5).as_subclass(OnDevice)
        steppers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
        for _ in range(4):
            for model, optimizer in zip(models, steppers):
                optimizer.zero_grad()
                model(torch.ones(1, 4)).sum().backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=cap)
                optimizer.step()
            cap.mul_(2)

    train()
    waits_of_torch = OnDevice.reads.count(threading.get_ident())
    points = capture.of(train)
    assert OnDevice.reads.count(threading.get_ident()) == waits_of_torch > 0
    for ending in [""] if optimizers == 1 else ["/sgd-1", "/sgd-2"]:
        assert [point[f"grad_norm{ending}"] for point in points] == [pytest.approx(2.0)] * 4
        assert [point[f"max_norm{ending}"] for point in points] == [0.5, 1.0, 2.0, 4.0]


def test_wrappers_that_others_keep_do_nothing_once_the_capture_is_off(
    capture: Capture, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another library wraps our wrappers, as profilers do, and a module keeps the clip function that it imported."""
    owners = {
        "backward": torch.autograd,
        "save": torch,
        "__init__": torch.optim.Optimizer,
        "zero_grad": torch.optim.Optimizer,
        "step": torch.amp.GradScaler,
    }
    before = {name: getattr(owner, name) for name, owner in owners.items()}
    kept: list[Any] = []

    def wrap() -> None:
        for name, owner in owners.items():
            ours = getattr(owner, name)
            assert ours is not before[name]
            monkeypatch.setattr(owner, name, lambda *args, ours=ours, **kwargs: ours(*args, **kwargs))
        kept.append(torch.nn.utils.clip_grad_norm_)

    def train() -> None:
        model = torch.nn.Linear(4, 1, bias=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad(set_to_none=False)
            model(torch.ones(1, 4)).sum().backward()
            (kept[0] if kept else torch.nn.utils.clip_grad_norm_)(model.parameters(), 0.5)
            optimizer.step()

    zeroed_before = zeroing.now()
    assert len(capture.of(lambda: (wrap(), train()))) == 3
    zeroed = zeroing.now()
    assert zeroed == zeroed_before + 3
    with monkeypatch.context() as watched:
        called: list[str] = []
        for name in [name for name in vars(CapturedTraining) if name.startswith("on_")]:
            watched.setattr(CapturedTraining, name, lambda *_, name=name: called.append(name))
        train()
    assert (called, zeroing.now()) == ([], zeroed)
    assert len(capture.points("captured")) == 3


def test_only_as_many_optimizers_as_a_run_may_have_parts_are_recorded_and_this_is_said_once(
    capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    def train() -> None:
        models = [torch.nn.Linear(4, 1, bias=False) for _ in range(MAX_PARTS + 3)]
        optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
        for _ in range(3):
            for factor, (model, optimizer) in enumerate(zip(models, optimizers), 1):
                optimizer.zero_grad()
                (factor * model(torch.ones(1, 4)).sum() * 0 + factor).backward()
                model.weight.grad.fill_(factor)
                if factor % 2:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()

    points = capture.of(train)
    names = [f"sgd-{number}" for number in range(1, MAX_PARTS + 1)]
    of_parts = {
        f"{reading}/{name}": value * factor
        for factor, name in enumerate(names, 1)
        for reading, value in (("grad_norm", 2.0), ("loss", 1.0))
    }
    expected = {**of_parts, **{f"lr/{name}": 0.1 for name in names}}
    assert points == [pytest.approx(expected)] * 3
    assert [message for message in caplog.messages if "are not recorded" in message] == [
        "the training has more than 16 optimizers, and a run at most 16 parts: the steps of sgd-17 and of later ones "
        "are not recorded"
    ]


def test_autolog_again_goes_on_with_the_same_run(capture: Capture) -> None:
    def train() -> None:
        model = torch.nn.Linear(4, 1, bias=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(6):
            if step == 3:
                normwatch.autolog(log_config=False)
            optimizer.zero_grad()
            model(torch.full((1, 4), float(step))).sum().backward()
            optimizer.step()

    assert [point["grad_norm"] for point in capture.of(train)] == [pytest.approx(2.0 * step) for step in range(6)]


def test_a_training_without_an_optimizer_does_not_fill_memory() -> None:
    losses = PendingLosses()
    for _ in range(3 * MAX_MICRO_BATCHES):
        losses.add(torch.ones(()))
    assert 0 < len(losses) <= MAX_MICRO_BATCHES


ENDINGS = {
    "os.fork, os._exit": """
child = os.fork()
if child == 0:
    train_apart()
    normwatch.finish()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""",
    "os.fork, sys.exit": """
child = os.fork()
if child == 0:
    train_apart()
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
""",
    "multiprocessing": """
child = multiprocessing.get_context("fork").Process(target=train_apart)
child.start()
child.join()
assert child.exitcode == 0
""",
    "a pool": """
with multiprocessing.get_context("fork").Pool(1) as pool:
    pool.apply(train_apart)
    pool.close()
    pool.join()
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_forked_child_that_trains_has_a_run_of_its_own_and_ends(ending: str, server: FakeServer) -> None:
    program = f"""
import multiprocessing, os, sys, torch, normwatch
torch.set_num_threads(1)  # with more, PyTorch itself waits for ever in a child of a process that has computed
normwatch.autolog(log_config=False)
model = torch.nn.Linear(4, 1, bias=False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def train(steps, factor):
    for _ in range(steps):
        optimizer.zero_grad()
        (factor * model(torch.ones(1, 4)).sum()).backward()
        optimizer.step()
def train_apart():
    train(2, 3.0)
train(3, 1.0)
model(torch.ones(1, 4)).sum().backward()
{ENDINGS[ending]}
train(3, 1.0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    norms = sorted(([point["grad_norm"] for point in run["points"].values()] for run in server.runs.values()), key=len)
    assert norms == [[pytest.approx(6.0)] * 2, [pytest.approx(2.0)] * 6]
    assert [run["status"] for run in server.runs.values()] == ["finished"] * 2


def test_the_norm_for_which_torch_refuses_to_clip_is_on_record(capture: Capture) -> None:
    def train() -> None:
        model = unusual.build()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(3):
            optimizer.zero_grad()
            unusual.loss_of(model, step).backward()
            if step == 2:
                next(model.parameters()).grad.fill_(float("nan"))
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)
            optimizer.step()

    with pytest.raises(RuntimeError, match="non-finite"):
        capture.of(train)
    readings = capture.points("captured")
    assert [reading["grad_norm"] == "NaN" for reading in readings] == [False, False, True]
    assert (readings[2]["skipped"], "loss" in readings[2]) == (1, True)


class TimeIsUp(Exception):
    pass


def test_what_a_signal_handler_of_the_program_raises_reaches_the_program(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(*_: object) -> None:
        raise TimeIsUp

    previous = signal.signal(signal.SIGALRM, handler)
    monkeypatch.setattr(CapturedTraining, "_measure", lambda *_: signal.raise_signal(signal.SIGALRM))
    monkeypatch.setattr(normwatch.run.Run, "_add", lambda *_: signal.raise_signal(signal.SIGALRM))
    try:
        with pytest.raises(TimeIsUp):
            capture.of(lambda: unusual.sparse_gradients(lambda **_: None))
        with normwatch.init(id="by hand") as run, pytest.raises(TimeIsUp):
            run.log(loss=1.0)
    finally:
        signal.signal(signal.SIGALRM, previous)
