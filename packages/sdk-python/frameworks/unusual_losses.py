"""Trainings with unusual calls of backward, for `test_unusual_trainings.py`: what the loss of a step is."""

from __future__ import annotations

import threading
from typing import Any

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


TRAININGS = trainings_of(globals())
