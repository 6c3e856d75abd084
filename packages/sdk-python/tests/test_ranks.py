"""One process of a distributed training records, for every launcher."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer

from normwatch.ranks import logs_on_this_rank

LAUNCHED: dict[str, tuple[dict[str, str], bool]] = {
    "nothing": ({}, True),
    "torchrun, rank 0": ({"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "4"}, True),
    "torchrun, rank 2": ({"RANK": "2", "LOCAL_RANK": "0", "WORLD_SIZE": "4"}, False),
    "srun, rank 0": ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, True),
    "srun, rank 1": ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, False),
    "srun of one task in a job of many": (
        {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "8"},
        True,
    ),
    "mpirun, rank 1": ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, False),
    "MVAPICH, rank 3": ({"MV2_COMM_WORLD_RANK": "3", "MV2_COMM_WORLD_SIZE": "4"}, False),
    "PMI, rank 1": ({"PMI_RANK": "1", "PMI_SIZE": "2"}, False),
    "PMIx, rank 1": ({"PMIX_RANK": "1"}, False),
    "first process of the first node": ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
    "first process of the second node": ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
    "second process of a node": ({"LOCAL_RANK": "1"}, False),
    "every rank is wanted": ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "NORMWATCH_RANK": "all"}, True),
    "rank 1 is wanted": ({"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "NORMWATCH_RANK": "1"}, True),
}


@pytest.mark.parametrize("name", LAUNCHED)
def test_rank_0_logs_however_the_training_was_launched(name: str) -> None:
    environment, logs = LAUNCHED[name]
    assert logs_on_this_rank(environment) is logs


def test_processes_that_torch_spawns_are_told_apart_by_their_process_group(
    server: FakeServer, tmp_path: Path, monkeypatch: Any
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import torch.distributed, torch.multiprocessing, normwatch
def train(rank):
    torch.distributed.init_process_group("gloo", init_method="file://{tmp_path}/meet", rank=rank, world_size=2)
    run = normwatch.init(url="{server.url}")
    run.log(loss=1.0)
    run.finish()
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
if __name__ == "__main__":
    torch.multiprocessing.spawn(train, nprocs=2)
"""
    )
    subprocess.run([sys.executable, program], check=True, timeout=120, stderr=subprocess.DEVNULL)
    assert len(server.runs) == 1
