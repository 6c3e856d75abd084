"""Trainings with unusual calls of backward, for `test_unusual_trainings.py`: what the loss of a step is."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Callable

import torch
from unusual import STEPS, Note, build, loss_of, norm_of, trainings_of


def backward_in_another_thread(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        thread = threading.Thread(target=loss.backward)
        thread.start()
        thread.join()
        note(grad_norm=norm_of(model.parameters()))
        optimizer.step()
    return model


def a_step_inside_backward(note: Note) -> Any:
    model = torch.nn.Sequential(torch.nn.Linear(4, 1, bias=False))
    torch.nn.init.ones_(model[0].weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step_at_once(parameter: torch.Tensor) -> None:
        note(grad_norm=norm_of([parameter]), loss=loss)
        optimizer.step()
        optimizer.zero_grad()

    model[0].weight.register_post_accumulate_grad_hook(step_at_once)
    for step in range(STEPS):
        loss = loss_of(model, step)
        loss.backward()
    return model


def backward_of_autograd(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        if step % 2:
            torch.autograd.backward(loss, torch.tensor(1.0))
        else:
            torch.autograd.backward(tensors=[loss])
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def several_losses_in_one_backward(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        losses = [loss_of(model, step), loss_of(model, step + STEPS)]
        weights = [torch.tensor(0.5), torch.tensor(2.0)] if step % 2 else None  # then no tensor has the loss
        torch.autograd.backward(losses, weights)
        note(grad_norm=norm_of(model.parameters()), loss=None if step % 2 else sum(losses))
        optimizer.step()
    return model


def backward_of_some_inputs(note: Note) -> Any:
    model = build()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, step)
        loss.backward(inputs=list(model[2].parameters()))
        note(grad_norm=norm_of(model[2].parameters()), loss=loss)
        optimizer.step()
    return model


def gradients_of_autograd_grad(note: Note) -> Any:
    """A gradient penalty, whose inner gradients are no step's. Which tensor is the loss cannot be known."""
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        inputs = torch.ones(4, 4, requires_grad=True)
        (slope,) = torch.autograd.grad(model(inputs).sum(), inputs, create_graph=True)
        loss = loss_of(model, step) + slope.square().mean()
        for parameter, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
            parameter.grad = gradient
        note(grad_norm=norm_of(model.parameters()), loss=None)
        optimizer.step()
    return model


def checkpointed_activations_of_one_number(note: Note) -> Any:
    """In the backward pass, the checkpoint calls backward again, on the one number that the layers gave."""
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        inputs = torch.full((16, 4), float(step), requires_grad=True)
        squares = torch.utils.checkpoint.checkpoint(lambda x: model(x).square().mean(), inputs, use_reentrant=True)
        loss = 3 * squares
        loss.backward()
        note(grad_norm=norm_of(model.parameters()), loss=loss)
        optimizer.step()
    return model


def a_loss_that_is_a_subclass_of_tensor(note: Note) -> Any:
    class Loss(torch.Tensor):
        pass

    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        losses = [loss_of(model, step + half).as_subclass(Loss) for half in (0, STEPS)]
        losses[0].backward()
        torch.autograd.backward(losses[1])
        note(grad_norm=norm_of(model.parameters()), loss=sum(losses) / 2)
        optimizer.step()
    return model


def scaled_losses(note: Note) -> Any:
    """The losses that a GradScaler has scaled, in another order, as a list, or changed: then the loss is not known."""
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    for step in range(STEPS):
        optimizer.zero_grad()
        losses = [loss_of(model, step), loss_of(model, step + STEPS)]
        scaled = scaler.scale(losses) if step % 2 else [scaler.scale(loss) for loss in losses]
        is_changed = step == STEPS // 2
        for loss in reversed(scaled):
            (loss / 2 if is_changed else loss).backward()
        scaler.unscale_(optimizer)
        note(grad_norm=norm_of(model.parameters()), loss=None if is_changed else sum(losses) / 2)
        scaler.step(optimizer)
        scaler.update()
    return model


