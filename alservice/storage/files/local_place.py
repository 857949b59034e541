"""`LocalPlace`: a folder of segments and artefacts, with the mark of its cluster."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alservice.domain.startup import StartupError
from alservice.storage.durable_folder import make_folder, sync_folder
from alservice.storage.files.files import Files
from alservice.storage.files.local_files import LocalFiles
from alservice.storage.files.names import SUFFIX

SEGMENTS, ARTEFACTS, MARK = "segments", "artefacts", "cluster"
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
        self.address = str(folder)

    def mark(self) -> str | None:
        """What the mark says."""
        try:
            return (self._folder / MARK).read_text()[:_MARK_CHARACTERS].strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StartupError(f"{self._folder / MARK} cannot be read: {error}") from error

    def set_mark(self, text: str) -> str:
        """Whole under its name, or not there: a link is made once it is durable."""
        part = self._folder / f"{MARK}.{secrets.token_hex(8)}"
        try:
            with part.open("w") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                (self._folder / MARK).hardlink_to(part)
            except FileExistsError:
                return self.mark() or ""
            finally:
                part.unlink()
            sync_folder(self._folder)
        except OSError as error:
            found = error.strerror
            advice = f"{self._folder} cannot be written ({found}): allow it, or name another"
            raise StartupError(advice) from error
        return text

    def segment_ids(self) -> set[str]:
        """Ids of whole files."""
        return {path.stem for path in (self._folder / SEGMENTS).glob(f"*{SUFFIX}")}

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Nothing: what is mapped takes no room of its own here."""

    def close(self) -> None:
        """Nothing is held."""
