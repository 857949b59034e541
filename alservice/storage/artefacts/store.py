"""One file per artefact, written once and mapped."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alservice.domain.artefact import Artefact
from alservice.domain.errors import ArtefactCorrupt, Conflict
from alservice.ports.artefacts import Arrays, SealedArtefact
from alservice.storage.artefacts.file_format import checksum, compose, parse
from alservice.storage.files import Damaged, Files, LocalFiles


class FileArtefactStore:
    """An ArtefactStore on files, wherever these are."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def write(self, artefact_id: str, arrays: Arrays) -> SealedArtefact:
        """Write a whole file.

        Raises DiskFull, CacheFull, ObjectStoreUnavailable, Conflict; KeyError for an array of
        another type.
        """
        head, tensors = compose(arrays)
        crc = checksum(head, tensors)
        file = self._files.create(artefact_id)
        try:
            file.write(np.frombuffer(head, np.uint8))
            for each in tensors:
                for piece in each.pieces:
                    file.write(piece)
            file.publish(crc)
        except FileNotFoundError as error:
            file.discard()
            text = f"artefact {artefact_id} took so long that it was swept: begin again"
            raise Conflict(text, artefact=artefact_id) from error
        except BaseException:
            file.discard()
            raise
        return SealedArtefact(len(head) + sum(each.size_bytes for each in tensors), crc)

    def open(self, artefact: Artefact) -> Arrays:
        """Map a file. Raises ArtefactCorrupt, and what `Files.open` raises."""
        name = artefact.artefact_id
        try:
            mapped = self._files.open(name, artefact.size_bytes, artefact.crc32c)
        except Damaged as error:
            raise _corrupt(artefact, error.what) from error
        try:
            return parse(memoryview(mapped))
        except (ValueError, KeyError, TypeError) as error:
            raise _corrupt(artefact, f"it is no artefact ({error})") from error

    def remove(self, artefact_id: str) -> None:
        """Remove the file, finished or not; absent is fine. What is mapped goes on working."""
        self._files.remove(artefact_id)

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Ids of files, finished or not, that are not among `known`; sorted."""
        return self._files.stray(known)


class LocalArtefactStore(FileArtefactStore):
    """An ArtefactStore in `folder`, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalFiles(folder))


def _corrupt(artefact: Artefact, what: str) -> ArtefactCorrupt:
    text = (
        f"the index {artefact.artefact_id} of project {artefact.project_id} is damaged: {what}. "
        "Build it again; nothing else is affected"
    )
    return ArtefactCorrupt(text, artefact=artefact.artefact_id, project=artefact.project_id)
