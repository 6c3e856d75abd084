"""The parameters given to a clip call: their gradients, their layers, and the norms that torch computes of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any


class Given:
    """`parameters` as torch wants them, and the layer of each gradient where the parameters came with names."""

    def __init__(self, parameters: Any) -> None:
        import torch

        self.tensors: Any = parameters
        names: list[str] | None = None
        if not isinstance(parameters, torch.Tensor):
            # an iterator can be read once only, and torch has to read it too
            self.tensors = list(parameters)
            if self.tensors and isinstance(self.tensors[0], tuple):
                names = [name for name, _ in self.tensors]
                self.tensors = [tensor for _, tensor in self.tensors]
        self._every = [self.tensors] if isinstance(self.tensors, torch.Tensor) else self.tensors
        self.layers: list[str] | None = None
        if names is not None:
            with_gradient = (name for name, tensor in zip(names, self._every) if tensor.grad is not None)
            self.layers = [name.rpartition(".")[0] or name for name in with_gradient]

    @cached_property
    def gradients(self) -> list[Any]:
        """The gradients that exist, detached."""
        return [tensor.grad.detach() for tensor in self._every if tensor.grad is not None]

    def total_norm(self, norm_type: float) -> Any:
        """The norm that torch's clip call would return, without clipping."""
        import torch

        if not self.gradients:
            return torch.tensor(0.0)
        if hasattr(torch.nn.utils, "get_total_norm"):
            return torch.nn.utils.get_total_norm(self.gradients, norm_type)
        # torch < 2.6: as its clip_grad_norm_ computes it
        norms = self.norms(norm_type)
        return norms.max() if float(norm_type) == math.inf else torch.norm(norms, float(norm_type))

    def norms(self, norm_type: float) -> Any:
        """The norm of each gradient, in one tensor on the first one's device. Reads all gradients."""
        import torch

        device = self.gradients[0].device
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in self.gradients]
        if float(norm_type) == math.inf:
            return torch.stack([gradient.abs().max().to(device) for gradient in dense])
        return torch.stack([torch.norm(gradient, float(norm_type)).to(device) for gradient in dense])

    @contextlib.contextmanager
    def listen(self, norm_type: float) -> Iterator[list[Any]]:
        """
        Yields a list that holds the norms of the gradients, in one tensor, when the body is left: those that torch
        itself computes in the body where they can be told apart, else from a pass of its own before.
        """
        heard: list[Any] = []
        if not self.gradients:
            yield heard
        elif self._is_uniform():
            with _listener(len(self.gradients), heard):
                yield heard
        else:
            # where a gradient cannot be measured, torch's own call raises
            with contextlib.suppress(Exception):
                heard.append(self.norms(norm_type))
            yield heard

    def _is_uniform(self) -> bool:
        """Whether torch stacks the norms in the order of the gradients: it groups them by device and type."""
        first = self.gradients[0]
        return len(self.gradients) > 1 and all(
            g.device == first.device and g.dtype == first.dtype and not g.is_sparse for g in self.gradients
        )


def _listener(count: int, heard: list[Any]) -> Any:
    """A context that captures the norms of the gradients: torch stacks them, as many numbers as there are gradients."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Listener(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            if function is torch.stack and not heard and result.shape == (count,):
                heard.append(result)
            return result

    return Listener()
