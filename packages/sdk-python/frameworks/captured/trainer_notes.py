"""Notes what the Trainer of transformers logs itself."""

from reference import Reference
from transformers import TrainerCallback


class TrainerNotes(TrainerCallback):
    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def on_log(self, args, state, control, logs=None, **_) -> None:
        if "grad_norm" in logs:
            self._reference.note(grad_norm=logs["grad_norm"], loss=logs["loss"])
