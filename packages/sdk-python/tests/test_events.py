"""Marks on a run's steps: user events, the batch of a suspicious step, and names of non-finite gradients."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_server import FakeServer, Request, refusal

import normwatch
from normwatch.batch_ids import describe


def events(server: FakeServer, run: str = "r") -> list[tuple[int, str, str | None]]:
    return [(event["step"], event["label"], event.get("text")) for event in server.runs[run].get("events", [])]


def test_an_event_marks_the_last_step_or_the_one_it_names(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    for _ in range(5):
        run.log(loss=1.0)
    run.event("checkpoint", text="last.pt")
    run.event("stage 2", step=9)
    run.finish()
    assert events(server) == [(4, "checkpoint", "last.pt"), (9, "stage 2", None)]


@pytest.mark.parametrize(
    "arguments", [{"label": ""}, {"label": "x" * 129}, {"label": 3}, {"label": "x", "text": "x" * 2049}]
)
def test_an_event_that_the_server_would_refuse_is_a_warning(
    start: Any, server: FakeServer, caplog: pytest.LogCaptureFixture, arguments: dict[str, Any]
) -> None:
    run = start(id="r")
    run.event(**arguments)
    run.finish()
    assert (events(server), len(caplog.records)) == ([], 1)


def test_a_training_that_resumes_says_where(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    run.log(loss=1.0)
    run.finish()
    start(id="r", resume=True, from_step=1).finish()
    assert events(server) == [(1, "resumed", None)]


def test_a_cap_or_the_groups_of_an_optimizer_that_change_are_events(start: Any, server: FakeServer) -> None:
    layer = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD([layer.weight], lr=0.1)
    run = start(id="r", max_norm=1.0, optimizer=optimizer)
    for step in range(12):
        if step == 4:
            optimizer.add_param_group({"params": [layer.bias]})
        layer(torch.ones(1, 2)).sum().backward()
        run.clip_grad_norm_(layer.parameters(), 0.5 if 6 <= step < 9 else 1.0)
        run.log()
    run.finish()
    assert events(server) == [
        (4, "lr group changed", "parameter groups: 1 → 2"),
        (6, "cap changed", "max_norm: 1 → 0.5"),
        (9, "cap changed", "max_norm: 0.5 → 1"),
    ]


def test_a_cap_that_follows_a_schedule_is_a_bounded_number_of_events(start: Any, server: FakeServer) -> None:
    layer = torch.nn.Linear(2, 1)
    run = start(id="r")
    for step in range(300):
        layer(torch.ones(1, 2)).sum().backward()
        run.clip_grad_norm_(layer.parameters(), 1.0 + step)
        run.log()
    run.finish()
    assert len(events(server)) == 100


def test_a_server_without_events_costs_no_reading_and_one_warning(
    start: Any, server: FakeServer, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def older(request: Request) -> Any:
        return refusal(404, "not_found") if request.path.endswith("/events") else None

    server.misbehave = older
    run = start(id="r")
    for _ in range(3):
        run.event("x")
        run.log(loss=1.0)
        run.flush()
    assert run.finish() == (3, 0, 0, 0, None)
    assert len(caplog.records) == 1
    assert not spool.exists()


def test_the_batches_around_a_suspicious_norm_are_sent_and_no_others(start: Any, server: FakeServer) -> None:
    run = start(id="r")
    asked = []

    def ids(step: int) -> Any:
        def answer() -> str:
            asked.append(step)
            return f"shard-3:{step}"

        return answer

    for step in range(60):
        norm = {30: 50.0, 50: math.nan}.get(step, 1.0)
        run.log(grad_norm=torch.tensor(norm), batch=ids(step))
    run.finish()
    around = [*range(28, 33), *range(48, 53)]
    assert sorted(set(asked)) == around
    assert events(server) == [(step, "batch", f"shard-3:{step}") for step in around]


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ("shard-3", "shard-3"),
        ([7, 8, 9, 12], "7–9, 12"),
        (torch.tensor([1, 2, 5]), "1–2, 5"),
        (["a", "b"], "a, b"),
        (lambda: 4, "4"),
        (3.5, "unreadable: TypeError: 'float' object is not iterable"),
        (list(range(0, 9000, 2)), None),
    ],
    ids=repr,
)
def test_ids_of_any_kind_are_text(ids: Any, text: str | None) -> None:
    described = describe(ids)
    assert len(described) <= 2048
    assert text in (None, described)


def test_at_the_first_norm_that_is_not_finite_the_gradients_that_are_not_are_named(
    start: Any, server: FakeServer
) -> None:
    run = start(id="r")
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    for step in range(4):
        model.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        if step >= 2:
            model[0].weight.grad[0, 0] = math.nan
        normwatch.clip_grad_norm_(model.named_parameters(), 1.0)
        run.log()
    run.finish()
    assert events(server) == [(2, "non-finite gradients", "0.weight")]
