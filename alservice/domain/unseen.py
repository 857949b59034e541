"""What a model says of a declared class that nobody has shown it.

Such a class has no direction in space, only a prior: the rule of succession gives it
1 / (n + C) after n labels of C classes (Laplace 1814), and its logit is the constant that
makes its mean probability on the training rows so. It is never the predicted class.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.head import LinearHead

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

HIGHEST_LOGIT: Final = -0.01  # seen logits are centred: the highest of them is at least 0
_HALVINGS: Final = 50


def complete(weights: F64, bias: F64, seen: I64, class_count: int, logits: F64) -> LinearHead:
    """A linear head of all `class_count` classes from one of the `seen` (K,); as `filled`."""
    full_weights, full_bias = filled(weights, bias, seen, class_count, logits)
    return LinearHead(full_weights.astype(np.float32), full_bias.astype(np.float32))


def filled(weights: F64, bias: F64, seen: I64, class_count: int, logits: F64) -> tuple[F64, F64]:
    """Weights (C, m) and bias (C,) of all `class_count` classes from those of the `seen` (K,).

    `weights` (K, m) and `bias` (K,) are centred over the classes here, which changes no
    probability. `logits` (n, K) are the seen classes' logits on the training rows.
    """
    full_weights = np.zeros((class_count, weights.shape[1]))
    full_bias = np.full(class_count, constant(logits, class_count))
    full_weights[seen] = weights - weights.mean(axis=0)
    full_bias[seen] = bias - bias.mean()
    return full_weights, full_bias


def spread(held_out: F64, seen: I64, class_count: int, logits: F64) -> F64:
    """What `complete` makes of the logits (m, K) of other rows: (m, C)."""
    full = np.full((len(held_out), class_count), constant(logits, class_count))
    full[:, seen] = held_out - held_out.mean(axis=1, keepdims=True)
    return full


def constant(logits: F64, class_count: int) -> float:
    """The logit of each unseen class, beside centred `logits` (n, K) of the seen ones.

    Solves mean_i m e^b / (S_i + m e^b) = m / (n + C) by bisection, with m unseen classes
    and S_i the sum over the seen; at most -0.01.
    """
    n, seen_count = logits.shape
    unseen_count = class_count - seen_count
    if unseen_count == 0:
        return HIGHEST_LOGIT
    z = logits - logits.mean(axis=1, keepdims=True)
    peak = z.max(axis=1)
    log_sum = peak + np.log(np.exp(z - peak[:, None]).sum(axis=1)) - np.log(unseen_count)
    wanted = unseen_count / (n + class_count)
    low, high = float(log_sum.min()) - 50.0, HIGHEST_LOGIT
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        share = float(np.mean(1 / (1 + np.exp(np.minimum(log_sum - middle, 700.0)))))
        low, high = (low, middle) if share > wanted else (middle, high)
    return low
