"""A head as bytes: safetensors, so that no stranger's code ever runs on reading one."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from alservice.domain.head import Head, KernelHead, LinearHead

_LINEAR: Final = {"weights": np.float32, "bias": np.float32}
_KERNEL: Final = {
    "support": np.float32,
    "weights": np.float64,
    "bias": np.float64,
    "gamma": np.float64,
    "mean": np.float64,
    "scale": np.float64,
}
_LARGEST: Final = 1e30  # no number of a head is larger: sums of products stay finite
Tensors = dict[str, NDArray[np.generic]]


def encode_head(head: Head) -> bytes:
    """The tensors of the head: weights and bias, and those of its kernel if it has one."""
    kinds = _LINEAR if isinstance(head, LinearHead) else _KERNEL
    return save(
        {
            name: np.array(getattr(head, name), dtype=dtype, order="C")
            for name, dtype in kinds.items()
        }
    )


def decode_head(data: bytes) -> Head:
    """The head. Raises ValueError for bytes that are none: wrong shapes, or not finite."""
    try:
        tensors: Tensors = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError("these bytes are no safetensors that NumPy can hold") from error
    linear = tensors.keys() == _LINEAR.keys()
    for name, dtype in (_LINEAR if linear else _KERNEL).items():
        tensor = tensors.get(name)
        if tensor is None or tensor.dtype != dtype or not (np.abs(tensor) <= _LARGEST).all():
            raise ValueError(f"the tensor {name} is missing, of another type or not finite")
    head = _linear(tensors) if linear else _kernel(tensors)
    if not len(head.bias):
        raise ValueError("a head has at least one class")
    return head


def _linear(tensors: Tensors) -> LinearHead:
    weights, bias = (tensors[name].view(np.float32) for name in ("weights", "bias"))
    if weights.ndim != 2 or bias.shape != weights.shape[:1]:
        raise ValueError(f"weights {weights.shape} and bias {bias.shape} are no linear head")
    return LinearHead(weights, bias)


def _kernel(tensors: Tensors) -> KernelHead:
    support = tensors["support"].view(np.float32)
    weights, bias, gamma, mean, scale = (
        tensors[name].view(np.float64) for name in ("weights", "bias", "gamma", "mean", "scale")
    )
    if support.ndim != 2 or not len(support) or bias.ndim != 1 or gamma.shape != ():
        raise ValueError("support vectors are a matrix, the bias a row, gamma is one number")
    if weights.shape != (len(bias), len(support)):
        raise ValueError(f"weights {weights.shape}, support {support.shape} do not fit")
    if not mean.shape == scale.shape == support.shape[1:]:
        raise ValueError(f"mean {mean.shape}, scale {scale.shape} are not of the support")
    if not (gamma > 0 and (scale >= 1 / _LARGEST).all()):
        raise ValueError("gamma and the scale are positive")
    return KernelHead(support, weights, bias, float(gamma), mean, scale)
