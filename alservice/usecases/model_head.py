"""A linear head as bytes: safetensors, so that no stranger's code ever runs on reading one."""

import numpy as np
from safetensors.numpy import load, save

from alservice.domain.learner import LinearHead


def encode_head(head: LinearHead) -> bytes:
    """Tensors `weights` (C, d) and `bias` (C,), float32."""
    return save(
        {
            "weights": np.ascontiguousarray(head.weights, np.float32),
            "bias": np.ascontiguousarray(head.bias, np.float32),
        }
    )


def decode_head(data: bytes) -> LinearHead:
    """The head. Raises safetensors.SafetensorError for other bytes."""
    tensors = load(data)
    return LinearHead(weights=tensors["weights"], bias=tensors["bias"])
