"""The server gets exactly what a user logs."""

from __future__ import annotations

import decimal
import logging
import math
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from fake_server import Answer, FakeServer

import normwatch
from normwatch import WrongUse


def test_steps_count_from_zero_and_readings_arrive(start: Any, server: FakeServer) -> None:
    run = start(
        project="toy", name="clip 1.0", max_norm=1.0, config={"lr": 1e-3, "path": Path("x")}, tags=["a"], id="r"
    )
    run.log(grad_norm=1.5, loss=2.0, lr=0.1)
    run.log(grad_norm=math.nan, loss=math.inf, accuracy=1)
    report = run.finish()
    assert server.points("r") == {
        0: {"grad_norm": 1.5, "loss": 2.0, "lr": 0.1},
        1: {"grad_norm": "NaN", "loss": "Infinity", "accuracy": 1},
    }
    assert server.runs["r"]["fields"] == {
        "project": "toy",
        "name": "clip 1.0",
        "clip": {"mode": "norm", "max_norm": 1.0},
        "config": {"lr": 1e-3, "path": "x"},
        "tags": ["a"],
    }
    assert server.runs["r"]["status"] == "finished"
    assert report == (2, 0, 0, 0, None)


def test_init_prints_the_page_and_returns_before_the_server_answers(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = threading.Event()
    server.misbehave = lambda request: answers.wait(10) and None
    run = normwatch.init(project="toy", name="a name", url=server.url)
    run.log(loss=1)
    assert capsys.readouterr().err == f"normwatch: toy / a name → {server.url}/runs/{run.id}\n"
    answers.set()
    assert run.finish().sent == 1


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (2, 2),
        (numpy.float32(0.5), 0.5),
        (numpy.int64(3), 3),
        (numpy.array(0.25), 0.25),
        (numpy.array([0.25]), 0.25),
        (decimal.Decimal("1.5"), 1.5),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (torch.tensor([[2.0]], requires_grad=True), 2.0),
        (torch.nn.Parameter(torch.tensor(4.0)), 4.0),
        (torch.tensor(7), 7),
        (numpy.float64("nan"), "NaN"),
        (-math.inf, "-Infinity"),
    ],
    ids=repr,
)
def test_any_one_number_is_a_reading(start: Any, server: FakeServer, value: Any, wire: Any) -> None:
    run = start(id="r", strict=True)
    run.log(loss=value)
    run.finish()
    assert server.points("r") == {0: {"loss": wire}}


