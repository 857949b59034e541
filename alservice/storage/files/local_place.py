"""`LocalPlace`: a folder of segments and artefacts, with the mark of its cluster."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alservice.domain.startup import StartupError
from alservice.storage.durable_folder import make_folder, sync_folder
from alservice.storage.files.files import Files
from alservice.storage.files.local_files import LocalFiles
from alservice.storage.files.names import SUFFIX

SEGMENTS, ARTEFACTS, MARK, HOLDER = "segments", "artefacts", "cluster", "holder"
_MARK_CHARACTERS: Final = 200


class LocalPlace:
    """A FilePlace that is a folder, of this machine or shared by several."""

    def __init__(self, folder: Path) -> None:
        """Make the folder. Raises StartupError where that is not allowed."""
        try:
            make_folder(folder)
            self.segments: Files = LocalFiles(folder / SEGMENTS)
            self.artefacts: Files = LocalFiles(folder / ARTEFACTS)
        except OSError as error:
            text = f"{folder} cannot hold segments ({error.strerror}): make it, or name another"
            raise StartupError(text) from error
        self._folder = folder
        self.address = str(folder.absolute())

    def mark(self) -> str | None:
        """What the mark says."""
        return self._read(MARK)

    def set_mark(self, text: str) -> str:
        """Whole under its name, or not there: a link is made once it is durable."""
        with self._written(MARK, text) as part:
            try:
                (self._folder / MARK).hardlink_to(part)
            except FileExistsError:
                return self.mark() or ""
        return text

    def holder(self) -> str | None:
        """The turn of the catalog that holds the place."""
        return self._read(HOLDER)

    def set_holder(self, turn: str) -> None:
        """Replaced as a whole."""
        with self._written(HOLDER, turn) as part:
            part.replace(self._folder / HOLDER)

    def _read(self, name: str) -> str | None:
        try:
            return (self._folder / name).read_text()[:_MARK_CHARACTERS].strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StartupError(f"{self._folder / name} cannot be read: {error}") from error

    @contextmanager
    def _written(self, name: str, text: str) -> Iterator[Path]:
        """A durable file beside the one of this name, to be put in its place."""
        part = self._folder / f"{name}.{secrets.token_hex(8)}"
        try:
            with part.open("w") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                yield part
            finally:
                part.unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            found = error.strerror
            advice = f"{self._folder} cannot be written ({found}): allow it, or name another"
            raise StartupError(advice) from error

    def segment_ids(self) -> set[str]:
        """Ids of whole files."""
        return {path.stem for path in (self._folder / SEGMENTS).glob(f"*{SUFFIX}")}

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Nothing: what is mapped takes no room of its own here."""

    def close(self) -> None:
        """Nothing is held."""
