"""Unusual but legal trainings, for `test_unusual_trainings.py`. Each trains with its own reference of the readings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Callable

import torch

Note = Callable[..., None]
"""Notes the readings that a step should have."""
STEPS = 6


def norm_of(parameters: Iterable[Any]) -> float:
    """The L2 norm of their gradients, from its definition, in float64."""
    gradients = [p.grad.to_dense() if p.grad.is_sparse else p.grad for p in parameters if p.grad is not None]
    return math.sqrt(sum(float(gradient.abs().double().square().sum()) for gradient in gradients))


def build(*, dtype: torch.dtype = torch.float32) -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(dtype)


def loss_of(model: torch.nn.Module, step: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(step)
    return model(torch.randn(16, 4, generator=generator).to(dtype)).square().mean()


def trainings_of(module: dict[str, Any]) -> list[Callable[[Note], Any]]:
    """The trainings that a module defines, given its globals."""
    return [
        value
        for value in module.values()
        if callable(value)
        and getattr(value, "__module__", "") == module["__name__"]
        and list(value.__annotations__) == ["note", "return"]
    ]


def a_closure_that_is_evaluated_twice(note: Note) -> Any:
    class Twice(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            with torch.enable_grad():
                loss = closure()
                closure()
            super().step()
            return loss

    model = build()
    torch.optim.SGD([torch.zeros(1)], lr=0.1)  # torch wraps the step of a class when its first object is made
    optimizer = Twice(model.parameters(), lr=0.1)
    for step in range(STEPS):

        def closure(step: int = step) -> Any:
            optimizer.zero_grad()
            loss = loss_of(model, step)
            loss.backward()
            return loss

        loss = closure()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.zero_grad()
        optimizer.step(closure=closure)
    return model


def an_optimizer_that_is_created_late(note: Note) -> Any:
    model, head = build(), torch.nn.Linear(1, 1)
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1)]
    for step in range(STEPS):
        if step == STEPS // 2:
            optimizers.append(torch.optim.Adam(head.parameters(), lr=0.01))
        loss = head(model(torch.ones(4, 4) * step)).square().mean()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        also = {"grad_norm/adam": norm_of(head.parameters())} if step >= STEPS // 2 else {}
        note(grad_norm=norm_of(model.parameters()), **also)
        for optimizer in optimizers:
            optimizer.step()
    return torch.nn.ModuleList([model, head])


def a_parameter_group_that_is_added(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    for step in range(STEPS):
        if step == STEPS // 2:
            optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.01})
        model.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        seen = model if step >= STEPS // 2 else model[0]
        note(grad_norm=norm_of(seen.parameters()), loss=loss)
        optimizer.step()
    return model


def parameters_that_are_frozen(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for step in range(STEPS):
        model[0].requires_grad_(step % 3 != 1)
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def a_layer_that_is_skipped_at_some_steps(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        features = torch.ones(4, 8) * step if step % 2 else torch.tanh(model[0](torch.ones(4, 4)))
        loss = model[2](features).square().mean()
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def sparse_gradients(note: Note) -> Any:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(10, 4, sparse=True), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = model(torch.tensor([step, step, 9])).square().mean()  # a row twice: its gradients must be added first
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def clipping_without_foreach(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, foreach=False)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1, foreach=False)
        optimizer.step()
    return model


def a_fused_optimizer(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def hooks_of_the_optimizer_that_raise(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def refuse(*_: Any) -> None:
        if refused:
            raise RuntimeError("refused")

    optimizer.register_step_pre_hook(refuse)
    for step in range(STEPS):
        refused = step % 3 == 1
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss, **({"skipped": 1.0} if refused else {}))
        with suppress(RuntimeError):
            optimizer.step()
    return model


def steps_that_raise(note: Note) -> Any:
    class Raising(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            if raises:
                raise FloatingPointError("not this step")
            return super().step(closure)

    model = build()
    optimizer = Raising(model.parameters(), lr=0.1)
    for step in range(STEPS):
        raises = step in (2, 3)
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss, **({"skipped": 1.0} if raises else {}))
        with suppress(FloatingPointError):
            optimizer.step()
    return model


def a_subclass_that_calls_its_base_class(note: Note) -> Any:
    class Decaying(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            result = super().step(closure)
            self.zero_grad()
            return result

    model = build()
    torch.optim.SGD([torch.zeros(1)], lr=0.1)  # torch wraps the step of a class when its first object is made
    optimizer = Decaying(model.parameters(), lr=0.1)
    for step in range(STEPS):
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def clipping_in_a_hook_of_the_optimizer(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1) and None)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def two_optimizers_clipped_first_and_stepped_later(note: Note) -> Any:
    models = [build(), build()]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    for step in range(STEPS):
        for model in models:
            model.zero_grad()
            loss_of(model, step).backward()
        note(**{f"grad_norm/sgd-{i + 1}": norm_of(model.parameters()) for i, model in enumerate(models)})
        for model in models:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        for optimizer in optimizers:
            optimizer.step()
    return torch.nn.ModuleList(models)


def gradients_of_a_functional_call(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        weights = dict(model.named_parameters())

        def loss(weights: Any, step: int = step) -> Any:
            return torch.func.functional_call(model, weights, (torch.ones(4, 4) * step,)).square().mean()

        for name, gradient in torch.func.grad(loss)(weights).items():
            weights[name].grad = gradient
        note(grad_norm=norm_of(model.parameters()))
        optimizer.step()
    return model


def float64_weights(note: Note) -> Any:
    model = build(dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step, torch.float64)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def complex_weights(note: Note) -> Any:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 2, dtype=torch.complex64))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4, dtype=torch.complex64)).abs().square().mean()
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def an_optimizer_inside_another(note: Note) -> Any:
    class Lookahead(torch.optim.Optimizer):
        def __init__(self, inner: torch.optim.Optimizer) -> None:
            self.inner = inner
            super().__init__(inner.param_groups[0]["params"], {"lr": 0.1})

        def step(self, closure: Any = None) -> Any:
            return self.inner.step(closure)

    model = build()
    optimizer = Lookahead(torch.optim.SGD(model.parameters(), lr=0.1))
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def a_schedule_that_wraps_the_step(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=STEPS + 1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss, lr=optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return model


TRAININGS = trainings_of(globals())
