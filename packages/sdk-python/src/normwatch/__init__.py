"""
Normwatch: logs gradient norms from a training loop to a Normwatch server.

The monitor never makes a training loop wait or fail, and never loses a reading.

    run = normwatch.init(project="toy-rnn", max_norm=1.0)
    normwatch.clip_grad_norm_(model.parameters(), max_norm=1.0)
    run.log(loss=loss)
    run.finish()
"""

from .capture import autolog, name
from .clipping import clip_grad_norm_, clip_grad_value_, grad_norm
from .current import current_run
from .notebook import serve, show
from .run import FinishReport, Run
from .settings import WrongUse
from .start import finish, init
from .sync import SyncReport, sync

__all__ = [
    "FinishReport",
    "Run",
    "SyncReport",
    "WrongUse",
    "autolog",
    "clip_grad_norm_",
    "clip_grad_value_",
    "current_run",
    "finish",
    "grad_norm",
    "init",
    "name",
    "serve",
    "show",
    "sync",
]
__version__ = "0.1.0"
