"""Several networks in one run, and several runs in one process: each clip call goes to the right run and part."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_server import Answer, FakeServer, Request, refusal

import normwatch


def parameter(*gradient: float) -> torch.nn.Parameter:
    made = torch.nn.Parameter(torch.zeros(len(gradient)))
    made.grad = torch.tensor(gradient)
    return made


def test_named_parts_of_one_step_have_norms_and_caps_of_their_own(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    for _ in range(3):
        normwatch.clip_grad_norm_([parameter(3.0, 4.0)], 1.0, part="critic")
        normwatch.clip_grad_norm_([parameter(0.3, 0.4)], 2.0, part="generator")
        run.log(loss=1.0)
    normwatch.clip_grad_norm_([parameter(3.0, 4.0)], math.inf, part="critic")
    run.log(loss=1.0)
    run.finish()
    points = server.points("r")
    expected = {"grad_norm/critic": 5, "grad_norm/generator": pytest.approx(0.5), "loss": 1}
    assert [points[step] for step in range(3)] == [expected] * 3
    assert points[3] == {"grad_norm/critic": 5, "max_norm/critic": "Infinity", "loss": 1}
    assert server.runs["r"]["fields"]["parts"] == {
        "critic": {"clip": {"mode": "norm", "max_norm": 1.0}},
        "generator": {"clip": {"mode": "norm", "max_norm": 2.0}},
    }


def test_a_part_may_step_by_itself(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    optimizer = torch.optim.Adam([parameter(1.0)], lr=0.5)
    critic = run.part("critic", max_norm=1.0, optimizer=optimizer)
    generator = run.part("generator")
    for step in range(4):
        critic.clip_grad_norm_([parameter(3.0, 4.0)], 1.0)
        critic.log(loss=float(step))
        if step % 2:
            generator.grad_norm([parameter(0.6, 0.8)])
            generator.log({"loss": 9.0})
    run.log(fid=7.0)
    run.finish()
    points = server.points("r")
    assert [points[step]["loss/critic"] for step in range(4)] == [0, 1, 2, 3]
    assert [points[step]["lr/critic"] for step in range(4)] == [0.5] * 4
    assert [step for step, point in points.items() if "grad_norm/generator" in point] == [0, 1]
    assert points[0]["fid"] == 7
    assert server.runs["r"]["fields"]["parts"] == {
        "critic": {"clip": {"mode": "norm", "max_norm": 1.0}, "optimizer": "adam"}
    }
    assert "max_norm/critic" not in points[0]


def test_unnamed_calls_for_other_parameters_within_a_step_become_numbered_parts(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    run = start(id="r")
    one, other = parameter(3.0, 4.0), parameter(0.3, 0.4)
    for step in range(4):
        one.grad, other.grad = torch.tensor([3.0, 4.0]), torch.tensor([0.3, 0.4])
        normwatch.clip_grad_norm_([one], 1.0)
        if step != 2:
            normwatch.clip_grad_norm_([other], 2.0)
        run.log(loss=1.0)
    run.finish()
    points = server.points("r")
    assert [point.get("grad_norm/1") for point in points.values()] == [5, 5, 5, 5]
    assert [point.get("grad_norm/2") for point in points.values()] == [pytest.approx(0.5)] * 2 + [
        None,
        pytest.approx(0.5),
    ]
    assert not any("grad_norm" in point or "max_norm/2" in point for point in points.values())
    assert server.runs["r"]["fields"]["clip"] == {"mode": "none"}
    assert {name: part["clip"]["max_norm"] for name, part in server.runs["r"]["fields"]["parts"].items()} == {
        "1": 1.0,
        "2": 2.0,
    }
    (warning,) = [record.message for record in caplog.records]
    assert 'part="generator"' in warning


def test_layers_of_parts_do_not_mix(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    for part in ("critic", "generator"):
        normwatch.clip_grad_norm_([("0.weight", parameter(3.0)), ("0.bias", parameter(4.0))], 9.0, part=part)
    run.log()
    run.finish()
    assert {name for name in server.points("r")[0] if name.startswith("layers/")} == {
        "layers/critic.0",
        "layers/generator.0",
    }


@pytest.mark.parametrize(("norm_type", "part", "norm"), [(1.0, "l1", 7), (math.inf, "linf", 4), (3, "l3", 4.497942)])
def test_a_norm_that_is_not_l2_is_a_part_of_its_own(
    start: Any, server: FakeServer, norm_type: float, part: str, norm: float
) -> None:
    run = start(id="r", max_norm=1.0)
    normwatch.clip_grad_norm_([parameter(3.0, 4.0)], 2.0, norm_type)
    normwatch.clip_grad_norm_([parameter(3.0, 4.0)], 2.0, norm_type, part="critic")
    run.log()
    run.finish()
    expected = {f"grad_norm/{part}": pytest.approx(norm), f"grad_norm/critic-{part}": pytest.approx(norm)}
    assert server.points("r") == {0: expected}


def test_two_open_runs_each_get_their_own_clip_calls(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = start(id="one"), start(id="other")
    for _ in range(3):
        normwatch.clip_grad_norm_([parameter(3.0, 4.0)], 0.5)
        other.log(loss=1.0)
        normwatch.clip_grad_norm_([parameter(6.0, 8.0)], 1.0)
        one.log(loss=2.0)
    one.finish()
    other.finish()
    assert server.points("other") == {step: {"grad_norm": 5, "loss": 1} for step in range(3)}
    assert server.points("one") == {step: {"grad_norm": 10, "loss": 2} for step in range(3)}
    caps = {name: run["fields"]["clip"]["max_norm"] for name, run in server.runs.items()}
    assert caps == {"one": 1.0, "other": 0.5}
    assert ["run.clip_grad_norm_" in record.message for record in caplog.records] == [True]


def test_a_run_may_be_named_at_the_call(start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    one, other = start(id="one"), start(id="other")
    normwatch.clip_grad_norm_([parameter(3.0, 4.0)], 0.5, run=one)
    other.clip_grad_value_([parameter(6.0, 8.0)], 1.0)
    one.log()
    other.log()
    one.finish()
    other.finish()
    assert server.points("one")[0] == {"grad_norm": 5}
    assert server.points("other")[0]["grad_norm"] == 10
    assert caplog.records == []


def test_an_inner_run_gives_way_to_the_outer_one_when_it_ends(start: Any, server: FakeServer) -> None:
    outer = start(id="outer")
    with start(id="inner") as inner:
        normwatch.clip_grad_norm_([parameter(3.0, 4.0)], 1.0)
        inner.log()
    normwatch.clip_grad_norm_([parameter(6.0, 8.0)], 1.0)
    outer.log()
    outer.finish()
    assert (server.points("inner"), server.points("outer")) == ({0: {"grad_norm": 5}}, {0: {"grad_norm": 10}})


def test_threads_have_runs_of_their_own(server: FakeServer) -> None:
    """Runs in parallel threads, like the trials of a hyperparameter search."""
    barrier = threading.Barrier(3)

    def train(number: int) -> None:
        run = normwatch.init(id=f"r{number}", url=server.url)
        barrier.wait(10)
        for _ in range(20):
            normwatch.clip_grad_norm_([parameter(float(number))], 1.0)
            run.log()
        run.finish()

    threads = [threading.Thread(target=train, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for number in (1, 2, 3):
        assert [point["grad_norm"] for point in server.points(f"r{number}").values()] == [number] * 20


def test_a_cap_of_one_step_does_not_stay_for_the_next(start: Any, server: FakeServer) -> None:
    run = start(id="r", max_norm=1.0)
    model = parameter(3.0, 4.0)
    normwatch.clip_grad_norm_([model], 0.5)
    normwatch.clip_grad_norm_([model], 1.0)  # clips for the run itself again, in the same step
    run.log()
    normwatch.clip_grad_norm_([model], 1.0)
    run.log()
    run.finish()
    assert ["max_norm" in point for point in server.points("r").values()] == [False, False]


def test_steps_without_a_cap_before_the_first_cap_are_said_to_have_none(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    for cap in (math.inf, math.inf, 1.0, 1.0):
        normwatch.clip_grad_norm_([parameter(3.0, 4.0)], cap)
        run.log()
    run.finish()
    caps = [point.get("max_norm") for point in server.points("r").values()]
    assert caps == ["Infinity", "Infinity", None, None]
    assert server.runs["r"]["fields"]["clip"] == {"mode": "norm", "max_norm": 1.0}


def test_the_norm_for_which_torch_raises_is_on_record(start: Any, server: FakeServer) -> None:
    with pytest.raises(RuntimeError, match="non-finite"), start(id="r") as run:
        run.log(loss=1.0)
        normwatch.clip_grad_norm_([parameter(math.nan, 1.0)], 1.0, error_if_nonfinite=True)
    assert server.points("r")[1] == {"grad_norm": "NaN"}
    assert server.runs["r"]["status"] == "failed"


def test_a_17th_part_is_refused_and_the_others_stay(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    run = start(id="r")
    parameters = [parameter(float(i)) for i in range(20)]
    for one in parameters:  # some trainings clip each parameter separately
        normwatch.clip_grad_norm_(one, 1.0)
    run.log()
    run.finish()
    assert len(server.points("r")[0]) <= 2 * 16
    assert any("at most 16 parts" in record.message for record in caplog.records)


def test_a_part_beyond_the_sixteenth_costs_no_other_reading(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    for number in range(20):
        run.log(step=0, **{f"grad_norm/p{number}": 1.0, "loss": float(number)})
    run.finish()
    assert server.points("r")[0] == {**{f"grad_norm/p{number}": 1 for number in range(16)}, "loss": 19}


def test_a_seventeenth_part_is_told_once_and_the_others_keep_their_readings_and_caps(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    run = start(id="r")
    parts = [run.part(f"p{number}", max_norm=1.0) for number in range(20)]
    for part in parts:
        part.clip_grad_norm_([parameter(3.0, 4.0)], 1.0)
        part.log(loss=2.0)
        run.clip_grad_norm_([parameter(3.0, 4.0)], 1.0, part=f"also-{part.name}")
    run.part("p0", max_norm=0.5)
    run.log(**{"grad_norm/other": 1.0, "fid": 3.0})
    assert run.finish().sent == 1
    names = [f"p{number}" for number in range(16)]
    expected = {**{f"grad_norm/{name}": 5 for name in names}, **{f"loss/{name}": 2 for name in names}, "fid": 3}
    assert server.points("r") == {0: expected}
    caps = {name: about["clip"]["max_norm"] for name, about in server.runs["r"]["fields"]["parts"].items()}
    assert caps == {**dict.fromkeys(names, 1.0), "p0": 0.5}
    assert [record.message for record in caplog.records] == [
        "part 'p16' cannot be added: a run has at most 16 parts; its readings are not kept (ignored; warned once)"
    ]


def test_names_that_the_server_refuses_cost_no_other_reading_and_few_requests(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture, spool: Path
) -> None:
    """The run has other parts from an earlier process, so only the server knows that these are too many."""
    refused = {"grad_norm/new", "clip_fraction/other"}

    def misbehave(request: Request) -> Answer | None:
        is_over = request.method == "POST" and not refused.isdisjoint(request.body.get("columns", {}))
        return refusal(413, "too_many_metrics", "A run has at most 16 parts; this makes it 17.") if is_over else None

    server.misbehave = misbehave
    run = start(id="r")
    for step in range(3_000):
        run.log(step=step, loss=1.0, lr=0.1, **({"grad_norm/new": 2.0, "clip_fraction/other": 0.5} if step > 9 else {}))
    run.flush()
    before = len(server.requests)
    run.log(step=3_000, loss=1.0, **{"grad_norm/new": 2.0})
    run.log(step=3_001, **{"grad_norm/new": 2.0})
    report = run.finish()
    assert (report.sent, report.refused, report.lost) == (3_001, 2 * 2_990 + 2, 0)
    assert server.points("r") == {step: {"loss": 1, **({"lr": 0.1} if step < 3_000 else {})} for step in range(3_001)}
    assert before < 30
    assert len(server.requests) == before + 2  # the rest, and the end
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "the server refused readings (413 A run has at most 16 parts"
    ]
    [kept] = spool.glob("*.refused.ndjson")
    lines = [json.loads(line)["columns"] for line in kept.read_text().splitlines()[1:]]
    assert {name for line in lines for name in line} == {"step", "time", *refused}


def test_an_id_that_is_a_path_is_refused_at_the_call(start: Any, server: FakeServer) -> None:
    start(id="..").finish()
    (run_id,) = server.runs
    assert run_id != ".."
