"""What one thread of a training has done since its last optimizer step."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from .clip_call import ClipCall
from .losses import PendingLosses
from .usual_step import UsualStep

MAX_CLIP_CALLS = 64
"""The most clip calls that wait for a step, so that a training that never steps an optimizer does not fill memory."""
NOT_CLIPPED: dict[str, Any] = {"mode": "none"}


class Pending:
    """The losses and clip calls of one thread that wait for an optimizer step of that thread."""

    __slots__ = (
        "__weakref__",
        "_cap",
        "_rule",
        "clips",
        "engine_depth",
        "has_begun",
        "has_scaled_step",
        "has_stepped",
        "is_in_backward",
        "losses",
        "scaled_step",
        "usual",
    )

    def __init__(self) -> None:
        self.losses = PendingLosses()
        self.clips: list[ClipCall] = []
        self.has_stepped = False
        """Whether this thread has ever stepped an optimizer."""
        self.has_begun = False
        """Whether a step has begun and is not recorded yet. A step may contain another: that of its base class."""
        self.scaled_step: Any = None
        """The optimizer that a GradScaler is about to step."""
        self.has_scaled_step = False
        """Whether that optimizer has stepped. If not, the scaler has skipped the step."""
        self.engine_depth = 0
        """Above 0 inside an engine, which reports for the optimizers that it steps internally."""
        self.is_in_backward = False
        """Whether `backward` runs. It may call itself, as for checkpointed activations: that is no other loss."""
        self.usual: UsualStep | None = None
        """Set while every step is like the one before."""
        self._cap: float | None = None
        self._rule = NOT_CLIPPED
        """The rule of the last clip call by norm, for the cap `_cap`. Cached, as most trainings have only one."""

    def rule(self, max_norm: Any) -> dict[str, Any]:
        """The clip rule of a cap: the same object for the same cap."""
        if max_norm != self._cap:
            cap = float(max_norm)
            self._rule = {"mode": "norm", "max_norm": cap} if 0 < cap < float("inf") else NOT_CLIPPED
            self._cap = cap
        return self._rule

    def add_clip(self, call: ClipCall) -> None:
        if len(self.clips) >= MAX_CLIP_CALLS:
            del self.clips[0]
        self.clips.append(call)

    def clip_of(self, ids: frozenset[int]) -> ClipCall | None:
        """The last clip call for parameters with these `id()`s."""
        for call in reversed(self.clips):
            if call.concerns(ids):
                return call
        return None

    def forget(self, call: ClipCall) -> None:
        if call in self.clips:
            self.clips.remove(call)

    def forget_recorded(self) -> None:
        """Forgets the calls that several optimizers shared, and that have been recorded."""
        self.clips[:] = [call for call in self.clips if not call.is_recorded]

    def take_from(self, other: Pending) -> None:
        self.losses.take_from(other.losses)
        self.clips.extend(other.clips)
        other.clips.clear()


class PendingByThread(threading.local):
    """The `Pending` of each thread. It ends with its thread."""

    def __init__(self, everyone: list[weakref.ref[Pending]]) -> None:
        """Called in each thread at its first access. `everyone`: the list of all threads' `Pending`, added to here."""
        self.here = Pending()
        everyone[:] = [ref for ref in everyone if ref() is not None]
        everyone.append(weakref.ref(self.here))
