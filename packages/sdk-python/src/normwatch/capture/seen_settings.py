"""Captures the settings that a program reads with argparse, Hydra or Transformers' TrainingArguments."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from typing import Any, Callable

from ..config import read_config

SECRET_NAME = re.compile(r"(token|secret|passw(or)?d|credentials?|api[-_]?key|access[-_]?key)$", re.IGNORECASE)
"""Matches the end of a secret setting's name. It must not match `tokenizer` or `max_tokens`."""
HIDDEN = "(hidden)"

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
            entries = read_config(_without_environment(settings), lambda argument, reason: None)
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


def _without_environment(settings: Any) -> Any:
    """Leaves out Hydra's own settings, and keeps references to environment variables unresolved."""
    omegaconf = sys.modules.get("omegaconf")
    if omegaconf is None or not omegaconf.OmegaConf.is_config(settings):
        return settings
    omega = omegaconf.OmegaConf
    raw = {name: value for name, value in omega.to_container(settings, resolve=False).items() if name != "hydra"}
    if "oc.env" in str(raw):
        return raw
    try:
        return {
            name: omega.to_container(value, resolve=True) if omega.is_config(value) else value
            for name, value in ((name, settings[name]) for name in raw)
        }
    except Exception:  # a value is missing, or refers to a missing one
        return raw


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, name) for inner in value]
    return HIDDEN if isinstance(value, str) and value and SECRET_NAME.search(name) else value
