"""Sums whose rounding does not depend on where in a batch a sample stands."""

from __future__ import annotations

from jaxtyping import Float64
from torch import Tensor


def ordered_sum(terms: Float64[Tensor, " terms *rest"]) -> Float64[Tensor, "*rest"]:
    """Sum over the first dimension, pairwise and always in the same order.

    `Tensor.sum` adds in another order at the end of a vector register than inside it, so a sample's last bit would
    depend on the batch it came in, and two processes would not give exactly the number of one.
    """
    while len(terms) > 3:
        half = len(terms) // 2
        paired = terms[:half] + terms[half : 2 * half]
        if len(terms) % 2:
            paired[0] += terms[-1]
        terms = paired
    first, *others = terms.unbind(0)
    for other in others:
        first = first + other
    return first
