"""A training whose steps differ: recorded once by the fast path of usual steps, and once without it."""

import random
import sys

import torch

import normwatch
from normwatch.capture.recording import Recording
from normwatch.capture.usual_step import UsualStep

STEPS = 60


def train(seed: int) -> None:
    choose = random.Random(seed)
    torch.manual_seed(seed)
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD([{"params": [model.weight]}, {"params": [model.bias], "lr": 0.01}], lr=0.1)
    clips = True
    for step in range(STEPS):
        unusual = choose.choice((*"abcdefghij", *(" " * 20)))
        if unusual == "a":
            clips = not clips
        optimizer.zero_grad(set_to_none=unusual != "b")
        for _ in range(3 if unusual == "c" else 1):
            loss = model(torch.randn(8, 4)).square().mean()
            if unusual == "d":
                loss = loss.reshape(1)
            loss.backward()
        loss.detach().zero_()  # what was read must not change with it
        if unusual == "e":
            continue  # a skipped step
        if clips:
            cap = 0.5 if unusual == "f" else 1
            total = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=cap)
            total.zero_()
        if unusual == "g":
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        if unusual == "h":
            optimizer.param_groups[1]["lr"] = torch.tensor(0.02)
        if unusual == "i":
            optimizer.step(lambda loss=loss: loss)
        else:
            optimizer.step()
        if unusual == "j":
            normwatch.current_run().log(step=step, extra=1.0)
        optimizer.param_groups[0]["lr"] *= 0.99


if __name__ == "__main__":
    log, logged = UsualStep.log, []
    UsualStep.log = lambda *arguments: logged.append(log(*arguments)) or logged[-1]
    for seed in map(int, sys.argv[1:]):
        for kind in ("fast", "slow"):
            if kind == "slow":
                usual_step, Recording.usual_step = Recording.usual_step, lambda *_: None
            normwatch.autolog(id=f"{kind}-{seed}", log_config=False)
            train(seed)
            normwatch.autolog(False)
            normwatch.finish()
        Recording.usual_step = usual_step
    print("steps by the fast path:", sum(logged))
