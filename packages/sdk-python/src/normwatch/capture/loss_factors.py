"""
The constants that a loss was multiplied with or divided by before `backward`, and what they say about a step of several
micro-batches: whether their losses are to be averaged, or are shares that are to be added up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

MAX_FACTORS = 8
"""The most operations that are looked at behind a loss."""
SAME_NUMBER = {"ToCopyBackward0", "CloneBackward0", "AliasBackward0", "ViewBackward0", "SqueezeBackward0"}
"""Operations that change the type or the shape of a loss, and not its number."""
SUM = 2
"""What `_saved_reduction` of torch's loss functions is for `reduction="sum"`. 1 is the mean."""


class LossFactors(NamedTuple):
    """The constants that one loss was finally multiplied with or divided by."""

    divisors: tuple[float, ...] = ()
    """What it was divided by in all, by the last operation, by the last two, …"""
    is_divided: bool = False
    """Whether one of them is a division. A constant weight of a loss is usually a product."""
    totals: tuple[Any, ...] = ()
    """The tensors of whole numbers among its divisors, as the items of all micro-batches are counted in one."""
    is_mean: bool = False
    """Whether the loss before these operations is a mean."""
    items: int | None = None
    """How many items the loss before these operations is the sum of; None if it is no sum."""


PLAIN = LossFactors()


def factors_of(loss: Any) -> LossFactors:
    """Reads no tensor on a device, as that would wait: such a divisor is only among the `totals`."""
    divisor: float | None = 1.0
    divisors: list[float] = []
    totals: list[Any] = []
    is_divided = False
    node = loss.grad_fn
    for _ in range(MAX_FACTORS):
        kind = type(node).__name__
        if kind == "DivBackward0" or kind == "MulBackward0":
            step = _constant_of(node)
            if step is None:
                return LossFactors(tuple(divisors), is_divided, tuple(totals))
            constant, node = step
            if kind == "DivBackward0":
                is_divided = True
                if not constant.is_floating_point():
                    totals.append(constant)
            number = float(constant.item()) if constant.is_cpu else None
            if number is None or number == 0.0 or divisor is None:
                divisor = None
            else:
                divisor = divisor * number if kind == "DivBackward0" else divisor / number
                divisors.append(divisor)
        elif kind in SAME_NUMBER:
            node = node.next_functions[0][0]
        else:
            break
    if not is_divided and not divisors:
        return PLAIN
    if divisor is None:
        divisors.append(math.nan)
    is_mean, items = _reduction_of(node)
    return LossFactors(tuple(divisors), is_divided, tuple(totals), is_mean, items)


def _constant_of(node: Any) -> tuple[Any, Any] | None:
    """The constant of a product or a quotient, and the node behind the other side. None if there is no constant."""
    (one, _), (other, _) = node.next_functions
    is_product = type(node).__name__ == "MulBackward0"
    if other is None:
        constant, behind = getattr(node, "_saved_other", None), one
    elif one is None and is_product:
        constant, behind = getattr(node, "_saved_self", None), other
    else:
        return None
    return None if constant is None or constant.numel() != 1 or constant.is_complex() else (constant, behind)


def _reduction_of(node: Any) -> tuple[bool, int | None]:
    """Whether this operation gives a mean; and of how many items it gives the sum, None if it gives none."""
    kind = type(node).__name__
    reduction = getattr(node, "_saved_reduction", None)
    if kind == "MeanBackward0" or reduction == 1:
        return True, None
    sizes = None
    if kind == "SumBackward0":
        sizes = list(node._saved_self_sym_sizes)
    elif reduction == SUM:
        sizes = list(node.next_functions[0][0]._input_metadata[0].shape)
        if kind.startswith("NllLoss") and len(sizes) > 1:
            del sizes[1]  # the classes
    return False, None if sizes is None else math.prod(sizes)


def together(losses: Sequence[Any], factors: Sequence[LossFactors], usual: int) -> tuple[Any, int]:
    """
    The loss of a step of several micro-batches, None if it cannot be known; and how many micro-batches a full step has,
    where `usual` is that number so far. If each loss was divided by it, also in a shorter step at the end of an epoch,
    their mean is that of the losses before. Sums that were divided by the items of all micro-batches are added up.
    """
    total, count = losses[0], len(losses)
    for loss in losses[1:]:
        total = total + loss
    divisors = [divisor for divisor in factors[0].divisors if all(_has(other, divisor) for other in factors[1:])]
    if count > 1 and any(math.isclose(divisor, count) for divisor in divisors):
        return total, count
    if usual > 1 and any(math.isclose(divisor, usual) for divisor in divisors):
        return total * (usual / count), usual
    is_share = count > 1 and _are_shares_of_items(factors)
    return (None if is_share is None else total if is_share else total / count), usual


def _has(factors: LossFactors, divisor: float) -> bool:
    return any(math.isclose(divisor, other) for other in factors.divisors)


def _are_shares_of_items(factors: Sequence[LossFactors]) -> bool | None:
    """Whether each loss is the sum of its items, divided by the items of all micro-batches. None: it is not known."""
    if not all(one.is_divided for one in factors):
        return False  # a constant weight of the loss, if anything
    if _shared_totals(factors):
        return None if any(one.is_mean for one in factors) else True
    number = _last(factors[0])
    is_one_number = all(math.isclose(_last(one), number) for one in factors)
    if all(one.items is not None and math.isclose(one.items, _last(one)) for one in factors):
        return False  # each loss is the mean of its own items
    if not is_one_number:
        return False
    if all(one.items is not None for one in factors):
        return True if all(number > one.items for one in factors if one.items is not None) else None
    # perhaps a step shorter than a full one, which was not seen yet; other numbers are weights
    return None if number > len(factors) and number == round(number) else False


def _last(factors: LossFactors) -> float:
    return factors.divisors[-1] if factors.divisors else math.nan


def _shared_totals(factors: Sequence[LossFactors]) -> bool:
    """Whether all losses were divided by the same tensor: the same memory, not just the same number."""
    places: Iterator[set[int]] = ({total.data_ptr() for total in one.totals} for one in factors)
    return bool(set.intersection(*places))
