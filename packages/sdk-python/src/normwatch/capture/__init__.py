"""
Watches a training without changing its code: `normwatch run -- python train.py`, or `normwatch.autolog()` from inside.

Every PyTorch training calls `Tensor.backward`, `clip_grad_norm_`, `Optimizer.step` and perhaps `GradScaler`. These are
wrapped to record their arguments and results. Their results stay the same, bit for bit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ..notices import say
from . import patches
from .launch import OPTIONS, OPTIONS_VARIABLE
from .training import CapturedTraining

DISABLED = "off"

_training: CapturedTraining | None = None


def autolog(enable: bool = True, *, measure: int | str = 1, log_config: bool = True, **init_arguments: Any) -> None:
    """
    Records every optimizer step of the PyTorch trainings in this process: the norm before clipping, the cap, the loss,
    the learning rate, the loss scale and skipped steps. The run is created at the first step, not earlier.

    `measure=N` measures the norm of every N-th step that is not clipped; `"off"` measures none of them.
    `log_config=False` keeps the command line and versions out of the run's config. All other arguments are passed to
    `normwatch.init`. If the training has made a run itself, that run is used, and readings that it logs itself win. May
    be called before or after `import torch`, but `from torch.nn.utils import clip_grad_norm_` must come after it.
    `autolog(False)` removes all wrappers. Raises `ValueError` for an invalid `measure`.
    """
    global _training
    if not enable:
        patches.remove()
        _training = None
        return
    if not (measure == DISABLED or (type(measure) is int and measure > 0)):
        raise ValueError(f'measure must be a whole number above 0 or "off", not {measure!r}')
    training = CapturedTraining(0 if measure == DISABLED else int(measure), log_config, init_arguments)
    _training = training
    patches.install(training)


def name(optimizer: Any, part: str) -> None:
    """Names the part of the run that `optimizer` trains, such as `"critic"`, if a training has several optimizers."""
    if _training is not None:
        _training.name_part(optimizer, part)


def autolog_from_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Calls `autolog` with the options that `normwatch run` puts into the environment: see `launch.py`."""
    try:
        options = json.loads(environment.get(OPTIONS_VARIABLE, "{}"))
        autolog(**{name: value for name, value in options.items() if name in OPTIONS})
    except (ValueError, TypeError, AttributeError) as error:  # not set by `normwatch run`: the training goes on
        say(f"normwatch: {OPTIONS_VARIABLE} cannot be read: {error}")
