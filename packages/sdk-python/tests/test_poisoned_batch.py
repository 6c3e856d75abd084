"""From a spike in a real training to the name of the batch that caused it, with a real server."""

from __future__ import annotations

import time
from typing import Any

import torch
from service import Service

import normwatch

BATCHES = 160
POISONED = 97
PATIENCE_SECONDS = 60.0


def train(service: Service) -> str:
    """Linear regression, in which the targets of one batch were never scaled. Returns the id of the run."""
    torch.manual_seed(3)
    run = normwatch.init(project="poisoned", max_norm=100.0, url=service.url)
    model = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for number in range(BATCHES):
        inputs = torch.randn(32, 8)
        targets = inputs.sum(1, keepdim=True) + torch.randn(32, 1)
        if number == POISONED:
            targets = targets * 1000
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        normwatch.clip_grad_norm_(model.named_parameters(), max_norm=100.0)
        optimizer.step()
        run.log(loss=loss, batch=f"shard-3:{32 * number}-{32 * number + 31}")
    assert run.finish() == (BATCHES, 0, 0, 0, None)
    return run.id


def spike_of(service: Service, run: str) -> dict[str, Any]:
    """The finding, once what happened around its beginning is known."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        findings = service.get(f"/findings?run={run}")["findings"]
        for finding in findings:
            if finding["kind"] == "spike" and finding["explained"] and finding["events"]:
                found: dict[str, Any] = finding
                return found
        time.sleep(0.1)
    raise AssertionError(findings)


def test_a_poisoned_batch_is_found_by_its_name(service: Service) -> None:
    finding = spike_of(service, train(service))
    assert finding["opened_step"] == finding["onset"] == POISONED
    named = {event["step"]: (event["label"], event["text"]) for event in finding["events"]}
    assert named[POISONED] == ("batch", f"shard-3:{32 * POISONED}-{32 * POISONED + 31}")
    assert [cause["cause"] for cause in finding["diagnosis"]] == ["outlier_batches"]
