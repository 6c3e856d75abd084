"""Warnings, each kind once: the monitor never raises in a training loop."""

from __future__ import annotations

import logging

from .settings import WrongUse

logger = logging.getLogger("normwatch")


MAX_KINDS = 200
"""Kinds of warnings that one run may log: names that never repeat must not fill memory or the log."""


class Notices:
    """Warnings through the logger `normwatch`, each kind once; wrong use raises `WrongUse` when strict."""

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self._said: set[str] = set()

    def warn(self, kind: str, message: str) -> None:
        if kind not in self._said and len(self._said) < MAX_KINDS:
            self._said.add(kind)
            logger.warning("%s", message)

    def wrong_use(self, argument: str, message: str, kind: str | None = None) -> None:
        """Wrong use of `argument`: raises when strict, else warns once an argument, or once a `kind`."""
        sentence = f"{argument} {message}"
        if self.strict:
            raise WrongUse(sentence)
        self.warn(f"wrong use: {kind or argument}", f"{sentence} (ignored; warned once)")
