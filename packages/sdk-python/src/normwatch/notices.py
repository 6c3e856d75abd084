"""Warnings, once per kind, instead of exceptions: the monitor must not end a training."""

from __future__ import annotations

import logging

from .settings import WrongUse

logger = logging.getLogger("normwatch")


MAX_KINDS = 200
"""The most kinds of warnings per run, so that names that never repeat do not fill memory or the log."""


class Notices:
    """Warns through the logger `normwatch`, once per kind. Wrong use raises `WrongUse` if strict."""

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self._said: set[str] = set()

    def warn(self, kind: str, message: str) -> None:
        if kind not in self._said and len(self._said) < MAX_KINDS:
            self._said.add(kind)
            logger.warning("%s", message)

    def wrong_use(self, argument: str, message: str, kind: str | None = None) -> None:
        """Reports wrong use of `argument`: raises `WrongUse` if strict, else warns once per argument or `kind`."""
        sentence = f"{argument} {message}"
        if self.strict:
            raise WrongUse(sentence)
        self.warn(f"wrong use: {kind or argument}", f"{sentence} (ignored; warned once)")
