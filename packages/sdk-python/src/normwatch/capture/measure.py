"""Norms of gradients that nothing clipped, and which of them this rank cannot know."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def is_sharded(tensor: Any) -> bool:
    """A DTensor: its value is spread over the ranks."""
    return hasattr(tensor, "full_tensor")


def whole_number(total: Any) -> Any:
    """One number of a DTensor; every rank has to call it."""
    return total.full_tensor()


def local_shard_reason(parameters: Sequence[Any]) -> str | None:
    """What the parameters are where their gradients on this rank are a share only, else None."""
    for parameter in parameters[:1]:
        if type(parameter).__name__ == "FlatParameter" or getattr(parameter, "_fsdp_flattened", False):
            return "an FSDP module (call its own clip_grad_norm_)"
    return None


def norm_of_gradients(gradients: Sequence[Any]) -> Any:
    """The L2 norm of all gradients, summed in float32 at least, as one number on the first one's device."""
    torch = sys.modules["torch"]
    with torch.no_grad():
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
        dense = [gradient for gradient in dense if gradient.numel() > 0]
        if not dense:
            return None
        device = dense[0].device
        is_uniform = all(gradient.device == device and gradient.dtype == dense[0].dtype for gradient in dense)
        if is_uniform and not dense[0].is_complex() and dense[0].dtype in (torch.float32, torch.float64):
            norms = list(torch._foreach_norm(dense, 2.0))
        else:
            norms = [_norm(torch, gradient).to(device) for gradient in dense]
        total = torch.linalg.vector_norm(torch.stack(norms), 2.0)
        return whole_number(total) if is_sharded(total) else total


def _norm(torch: Any, gradient: Any) -> Any:
    half = gradient.dtype in (torch.float16, torch.bfloat16)
    return torch.linalg.vector_norm(gradient, 2.0, dtype=torch.float32) if half else torch.linalg.vector_norm(gradient)
