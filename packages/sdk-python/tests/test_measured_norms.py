"""The norm that capture measures itself if nothing clips."""

from __future__ import annotations

import pytest
import torch

from normwatch.capture.measure import SmallNorm, are_small, norm_of_gradients

DENSE = [torch.tensor([3.0]), torch.tensor([[4.0]])]
SPARSE = torch.sparse_coo_tensor(torch.tensor([[1]]), torch.tensor([4.0]), (2,))


def test_the_fast_path_for_small_gradients_gives_the_same_norm() -> None:
    assert are_small(DENSE)
    assert SmallNorm()(DENSE) == float(norm_of_gradients(DENSE)) == 5.0


@pytest.mark.parametrize(
    "changed",
    [[DENSE[0], SPARSE], [tensor.half() for tensor in DENSE], [tensor.bfloat16() for tensor in DENSE]],
    ids=["sparse", "float16", "bfloat16"],
)
def test_gradients_that_changed_their_kind_leave_the_fast_path_and_have_their_true_norm(
    changed: list[torch.Tensor],
) -> None:
    assert not are_small(changed)
    assert SmallNorm()(changed) is None
    assert float(norm_of_gradients(changed)) == pytest.approx(5.0, rel=1e-3)


def test_a_large_model_is_not_copied_together() -> None:
    assert not are_small([torch.zeros(1 << 16), torch.zeros(1)])
