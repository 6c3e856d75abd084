from __future__ import annotations

import torch
from accelerate import Accelerator
from fake_server import FakeServer

import normwatch
from normwatch.accelerate import NormwatchTracker


def test_an_accelerator_logs_to_the_run_that_the_clip_calls_record_to(server: FakeServer) -> None:
    accelerator = Accelerator(cpu=True, log_with=NormwatchTracker(id="a", project="p"))
    accelerator.init_trackers("p", config={"lr": 0.1})
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = accelerator.prepare(model, optimizer)
    norms = []
    for step in range(5):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 4)).square().mean()
        accelerator.backward(loss)
        norms.append(normwatch.clip_grad_norm_(model.named_parameters(), 0.5).item())
        optimizer.step()
        accelerator.log({"loss": loss.item()}, step=step)
    accelerator.end_training()
    assert [point["grad_norm"] for point in server.points("a").values()] == norms
    assert all("loss" in point for point in server.points("a").values())
    assert server.runs["a"]["fields"]["config"] == {"lr": 0.1}
    assert server.runs["a"]["status"] == "finished"


def test_the_name_of_a_wrapped_optimizer_is_the_name_of_the_one_inside(server: FakeServer) -> None:
    accelerator = Accelerator(cpu=True)
    optimizer = accelerator.prepare(torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.25))
    run = normwatch.init(id="a", optimizer=optimizer)
    run.log(loss=1.0)
    run.finish()
    assert server.runs["a"]["fields"]["optimizer"] == "adamw"
    assert server.points("a")[0]["lr"] == 0.25
