"""The rank of this process in a distributed training. Only one rank records: rank 0 by default."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping

RANKS = (
    ("RANK", "WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("PMIX_RANK", ""),
)
"""Environment variables of torchrun, srun, mpirun and similar launchers: the rank, and the number of processes."""
LOCAL_RANK = "LOCAL_RANK"
NODE_RANKS = ("GROUP_RANK", "NODE_RANK", "SLURM_NODEID")


def logs_on_this_rank(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process logs: it is rank 0, or `NORMWATCH_RANK` names its rank or is `all`."""
    wanted = environment.get("NORMWATCH_RANK", "0")
    if wanted == "all":
        return True
    if _imports_the_main_module():
        return False
    rank = _initialized_rank() or _rank_of(environment)
    return rank is None or rank == wanted


def _initialized_rank() -> str | None:
    """The rank in the process group of torch.distributed or jax.distributed, or None."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return str(distributed.get_rank())
    jax = sys.modules.get("jax")
    is_initialized = getattr(getattr(jax, "distributed", None), "is_initialized", None)
    return str(jax.process_index()) if jax is not None and is_initialized is not None and is_initialized() else None


def _rank_of(environment: Mapping[str, str]) -> str | None:
    for name, size in RANKS:
        # a job with one task is not distributed, and a batch script is not a task of its job
        if environment.get(name) and (name == "RANK" or environment.get(size) != "1") and environment.get(size, "2"):
            return environment[name]
    local = environment.get(LOCAL_RANK)
    if not local:
        return None
    node = next((environment[name] for name in NODE_RANKS if environment.get(name)), "0")
    return local if node == "0" else f"{node}.{local}"


def _imports_the_main_module() -> bool:
    """Whether a multiprocessing worker is importing the main module, whose top-level code already ran in the parent."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))
