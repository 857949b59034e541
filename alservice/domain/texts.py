"""Many short texts at once, as bytes: several times faster than one by one."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

SEPARATOR: Final = "\0"


def byte_lengths(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """UTF-8 of all texts with a zero byte between each two; (n,) the length of each in bytes.

    In UTF-8 no other character has a byte that is zero, so the zeros tell where each text ends.
    Raises UnicodeEncodeError.
    """
    data = np.frombuffer(SEPARATOR.join(texts).encode(), np.uint8)
    ends = np.flatnonzero(data == 0)
    if len(ends) != len(texts) - 1:  # there are no texts, or a text has a zero of its own
        return data, np.array([len(text.encode()) for text in texts], np.int64)
    lengths = np.empty(len(texts), np.int64)
    lengths[:-1], lengths[-1] = ends, len(data)
    lengths[1:] -= ends + 1
    return data, lengths