@pytest.mark.parametrize(
    "value",
    ["0.5", b"1", True, numpy.bool_(True), torch.tensor(True), torch.zeros(3), torch.zeros(1, dtype=torch.complex64),
     numpy.zeros(2), [1.0], {}, 10**400, object(), print],
    ids=repr,
)  # fmt: skip
def test_what_is_no_reading_is_left_out_with_one_warning_or_refused_when_strict(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    run = start(id="r")
    run.log(loss=value, grad_norm=1.0)
    run.log(loss=value, grad_norm=2.0)
    run.finish()
    assert server.points("r") == {0: {"grad_norm": 1}, 1: {"grad_norm": 2}}
    (warning,) = [record.message for record in caplog.records]
    assert warning.startswith("loss ")
    strict = start(strict=True)
    with pytest.raises(WrongUse, match=r"^loss (must|is)"):
        strict.log(loss=value)


def test_a_list_that_the_caller_changes_later_does_not_change_what_was_logged(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    loss, array = torch.tensor(1.0), numpy.array(2.0)
    layers = {"a": 3.0}
    run.log(loss=loss, other=array, layers=layers)
    loss += 1
    array += 1
    layers["a"] = 9.0
    run.finish()
    assert server.points("r") == {0: {"loss": 1, "other": 2, "layers/a": 3}}


def test_the_learning_rate_comes_from_the_optimizer(start: Any, server: FakeServer) -> None:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    run = start(id="r", optimizer=optimizer)
    run.log(loss=1.0)
    optimizer.param_groups[0]["lr"] = 0.25
    run.log(loss=1.0)
    run.log(loss=1.0, lr=0.125)
    run.finish()
    assert [point["lr"] for point in server.points("r").values()] == [0.5, 0.25, 0.125]
    assert server.runs["r"]["fields"]["optimizer"] == "adamw"


def test_an_object_that_breaks_on_every_touch_does_not_break_the_training(start: Any, server: FakeServer) -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("boom")

    run = start(id="r")
    run.log(loss=Hostile(), layers=Hostile(), scaler=Hostile())
    run.log(loss=1.0)
    run.finish()
    assert server.points("r")[max(server.points("r"))] == {"loss": 1}


def test_a_metric_too_many_costs_itself_only(start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    run = start(id="r")
    run.log(loss=1.0, layers={f"layer{i}": 1.0 for i in range(4097)}, **{f"m{i}": 1.0 for i in range(300)})
    for i in range(1000):
        run.log(**{f"other{i}": 1.0})
    run.finish()
    names = set().union(*server.points("r").values())
    assert (len([n for n in names if n.startswith("layers/")]), len(names)) == (4096, 4096 + 256)
    assert len(caplog.records) < 250


def test_a_whole_number_of_any_kind_is_a_step(start: Any, server: FakeServer) -> None:
    run = start(id="r", strict=True)
    run.log(numpy.int64(3), loss=1.0)
    run.log(torch.tensor(5), loss=2.0)
    run.finish()
    assert list(server.points("r")) == [3, 5]


def test_threads_log_steps_of_their_own(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    threads = [threading.Thread(target=lambda: [run.log(loss=1.0) for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    assert list(server.points("r")) == list(range(8000))


def test_the_with_block_ends_the_run_as_it_ended(server: FakeServer) -> None:
    with normwatch.init(id="good", url=server.url) as run:
        run.log(loss=1.0)
    with pytest.raises(ZeroDivisionError), normwatch.init(id="bad", url=server.url) as run:
        run.log(loss=1 / 0)
    assert [server.runs[name]["status"] for name in ("good", "bad")] == ["finished", "failed"]


def test_logging_after_the_end_is_a_warning(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    run = start()
    run.finish()
    run.log(loss=1.0)
    assert [record.message for record in caplog.records] == ["log() does nothing: the run is finished"]
    assert run.finish("failed").sent == 0


def test_a_run_resumes_after_its_last_step(start: Any, server: FakeServer) -> None:
    first = start(id="r")
    for _ in range(3):
        first.log(loss=1.0)
    first.finish("failed")
    second = start(id="r", resume=True)
    second.log(loss=2.0)
    second.finish()
    assert [point["loss"] for point in server.points("r").values()] == [1, 1, 1, 2]
    assert server.runs["r"]["status"] == "finished"


def test_a_run_resumes_from_a_checkpoint_and_drops_what_followed_it(start: Any, server: FakeServer) -> None:
    first = start(id="r")
    for _ in range(5):
        first.log(loss=1.0)
    first.finish("failed")
    second = start(id="r", resume=True, from_step=2)
    second.log(loss=2.0)
    assert second.flush()
    assert server.points("r") == {0: {"loss": 1}, 1: {"loss": 1}, 2: {"loss": 2}}
    assert server.runs["r"]["status"] == "running"


def test_a_resumed_run_whose_last_step_is_unknown_overwrites_nothing(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    run = start(id="r", resume=True)
    assert run.id.startswith("r-")
    assert "continues as run r-" in caplog.records[0].message


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>welcome to the hotel</html>"),
        Answer(200, {"status": "ok"}),
        Answer(404, {"error": {"code": "run_not_found"}}),
    ],
    ids=["a page", "JSON of something else", "an error of a gateway"],
)
def test_an_answer_that_is_not_of_the_server_does_not_say_where_a_run_resumes(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    server.misbehave = lambda request: answer if request.method == "GET" else None
    assert start(id="r", resume=True).id.startswith("r-")
    assert "continues as run r-" in caplog.records[0].message


def test_an_id_that_is_taken_is_a_warning(start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    start(id="r").finish()
    start(id="r").finish()
    assert [record.message[:20] for record in caplog.records] == ["run r already exists"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"max_norm": -1}, "max_norm"),
        ({"max_norm": "1"}, "max_norm"),
        ({"max_norm": 10**400}, "max_norm"),
        ({"clip_value": 0}, "clip_value"),
        ({"max_norm": 1, "clip_value": 1}, "clip_value"),
        ({"id": "a/b"}, "id"),
        ({"from_step": -1}, "from_step"),
        ({"config": [1]}, "config"),
        ({"project": "a/b"}, "project"),
        ({"name": ""}, "name"),
        ({"tags": ["x" * 65]}, "tags"),
        ({"notes": 3}, "notes"),
        ({"mode": "onlin"}, "mode"),
        ({"mode": 5}, "mode"),
        ({"token": 5}, "token"),
        ({"spool_dir": 5}, "spool_dir"),
        ({"url": 5, "mode": "offline"}, "url"),
        ({"url": "ftp://x", "mode": "offline"}, "url"),
        ({"url": "http://x:99999", "mode": "offline"}, "url"),
    ],
    ids=repr,
)
def test_a_wrong_argument_costs_no_training(
    server: FakeServer, caplog: pytest.LogCaptureFixture, arguments: dict[str, Any], name: str
) -> None:
    run = normwatch.init(**{"url": server.url, **arguments})
    run.log(loss=1.0)
    report = run.finish(timeout=1)
    assert report.sent + report.unsent == 1
    assert caplog.records[0].message.startswith(name)
    with pytest.raises(WrongUse, match=f"^{name}"):
        normwatch.init(**{"url": server.url, **arguments}, strict=True)


@pytest.mark.parametrize(("rank", "wanted", "logs"), [("0", None, 1), ("3", None, 0), ("3", "3", 1), ("3", "all", 1)])
def test_one_rank_logs(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, rank: str, wanted: str | None, logs: int
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", "4")
    if wanted is not None:
        monkeypatch.setenv("NORMWATCH_RANK", wanted)
    run = normwatch.init(url=server.url)
    run.log(loss=1.0)
    assert run.finish().sent == logs


def test_disabled_is_silent_and_offline_stays_on_disk(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NORMWATCH_URL", server.url)
    monkeypatch.setenv("NORMWATCH_MODE", "disabled")
    run = normwatch.init()
    run.log(loss=1.0)
    assert (run.finish(), capsys.readouterr().err, spool.exists()) == ((0, 0, 0, 0, None), "", False)
    monkeypatch.setenv("NORMWATCH_MODE", "offline")
    run = normwatch.init()
    run.log(loss=1.0)
    report = run.finish()
    assert (report.unsent, server.requests) == (1, [])
    assert report.spool is not None
    assert report.spool.parent == spool


def test_settings_come_from_the_environment(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": server.url, "TOKEN": "nw_secret", "PROJECT": "p", "RUN_ID": "r"}.items():
        monkeypatch.setenv(f"NORMWATCH_{name}", value)
    normwatch.init().finish()
    assert server.runs["r"]["fields"]["project"] == "p"
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer nw_secret"}


def test_no_warning_of_ours_becomes_an_error(start: Any, server: FakeServer) -> None:
    server.stop()
    logging.getLogger("normwatch").setLevel(logging.WARNING)
    run = start()
    run.log(loss="x")
    assert run.finish(timeout=0.5).unsent == 1


def test_a_tensor_without_numbers_costs_itself_only(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    run = start(id="r")
    run.log(loss=torch.ones((), device="meta"), lr=0.1)
    assert run.finish().sent == 1
    assert server.points("r") == {0: {"lr": 0.1}}
    assert [record.message for record in caplog.records] == [
        "loss is on the device meta, where tensors have no numbers (ignored; warned once)"
    ]
