"""Which names files may have, and what they are called on a disk."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")  # a name in any folder, and in any object store
SUFFIX, TEMPORARY = ".safetensors", ".tmp"


def path_in(folder: Path, name: str, suffix: str) -> Path:
    """Where a file is. Raises ValueError for a name that might be elsewhere."""
    return folder / file_name(name, suffix)


def file_name(name: str, suffix: str) -> str:
    """What a file is called. Raises ValueError for a name that might be a path."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a file")
    return name + suffix


def names_of(files: Iterable[str]) -> set[str]:
    """The names behind the files that are ours."""
    paths = map(Path, files)
    return {path.stem for path in paths if path.suffix in {SUFFIX, TEMPORARY}}
