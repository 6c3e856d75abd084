"""Warnings, once per kind, instead of exceptions: the monitor must not end a training."""

from __future__ import annotations

import contextlib
import logging
import sys

from .interruption import is_of_signal_handler
from .settings import WrongUse

logger = logging.getLogger("normwatch")


def say(text: str) -> None:
    """Writes a line to stderr, if that is open."""
    if sys.stderr is not None:  # `print` would write to stdout
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)


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

    def warn_of(self, error: Exception, kind: str, message: str) -> None:
        """Warns of a mistake of ours, or of a strange object. Raises what a signal handler of the program raised."""
        if is_of_signal_handler(error):
            raise error
        self.warn(f"{kind} {type(error)}", f"{message}: {type(error).__name__}: {error}")

    def wrong_use(self, argument: str, message: str, kind: str | None = None) -> None:
        """Reports wrong use of `argument`: raises `WrongUse` if strict, else warns once per argument or `kind`."""
        sentence = f"{argument} {message}"
        if self.strict:
            raise WrongUse(sentence)
        self.warn(f"wrong use: {kind or argument}", f"{sentence} (ignored; warned once)")
