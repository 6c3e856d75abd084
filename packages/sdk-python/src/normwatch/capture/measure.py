"""The norm of gradients that nothing clipped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..clipping import whole


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
        return whole(total)


def _norm(torch: Any, gradient: Any) -> Any:
    half = gradient.dtype in (torch.float16, torch.bfloat16)
    return torch.linalg.vector_norm(gradient, 2.0, dtype=torch.float32) if half else torch.linalg.vector_norm(gradient)
