"""The place of the segments, opened by a helper process on any machine, to read only."""

import os
import tempfile
from pathlib import Path

from alservice.domain.startup import StartupError
from alservice.ports.segments import SegmentStore
from alservice.storage.files.local_place import LocalPlace
from alservice.storage.folder_lock import lock_own_folder
from alservice.storage.objects.object_place import ObjectPlace
from alservice.storage.objects.open_bucket import open_bucket
from alservice.storage.open_place import CACHE, share_of_disk
from alservice.storage.private_folder import make_private_folder
from alservice.storage.segments import FileSegmentStore


def shared_folder() -> Path:
    """What this user's processes share on a machine: one folder in it for each, with its cache."""
    return Path(tempfile.gettempdir()) / f"alservice-shards-{os.geteuid()}"


def open_elsewhere(
    objects: str | None, data: Path, cache_bytes: int | None = None
) -> tuple[SegmentStore, str | None]:
    """The store, and what the mark of its place says, None if there is none.

    As `open_place`, but nothing is made in the place; a bucket is read through a cache below the
    temporary folder (TMPDIR) that is this process's own, and the next one's. Raises StartupError.
    """
    if objects is None or "://" not in objects:
        folder = data if objects is None else Path(objects)
        if not folder.is_dir():
            raise StartupError(f"{folder} is not there: share it with this machine")
        place: LocalPlace | ObjectPlace = LocalPlace(folder)
    else:
        shared = shared_folder()
        make_private_folder(shared)
        own, _ = lock_own_folder(shared)
        cache = own / CACHE
        place = ObjectPlace(open_bucket(objects), cache, cache_bytes or share_of_disk(cache))
    return FileSegmentStore(place.segments), place.mark()