def accumulated(note: Note, shares: Callable[[torch.Tensor, int], Any], sizes: Iterable[int], expected: Any) -> Any:
    """Trains in steps of `sizes` micro-batches. `shares` gives each one's root; `expected` their step's loss."""
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step, size in enumerate(sizes):
        optimizer.zero_grad()
        squares = [(model(inputs_of(10 * step + at)) - 1).square() for at in range(size)]
        for each in squares:
            shares(each, size).backward()
        note(loss=expected([each.detach() for each in squares]))
        optimizer.step()
    return model


def inputs_of(seed: int) -> torch.Tensor:
    """A batch whose size depends on the seed."""
    return torch.randn(8 + seed % 3, 4, generator=torch.Generator().manual_seed(seed))


def mean_of_means(squares: list[torch.Tensor]) -> Any:
    return sum(each.mean() for each in squares) / len(squares)


RAGGED = (4, 4, 3, 4, 1, 4)
"""The sizes of steps in an epoch whose last steps are shorter."""


def losses_times_a_share(note: Note) -> Any:
    return accumulated(note, lambda squares, _: squares.mean() * 0.25, RAGGED, mean_of_means)


def losses_divided_by_the_micro_batches_of_a_full_step(note: Note) -> Any:
    return accumulated(note, lambda squares, _: squares.mean() / 4, RAGGED, mean_of_means)


def losses_divided_by_the_micro_batches_of_their_step(note: Note) -> Any:
    return accumulated(note, lambda squares, size: squares.mean() / size, RAGGED, mean_of_means)


def weighted_losses_that_are_divided(note: Note) -> Any:
    halves = lambda squares, _: squares.mean() * 0.5 / 4  # noqa: E731
    return accumulated(note, halves, RAGGED, lambda squares: mean_of_means(squares) / 2)


def weighted_losses_that_are_not_divided(note: Note) -> Any:
    return accumulated(
        note, lambda squares, _: 0.01 * squares.mean(), RAGGED, lambda squares: mean_of_means(squares) / 100
    )


def losses_divided_before_a_full_step_was_seen(note: Note) -> Any:
    """Whether 4 is the number of micro-batches or a weight cannot be known."""
    return accumulated(note, lambda squares, _: squares.mean() / 4, (2, 2, 2), lambda _: None)


def sums_divided_by_their_own_items(note: Note) -> Any:
    return accumulated(note, lambda squares, _: squares.sum() / squares.numel(), RAGGED, mean_of_means)


def sums_divided_by_the_items_of_the_step(note: Note) -> Any:
    items = [sum(len(inputs_of(10 * step + at)) for at in range(size)) for step, size in enumerate(RAGGED)]
    left = [number for number, size in zip(items, RAGGED) for _ in range(size)]
    mean_of_items = lambda squares: torch.cat(squares).mean()  # noqa: E731
    return accumulated(note, lambda squares, _: squares.sum() / left.pop(0), RAGGED, mean_of_items)


def entropies_divided_by_the_items_of_the_step(note: Note) -> Any:
    """As the models of Transformers do: a count in a tensor, and half of the items are ignored."""
    model = torch.nn.Linear(4, 3)
    with torch.no_grad():
        for seed, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for size in (4, 2, 4):
        optimizer.zero_grad()
        labels = torch.tensor([0, 1, 2, 0, -100, -100, -100, -100])
        count = torch.tensor(4 * size)
        entropies = [
            torch.nn.functional.cross_entropy(model(torch.eye(8, 4) * at), labels, reduction="sum")
            for at in range(size)
        ]
        for entropy in entropies:
            (entropy / count).backward()
        note(loss=sum(entropies) / count)
        optimizer.step()
    return model


TRAININGS = trainings_of(globals())
