"""Readings of clip calls since the last `log`, by part. Each part of a run has its own norm and its own cap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Callable

from .notices import Notices
from .readings import LayerNorms, is_on_device

MAX_PARTS = 16
TOO_MANY_PARTS = "too many parts"
"""The kind of the warning about a part that the run cannot have."""
PARTS_RULE = f"a run has at most {MAX_PARTS} parts; its readings are not kept"
MAX_CAP_EVENTS = 100
"""A cap that follows a schedule changes at every step: the readings show it, and events would only hide others."""
Clip = Mapping[str, Any]


def with_part(name: str, part: str | None) -> str:
    """The name of a part's reading: `grad_norm/critic`."""
    return name if part is None else f"{name}/{part}"


class Noted:
    """
    Readings for the step that the next `log` completes. `declare` tells the server how the run, or a part of it,
    clips. Calls without a part's name for different parameters within one step become the parts "1", "2", …
    """

    def __init__(
        self,
        clip: Clip | None,
        declare: Callable[[dict[str, Any]], None],
        notices: Notices,
        mark: Callable[[str, str], None],
        add_part: Callable[[str], bool],
    ) -> None:
        """`add_part`: returns False for a part that the run cannot have."""
        self._add_part = add_part
        self._mark = mark
        """Marks the step that the next `log` completes: a label and a text."""
        self._caps: dict[str | None, float] = {}
        """The cap of the last call of each part."""
        self._cap_events = 0
        self.readings: dict[str, Any] = {}
        self._clips: dict[str | None, Clip | None] = {None: clip}
        self._usual_cap = None if clip is None else clip.get("max_norm")
        """The declared cap of the whole run, as long as its last call clipped at it too."""
        self._is_given = clip is not None
        """Whether the user declared how the run clips. If not, its first clip call does."""
        self._declare = declare
        self._notices = notices
        self._key: int | None = None
        """The `id()` of the first parameter of this step's call without a part name."""
        self._numbered: dict[int, str] = {}
        """Names of numbered parts, keyed by the `id()` of their first parameter."""

    def norm(self, part: str | None, key: int | None, max_norm: Any, readings: dict[str, Any]) -> None:
        """Adds the readings of a call that clips by norm at `max_norm`, with a fast path for the usual call."""
        is_number = type(max_norm) is float or type(max_norm) is int
        if is_number and max_norm == self._usual_cap and part is None and not self.readings and not self._numbered:
            self.readings = readings
            self._key = key
            return
        self.clip(part, key, {"mode": "norm", "max_norm": max_norm}, readings)

    def clip(self, part: str | None, key: int | None, clip: Clip, readings: Mapping[str, Any]) -> None:
        """
        Adds the readings of a clip call. The first call of a part declares how the part clips, unless the user did. A
        cap that differs from the declared one is recorded with its step. A cap may be a tensor on a device, which is
        read later.
        """
        if part is None and key is not None:
            part = self._numbered_part(key)
        if part is not None and not self.may_have(part):
            return
        if with_part("grad_norm", part) in self.readings and "grad_norm" in readings:
            self._notices.warn("clipped twice", "a step was clipped twice before run.log(): the later norm is kept")
        for name, value in readings.items():
            self.readings[with_part(name, part)] = value.of_part(part) if isinstance(value, LayerNorms) else value
        if part is None:
            self._key = key
        self._note_cap(part, clip)

    def may_have(self, part: str) -> bool:
        """Whether the run can have this part. If not, says so once."""
        if self._add_part(part):
            return True
        self._notices.wrong_use("part", f"{part!r} cannot be added: {PARTS_RULE}", TOO_MANY_PARTS)
        return False

    def declares(self, clip: Clip) -> bool:
        """Whether this clip rule was declared for the whole run. If so, a step needs no reading for its cap."""
        declared = self._clips[None]
        if is_on_device(clip.get("max_norm")):
            return False
        return declared == clip or (declared is None and clip["mode"] == "none")

    def _note_cap(self, part: str | None, clip: Clip) -> None:
        name = with_part("max_norm", part)
        cap = clip.get("max_norm")
        if cap is None:
            if clip["mode"] == "value" and self._clips.get(part) is None:
                self._declare_clip(part, clip)
            return
        if is_on_device(cap):
            self.readings[name] = cap
            return
        cap = float(cap)
        declared = self._clips.get(part)
        self._note_change(part, cap, declared)
        if declared is None and 0 < cap < math.inf:
            self._declare_clip(part, {"mode": "norm", "max_norm": cap})
        elif declared is not None and cap == declared.get("max_norm"):
            self.readings.pop(name, None)
        elif cap > 0 and not (declared is not None and declared["mode"] == "none" and cap == math.inf):
            self.readings[name] = cap

    def _note_change(self, part: str | None, cap: float, declared: Clip | None) -> None:
        declared_cap = None if declared is None else declared.get("max_norm")
        before = self._caps.get(part, declared_cap)
        self._caps[part] = cap
        if part is None:
            self._usual_cap = cap if cap == declared_cap else None
        if before is None or cap == before or not cap > 0 or self._cap_events == MAX_CAP_EVENTS:
            return
        self._cap_events += 1
        of_part = "" if part is None else f" of {part}"
        self._mark("cap changed", f"max_norm{of_part}: {before:g} → {cap:g}")

    def _declare_clip(self, part: str | None, clip: Clip) -> None:
        self._clips[part] = clip
        if part is None:
            self._usual_cap = clip.get("max_norm")
            self._declare({"clip": dict(clip)})
        else:
            self.declare_part(part, {"clip": dict(clip)})

    def declare_part(self, part: str, fields: Mapping[str, Any]) -> None:
        """Tells the server about a part: `{"clip": {…}, "optimizer": "adam"}`."""
        if not self.may_have(part):
            return
        if "clip" in fields:
            self._clips[part] = fields["clip"]
        self._declare({"parts": {part: dict(fields)}})

    def _numbered_part(self, key: int) -> str | None:
        """The part of the parameters whose first has `id()` `key`. None as long as each step has only one such call."""
        if not self._numbered:
            if self._key is None or key == self._key or "grad_norm" not in self.readings:
                return None
            self._number_first()
        if key not in self._numbered:
            if len(self._numbered) == MAX_PARTS:
                return str(MAX_PARTS + 1)  # one that the run cannot have
            self._numbered[key] = str(len(self._numbered) + 1)
        return self._numbered[key]

    def _number_first(self) -> None:
        """Called for a second call with other parameters: the readings of the first call become part 1."""
        assert self._key is not None
        self._numbered[self._key] = "1"
        self._notices.warn(
            "unnamed parts",
            "clip calls for different parameters within one step are recorded as the parts 1, 2, …; name them: "
            'normwatch.clip_grad_norm_(parameters, max_norm, part="generator")',
        )
        for name in ("grad_norm", "max_norm", "max_abs_grad", "clip_fraction", "layers"):
            if name in self.readings:
                value = self.readings.pop(name)
                self.readings[with_part(name, "1")] = value.of_part("1") if isinstance(value, LayerNorms) else value
        clip = self._clips[None]
        if clip is not None and clip["mode"] != "none":
            self._declare_clip("1", clip)
            if not self._is_given:
                self._clips[None] = None
                self._usual_cap = None
                self._declare({"clip": {"mode": "none"}})

    def take(self) -> dict[str, Any]:
        """Returns and clears all readings, for the run's next step."""
        readings, self.readings = self.readings, {}
        self._key = None
        return readings

    def take_part(self, part: str) -> dict[str, Any]:
        """Returns and clears the readings of one part, for its next step."""
        ending = f"/{part}"
        return {name: self.readings.pop(name) for name in [name for name in self.readings if name.endswith(ending)]}
