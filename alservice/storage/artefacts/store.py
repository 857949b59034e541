"""`LocalArtefactStore`: one folder, one file per artefact, written once and mapped."""

import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from alservice.domain.artefact import Artefact
from alservice.domain.errors import ArtefactCorrupt, Conflict, Overloaded
from alservice.ports.artefacts import Arrays, SealedArtefact
from alservice.storage.artefacts.file_format import checksum, compose, parse
from alservice.storage.durable_folder import make_folder
from alservice.storage.segments.disk import NewFile
from alservice.storage.segments.verified import TOO_MUCH_OPEN, crc32c_of_file, map_file

_ID: Final = re.compile(r"[A-Za-z0-9_-]+")  # a name of a file in any folder
_SUFFIX, _TEMPORARY = ".safetensors", ".tmp"


class LocalArtefactStore:
    """An ArtefactStore in `folder`, which is made if it is not there.

    Files are `<artefact_id>.safetensors`, and `<artefact_id>.tmp` until they are whole.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder
        self._lock = threading.Lock()
        self._checked: dict[str, int] = {}  # the CRC32C that a file is known to have

    def write(self, artefact_id: str, arrays: Arrays) -> SealedArtefact:
        """Write a whole file. Raises DiskFull, Conflict; KeyError for an array of another type."""
        final = self._path(artefact_id, _SUFFIX)
        if final.exists():
            raise FileExistsError(f"artefact ids are never reused, and {final} exists")
        head, tensors = compose(arrays)
        file = NewFile(self._path(artefact_id, _TEMPORARY))
        try:
            file.write(np.frombuffer(head, np.uint8))
            for each in tensors:
                for piece in each.pieces:
                    file.write(piece)
            file.publish(final)
        except FileNotFoundError as error:
            text = f"artefact {artefact_id} took so long that it was swept: begin again"
            raise Conflict(text, artefact=artefact_id) from error
        except BaseException:
            file.discard()
            raise
        crc = checksum(head, tensors)
        with self._lock:
            self._checked[artefact_id] = crc
        return SealedArtefact(len(head) + sum(each.size_bytes for each in tensors), crc)

    def open(self, artefact: Artefact) -> Arrays:
        """Map a file. Raises ArtefactCorrupt, Overloaded."""
        path = self._path(artefact.artefact_id, _SUFFIX)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return self._mapped(descriptor, artefact)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in TOO_MUCH_OPEN:
                text = (
                    f"{path} cannot be opened now ({error.strerror}): retry after a moment; if "
                    "it happens again, raise the server's limit of open files (ulimit -n)"
                )
                raise Overloaded(text, artefact=artefact.artefact_id) from error
            raise _corrupt(artefact, f"it cannot be read ({error.strerror})") from error

    def remove(self, artefact_id: str) -> None:
        """Remove the file, finished or not; absent is fine. What is mapped goes on working."""
        with self._lock:
            self._checked.pop(artefact_id, None)
        for suffix in (_SUFFIX, _TEMPORARY):
            self._path(artefact_id, suffix).unlink(missing_ok=True)

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Ids of files, finished or not, that are not among `known`; sorted."""
        ours = {p.stem for p in self._folder.iterdir() if p.suffix in {_SUFFIX, _TEMPORARY}}
        return sorted(ours.difference(known))

    def _path(self, artefact_id: str, suffix: str) -> Path:
        if not _ID.fullmatch(artefact_id):
            raise ValueError(f"artefact id {artefact_id!r} is not the name of a file")
        return self._folder / f"{artefact_id}{suffix}"

    def _mapped(self, descriptor: int, artefact: Artefact) -> Arrays:
        size = os.fstat(descriptor).st_size
        if size != artefact.size_bytes:
            raise _corrupt(artefact, f"it has {size} bytes instead of {artefact.size_bytes}")
        name, wanted = artefact.artefact_id, artefact.crc32c
        with self._lock:
            known = self._checked.get(name)
        if known != wanted and (found := crc32c_of_file(descriptor)) != wanted:
            raise _corrupt(artefact, f"its CRC32C is {found:08x} instead of {wanted:08x}")
        with self._lock:
            self._checked[name] = wanted
        try:
            return parse(memoryview(map_file(descriptor)))
        except (ValueError, KeyError, TypeError) as error:
            raise _corrupt(artefact, f"it is no artefact ({error})") from error


def _corrupt(artefact: Artefact, what: str) -> ArtefactCorrupt:
    text = (
        f"the index {artefact.artefact_id} of project {artefact.project_id} is damaged: {what}. "
        "Build it again; nothing else is affected"
    )
    return ArtefactCorrupt(text, artefact=artefact.artefact_id, project=artefact.project_id)
