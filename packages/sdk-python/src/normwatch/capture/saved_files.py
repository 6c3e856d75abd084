"""The files that the training saved since its last step: together they are one checkpoint."""

from __future__ import annotations

MAX_TEXT = 256


class SavedFiles:
    def __init__(self) -> None:
        self._at = -1
        self._names: list[str] = []

    def add(self, name: str, at: int) -> str:
        """The names of the files saved after `at` steps, with this one: `model.pt, optimizer.pt`."""
        if at != self._at:
            self._at, self._names = at, []
        if name not in self._names:
            self._names.append(name)
        text = ", ".join(self._names)
        return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
