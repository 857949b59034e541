"""The least that a pass over a pool's files can cost: map them, convert the numbers, add them up.

Run as a program, FOLDER GROUP: joins the control group, prints the seconds of one pass and how
many bytes came from the disk, and waits to be killed.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alservice.core import Engine
from bench.confined import Group, read_from_disk
from bench.large_upload import F16
from bench.paired import seconds
from bench.sizes import THREADS


def vectors_below(folder: Path) -> Sequence[F16]:
    """The vectors of each segment in half precision below a folder, mapped."""
    found = (_vectors(file) for file in sorted(folder.rglob("*.safetensors")))
    return [vectors for vectors in found if vectors is not None]


def read_and_convert(engine: Engine, parts: Sequence[F16]) -> float:
    """Every number once."""
    return sum(engine.sum(part) for part in parts)


def _vectors(file: Path) -> F16 | None:
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        entry = json.loads(opened.read(size))["vectors"]
    if entry["dtype"] != "F16":
        return None
    offset = 8 + size + entry["data_offsets"][0]
    return np.memmap(file, "<f2", "r", offset, tuple(entry["shape"])).view(np.ndarray)


if __name__ == "__main__":
    Group(Path(sys.argv[2])).admit(os.getpid())
    mapped, own = vectors_below(Path(sys.argv[1])), Engine(THREADS)
    took_s = seconds(lambda: read_and_convert(own, mapped))
    print(took_s, read_from_disk(os.getpid()), flush=True)
    signal.pause()
