"""From the settings to the place of the files: beside the catalog, another folder, a bucket."""

import logging
import shutil
from contextlib import closing
from pathlib import Path
from typing import Final

from alservice.storage.durable_folder import make_folder
from alservice.storage.files.local_place import LocalPlace
from alservice.storage.objects.object_place import ObjectPlace
from alservice.storage.objects.open_bucket import Patience, open_bucket, probe

CACHE: Final = "cache"
MOST_CACHE_BYTES: Final = 16 << 30
# At a start a store that does not answer is told of within about ten seconds: somebody may have
# mistyped its address, and looks on. Later requests wait longer for one that is away.
FIRST_CONTACT: Final = Patience(request_s=5.0, retry_s=4.5)
_log: Final = logging.getLogger(__name__)


def open_place(
    objects: str | None,
    data: Path,
    cache_bytes: int | None = None,
    patience: Patience | None = None,
) -> LocalPlace | ObjectPlace:
    """Open the place, and see that it can be written and read.

    `objects` None: `data` itself; a path: that folder; an address such as s3://bucket/prefix: an
    object store, read through a cache in `data`. Raises StartupError that says what to do.
    """
    if objects is None or "://" not in objects:
        folder = data if objects is None else Path(objects)
        _log.info("opening the segments: %s", folder.absolute())
        return LocalPlace(folder)
    _log.info("opening the segments: %s", objects)
    with closing(open_bucket(objects, patience=patience or FIRST_CONTACT)) as asked:
        probe(asked)
    bucket = open_bucket(objects, patience=patience)
    try:
        return ObjectPlace(bucket, data / CACHE, cache_bytes or share_of_disk(data / CACHE))
    except BaseException:
        bucket.close()
        raise


def share_of_disk(cache: Path) -> int:
    """Bytes: 16 GiB, but at most three quarters of what the disk has for the cache."""
    make_folder(cache, 0o700)
    used = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    return min(MOST_CACHE_BYTES, (shutil.disk_usage(cache).free + used) * 3 // 4)
