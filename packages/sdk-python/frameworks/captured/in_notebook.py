"""A notebook, run in its own kernel as in Jupyter. If it is to be watched, it calls `autolog` itself."""

import os
import sys

import nbclient
import nbformat

TRAINING = """
import sys
import torch
from reference import Reference, norm_of
torch.manual_seed(0)
reference = Reference()
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(torch.randn(16, 8)).square().mean()
        loss.backward()
        reference.note(grad_norm=norm_of(model), loss=loss, lr=0.1)
        optimizer.step()
"""
cells = [TRAINING, "train(2)", "train(2)", "reference.tell(model)"]
if "autolog" in sys.argv:
    cells = ['import normwatch\nnormwatch.autolog(project="captured")', *cells, "_ = normwatch.finish()"]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
nbclient.NotebookClient(notebook, timeout=240, startup_timeout=240, kernel_name="python3").execute(cwd=os.getcwd())
print("".join(output.text for output in notebook.cells[-1 - ("autolog" in sys.argv)].outputs))
