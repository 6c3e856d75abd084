"""Captures the settings that a program reads with argparse, Hydra or Transformers' TrainingArguments."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from typing import Any, Callable

from ..config import read_config
from ..settings_entries import is_omegaconf
from .hidden import HIDDEN, without_passwords
from .hydra_settings import entries_of_hydra

SECRET_NAME = re.compile(r"(token|secret|passw(or)?d|credentials?|api[-_]?key|access[-_]?key)$", re.IGNORECASE)
"""Matches the end of a secret setting's name. It must not match `tokenizer` or `max_tokens`."""

Replace = Callable[[Any, str, Callable[..., Any]], None]
"""Replaces an attribute by a function, so that it can be restored later."""


class SeenSettings:
    """The last settings read of each kind. A program reads its settings before it trains."""

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}

    def as_config(self) -> dict[str, Any]:
        """The settings by kind: `{"arguments": {"lr": 0.1}}`. Texts whose names look like secrets are hidden."""
        config: dict[str, Any] = {}
        for kind, settings in self._seen.items():
            try:
                found = entries_of_hydra(settings) if is_omegaconf(settings) else settings
                entries = read_config(found, lambda argument, reason: None)
            except Exception:  # a config that cannot be copied: the training is recorded without it
                continue
            if entries:
                config[kind] = _without_secrets(entries)
        return config

    def watch_argparse(self, module: Any, replace: Replace) -> None:
        parse = module.ArgumentParser.parse_known_args

        @functools.wraps(parse)
        def watched(parser: Any, *args: Any, **kwargs: Any) -> Any:
            result = parse(parser, *args, **kwargs)
            self._seen["arguments"] = result[0]
            return result

        replace(module.ArgumentParser, "parse_known_args", watched)

    def watch_hydra(self, module: Any, replace: Replace) -> None:
        run_job = module.run_job

        @functools.wraps(run_job)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._seen["hydra"] = kwargs["config"] if "config" in kwargs else args[1]
            return run_job(*args, **kwargs)

        # modules of Hydra that already imported the function by name are patched too
        for name, other in list(sys.modules.items()):
            if name.startswith("hydra.") and vars(other).get("run_job") is run_job:
                replace(other, "run_job", watched)

    def watch_transformers(self, module: Any, replace: Replace) -> None:
        made = module.TrainingArguments.__post_init__

        @functools.wraps(made)
        def watched(arguments: Any) -> None:
            made(arguments)
            self._seen["training_arguments"] = arguments

        replace(module.TrainingArguments, "__post_init__", watched)


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, name) for inner in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if value and SECRET_NAME.search(name) else without_passwords(value)
