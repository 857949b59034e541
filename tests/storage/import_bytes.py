"""Files to import, whole or not what they say, and what is read from them."""

import io
from pathlib import Path
from typing import Any, Final

import numpy as np

from alservice.domain.source import SourceColumns
from alservice.storage.imports import ImportRoots

HUGE: Final = 10**12


def read(roots: ImportRoots, path: Path, **columns: Any) -> list[str]:
    """All ids of a file."""
    source = roots.open(str(path), SourceColumns(**columns))
    try:
        return [item_id for block in source.blocks() for item_id in block.item_ids]
    finally:
        source.close()


def npy(array: Any, **changes: Any) -> bytes:
    """A .npy whose header says something else."""
    file = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, header | changes)
    return file.getvalue() + bytes(array.tobytes())
