"""The same promises with a real Normwatch server, over a million calls, kills and restarts."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from service import Service

import normwatch
from normwatch.__main__ import main

MILLION = 1_000_000
MAX_MEMORY_KB = 400 * 1024
MANY_CALLS = f"""
import re, sys, normwatch
run = normwatch.init(id=sys.argv[1])
for i in range({MILLION}):
    run.log(grad_norm=i * 0.37 + 1.5, loss=i * 0.11)
    if i in (300_000, 600_000):
        print(i, flush=True)
report = run.finish(timeout=float(sys.argv[2]))
highest = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
print(report.sent, report.unsent, report.refused, report.lost, highest)
"""


def log_a_million(url: str, spool: Path, run: str, timeout: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "NORMWATCH_URL": url, "NORMWATCH_SPOOL": str(spool)}
    command = [sys.executable, "-c", MANY_CALLS, run, str(timeout)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> list[int]:
    output, _ = process.communicate(timeout=200)
    *report, memory = map(int, output.split()[-5:])
    assert memory < MAX_MEMORY_KB
    return report


def check_all_are_there(service: Service, run: str) -> None:
    count = 0
    for i, point in enumerate(service.points(run)):
        assert (point["step"], point["grad_norm"], point["loss"]) == (i, i * 0.37 + 1.5, i * 0.11)
        count += 1
    assert count == MILLION


def test_a_training_is_on_the_server_as_it_was_logged(service: Service) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = normwatch.init(
        "real", "a name", id="real-1", max_norm=0.5, optimizer=optimizer, config={"x": 1}, url=service.url
    )
    logged = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = (model(torch.randn(16, 4)) - 1).square().mean()
        loss.backward()
        norm = normwatch.clip_grad_norm_(model.named_parameters(), max_norm=0.5)
        optimizer.step()
        run.log(loss=loss)
        logged.append((norm.item(), loss.item()))
    run.log(grad_norm=math.nan, loss=math.inf)
    assert run.finish() == (51, 0, 0, 0, None)
    points = list(service.points("real-1"))
    assert [(point["grad_norm"], point["loss"]) for point in points[:50]] == logged
    assert (points[50]["grad_norm"], points[50]["loss"], points[50]["lr"]) == ("NaN", "Infinity", 0.1)
    assert layers_of(points[0]) == {"0", "2"}
    page: dict[str, Any] = service.get("/runs/real-1")
    assert {key: page[key] for key in ("project", "name", "status", "clip", "optimizer", "config", "points")} == {
        "project": "real",
        "name": "a name",
        "status": "finished",
        "clip": {"mode": "norm", "max_norm": 0.5},
        "optimizer": "sgd",
        "config": {"x": 1},
        "points": 51,
    }


def layers_of(point: dict[str, Any]) -> set[str]:
    flat = {key.removeprefix("layers/") for key in point if key.startswith("layers/")}
    return flat | set(point.get("layers", {}))


def test_a_cap_that_is_none_costs_itself_only(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    run = normwatch.init(project="python", url=service.url)
    for cap in (1.0, 0, -1.0, math.nan, math.inf):
        run.log(grad_norm=0.5, loss=2.0, max_norm=cap, **{"max_norm/critic": cap, "grad_norm/critic": 1.0})
    assert run.finish() == (5, 0, 0, 0, None)
    points = list(service.points(run.id))
    assert [point["loss"] for point in points] == [2.0] * 5
    for name in ("max_norm", "max_norm/critic"):
        assert [point.get(name) for point in points] == [1.0, None, None, None, "Infinity"]
    assert [record.message for record in caplog.records] == [
        "log: max_norm must be a number above 0; infinity means no cap at this step"
    ]


def test_parts_events_and_a_preempted_end_are_on_the_server(service: Service) -> None:
    run = normwatch.init(id="marks", url=service.url)
    parameter = torch.nn.Parameter(torch.zeros(2))
    for _ in range(3):
        parameter.grad = torch.tensor([3.0, 4.0])
        normwatch.clip_grad_norm_([parameter], 0.5, part="critic")
        normwatch.clip_grad_norm_([parameter], math.inf, part="actor")
        run.log(loss=1.0)
    run.event("checkpoint", text="last.pt")
    assert run.finish("preempted") == (3, 0, 0, 0, None)
    page = service.get("/runs/marks")
    assert page["status"] == "preempted"
    parts = {part["name"]: (part["clip"]["mode"], part["clipping"]["rate"]) for part in page["parts"]}
    assert parts == {"critic": ("norm", 1), "actor": ("none", 0)}
    events = service.get("/runs/marks/events")["events"]
    assert [(event["step"], event["label"], event["text"]) for event in events] == [(2, "checkpoint", "last.pt")]


def test_a_part_that_a_resumed_run_cannot_have_costs_itself_only(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with normwatch.init(id="many-parts", url=service.url) as run:
        for number in range(16):
            run.part(f"p{number}", max_norm=1.0).log(grad_norm=1.0)
    run = normwatch.init(id="many-parts", url=service.url, resume=True)
    for _ in range(3):
        run.part("new", max_norm=1.0).log(grad_norm=2.0, loss=3.0)
        run.part("p3", max_norm=0.5).log(grad_norm=4.0)
        run.log(fid=5.0)
    assert run.finish()[:4] == (3, 0, 3, 0)
    points = list(service.points("many-parts"))[1:]
    assert [(point["grad_norm/p3"], point["loss/new"], point["fid"]) for point in points] == [(4, 3, 5)] * 3
    parts = {part["name"]: part["clip"]["max_norm"] for part in service.get("/runs/many-parts")["parts"]}
    assert parts == {**{f"p{number}": 1 for number in range(16)}, "p3": 0.5}
    assert len([record for record in caplog.records if "16 parts" in record.message]) == 1


@pytest.mark.parametrize(("resumed_at", "steps"), [(None, [0, 1, 2, 3, 4]), (2, [0, 1, 2, 3]), (0, [0, 1])])
def test_a_training_goes_on_after_the_last_step_of_its_run_or_from_the_step_it_names(
    service: Service, resumed_at: int | None, steps: list[int]
) -> None:
    name = f"resumed-at-{resumed_at}"
    for count, arguments in ((3, {}), (2, {"resume": True, "from_step": resumed_at})):
        run = normwatch.init(id=name, url=service.url, **arguments)
        for _ in range(count):
            run.log(loss=float(count))
        run.finish()
    points = [(point["step"], point["loss"]) for point in service.points(name)]
    assert points == [(step, 3 if step < len(steps) - 2 else 2) for step in steps]


def test_a_training_that_resumes_an_unknown_run_begins_at_0(service: Service) -> None:
    run = normwatch.init(id="unknown", resume=True, url=service.url)
    run.log(loss=1.0)
    run.finish()
    assert [point["step"] for point in service.points("unknown")] == [0]


def test_a_training_goes_on_as_a_new_run_where_the_server_cannot_say(service: Service, spool: Path) -> None:
    first = normwatch.init(id="asked", url=service.url)
    first.log(loss=1.0)
    first.finish()
    service.kill()
    try:
        run = normwatch.init(id="asked", resume=True, url=service.url)
        run.log(loss=2.0)
        assert run.finish(timeout=0.5).unsent == 1
    finally:
        service.start()
    assert run.id.startswith("asked-")
    assert main(["--spool", str(spool), "sync"]) == 0
    assert [[point["loss"] for point in service.points(name)] for name in ("asked", run.id)] == [[1], [2]]


def test_a_million_calls_arrive(service: Service, spool: Path) -> None:
    assert end(log_a_million(service.url, spool, "million", 120)) == [MILLION, 0, 0, 0]
    assert service.get("/runs/million")["points"] == MILLION


def test_a_million_calls_arrive_though_the_server_is_killed_twice(service: Service, spool: Path) -> None:
    process = log_a_million(service.url, spool, "killed", 120)
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
        service.kill()
        service.start()
    assert end(process) == [MILLION, 0, 0, 0]
    check_all_are_there(service, "killed")
    # there is no spool folder if each new server was up before the next batch
    assert list(spool.glob("*")) == []


def test_a_million_calls_arrive_though_the_server_comes_after_the_end(service: Service, spool: Path) -> None:
    service.stop()
    try:
        assert end(log_a_million(service.url, spool, "after", 1)) == [0, MILLION, 0, 0]
    finally:
        service.start()
    assert main(["--spool", str(spool), "sync"]) == 0
    check_all_are_there(service, "after")
    assert service.get("/runs/after")["status"] == "finished"
    assert list(spool.iterdir()) == []


def test_the_doctor_looks_at_server_token_clock_and_spool(service: Service, spool: Path, capsys: Any) -> None:
    assert main(["--url", service.url, "--spool", str(spool), "doctor"]) == 0
    assert [line[:4] for line in capsys.readouterr().out.splitlines()] == ["ok  "] * 4
    assert main(["--url", "http://127.0.0.1:9", "--spool", str(spool), "doctor"]) == 1
    assert [line[:4] for line in capsys.readouterr().out.splitlines()] == ["FAIL", "FAIL", "FAIL", "ok  "]
