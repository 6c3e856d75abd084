"""The Trainer of transformers with a language model, which divides each loss by the tokens of the whole step."""

import tempfile

import torch
from reference import Reference
from trainer_notes import TrainerNotes
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

BATCHES = 11
"""Not a multiple of the micro-batches, so that the last step of an epoch has fewer."""
reference = Reference()
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=12, n_embd=8, n_layer=1, n_head=2))
tokens = torch.randint(0, 50, (2 * BATCHES, 12))
labels = torch.where(torch.rand(tokens.shape) < 0.3, -100, tokens)
data = [{"input_ids": ids, "labels": label} for ids, label in zip(tokens, labels)]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, num_train_epochs=2, per_device_train_batch_size=2, gradient_accumulation_steps=4, logging_steps=1,
        max_grad_norm=0.5, learning_rate=0.01, report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    Trainer(model, arguments, train_dataset=data, callbacks=[TrainerNotes(reference)]).train()
reference.tell(model)
