"""The fast path of captured steps. Between two steps the processor's caches are cold, so each line of it costs time."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from .. import current
from ..optimizers import parameters_of
from ..run import Run
from .agreement import Agreement
from .clip_call import ClipCall
from .measure import SmallNorm
from .parts import Part

if TYPE_CHECKING:
    from .pending import Pending


class UsualStep:
    """
    Records steps that are like the step before: the only optimizer of a training on a CPU steps, after its gradients
    were clipped, or measured here, once and by the rule that the server knows. Each method returns whether it did. If
    not, it has changed nothing, and the slow path of `CapturedTraining` takes over, with the same state.
    """

    __slots__ = (
        "_agreement",
        "_changes",
        "_clip",
        "_clips",
        "_first",
        "_gradients",
        "_losses",
        "_max_norm",
        "_norm_of",
        "_optimizer",
        "_part",
        "_rates",
        "_run",
        "_tensor",
    )

    def __init__(
        self,
        run: Run,
        part: Part,
        optimizer: Any,
        call: ClipCall,
        readings: Mapping[str, Any],
        pending: Pending,
        agreement: Agreement,
        measures: bool,
    ) -> None:
        """`call`, `readings`: of the step before, recorded to `run`. `pending`: of the thread that steps."""
        self._run = run
        self._part = part
        self._optimizer: Callable[[], Any] = weakref.ref(optimizer)
        self._clip = call.clip
        self._max_norm = call.clip.get("max_norm")
        self._first = weakref.ref(call.parameters[0])
        self._tensor = sys.modules["torch"].Tensor
        self._rates = [name for name in readings if name != "loss"]
        self._clips = pending.clips
        self._losses = pending.losses
        self._agreement = agreement
        self._changes = current.changes
        self._norm_of = SmallNorm()
        self._gradients = part.small_gradients if measures else 0

    def add_clip(self, tensors: list[Any], total: Any, max_norm: Any, norm_type: Any) -> bool:
        """Adds a clip call that returned `total`."""
        if type(max_norm) is not float and type(max_norm) is not int:
            return False  # a tensor may be on a device
        if type(total) is not self._tensor or not total.is_cpu or max_norm != self._max_norm or norm_type != 2.0:
            return False
        if self._clips or not tensors or tensors[0] is not self._first():
            return False
        norm = total.tolist()
        if type(norm) is not float:
            return False
        self._clips.append(ClipCall(tensors, self._clip, {"grad_norm": norm}, len(self._losses), True))
        return True

    def begin(self, optimizer: Any) -> bool:
        """Called before the optimizer steps. Measures the norm if there was no clip call."""
        if self._optimizer() is not optimizer or current.changes != self._changes or not self._losses:
            return False
        clips = self._clips
        if not clips:
            if not self._gradients or getattr(optimizer, "grad_scale", None) is not None:
                return False
            parameters = parameters_of(optimizer)
            gradients = [gradient for p in parameters if (gradient := p.grad) is not None]
            norm = self._norm_of(gradients) if len(gradients) == self._gradients else None
            if norm is None:
                return False
            clips.append(ClipCall(parameters, self._clip, {"grad_norm": norm}, len(self._losses), True, True))
        elif len(clips) != 1 or not clips[0].is_usual or clips[0].is_measured:
            return False
        self._part.steps += 1
        return True

    def log(self, optimizer: Any) -> bool:
        """Called after the optimizer has stepped."""
        clips = self._clips
        if len(clips) != 1 or not clips[0].is_usual:
            return False
        run, groups, seen = self._run, optimizer.param_groups, self._agreement.seen + 1
        if self._optimizer() is not optimizer or current.changes != self._changes or len(groups) != len(self._rates):
            return False
        # the ranks compare their norms at the steps whose number is a power of two
        if seen & (seen - 1) == 0 or run.noted.readings or not run.is_open:
            return False
        readings = clips[0].readings
        loss = self._losses.loss()
        if type(loss) is not float:
            return False
        rates = [group.get("lr") for group in groups]
        for rate in rates:
            if type(rate) is not float:
                return False
        readings["loss"] = loss
        readings.update(zip(self._rates, rates))
        self._agreement.seen = seen
        self._losses.clear()
        clips.clear()
        run.log_floats(readings)
        return True
