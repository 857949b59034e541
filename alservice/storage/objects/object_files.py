"""`ObjectFiles`: objects in a bucket, written through and read from a local cache."""

import mmap
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.storage.files.disk import NewFile
from alservice.storage.files.files import Damaged
from alservice.storage.files.mapped import map_verified, require_crc32c, require_size
from alservice.storage.files.names import SUFFIX, TEMPORARY, file_name, names_of
from alservice.storage.objects.bucket import Bucket
from alservice.storage.objects.cache_folder import CacheFolder, Entry

# The sweep's order of reads needs no grace. Whoever tries a restored catalog on the place of the
# living one does: to the copy, all that came after its dump is stray. A week is longer than such
# a trial, and a stray costs room only.
GRACE_S: Final = 7 * 24 * 3600.0
_DOWNLOADS: Final = 2  # a damaged copy is fetched anew, once


class ObjectFiles:
    """Files in `folder` of a bucket: `<folder>/<name>.safetensors`.

    A file is written into the cache and uploaded; it is durable, and can be seen, once the store
    has answered. What is younger than `grace_s` seconds is never stray.
    """

    def __init__(
        self, bucket: Bucket, cache: CacheFolder, folder: str, grace_s: float = GRACE_S
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._folder = folder
        self._grace = timedelta(seconds=grace_s)
        # The CRC32C that a cached file is known to have. One step each: threads need no lock.
        self._verified: dict[str, int] = {}

    def create(self, name: str) -> "ObjectDraft":
        """Begin a file. Raises FileExistsError, DiskFull, ObjectStoreUnavailable."""
        key = self._key(name)
        if self._bucket.size_bytes(key) is not None:
            raise FileExistsError(f"names are never reused, and {key} exists")
        trust = partial(self._verified.__setitem__, name)
        return ObjectDraft(self._bucket, self._cache, key, trust)

    def open(self, name: str, size_bytes: int, crc32c: int) -> mmap.mmap:
        """Map a file, downloading it where the cache does not have it.

        Raises Damaged, Overloaded, DiskFull, CacheFull, ObjectStoreUnavailable.
        """
        key = self._key(name)
        for last in (False, True):
            try:
                return self._map(name, key, size_bytes, crc32c)
            except Damaged:
                self._verified.pop(name, None)
                if last:
                    raise
        raise AssertionError

    def remove(self, name: str) -> None:
        """Remove the object, its copy, and what is not finished; absent is fine."""
        key = self._key(name)
        self._verified.pop(name, None)
        self._cache.path(key).with_suffix(TEMPORARY).unlink(missing_ok=True)
        self._cache.remove(key)
        self._bucket.delete(key)

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Names that are not among `known`: objects of an age, and our unfinished files."""
        young = datetime.now(UTC) - self._grace
        objects = self._bucket.files(self._folder).items()
        files = [file for file, written in objects if written <= young]
        drafts = self._cache.path(self._folder).glob(f"*{TEMPORARY}")
        return sorted(names_of([*files, *(path.name for path in drafts)]).difference(known))

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Call `let_go` where the cache is full of what is mapped."""
        self._cache.when_short(let_go)

    def _key(self, name: str) -> str:
        return f"{self._folder}/{file_name(name, SUFFIX)}"

    def _map(self, name: str, key: str, size_bytes: int, crc32c: int) -> mmap.mmap:
        fetch = partial(self._fetch, name, key, size_bytes, crc32c)
        entry = self._cache.take(key, size_bytes, fetch)
        check = self._verified.get(name) != crc32c
        try:
            mapped = map_verified(self._cache.path(key), size_bytes, crc32c, check=check)
        except Damaged:
            self._cache.drop(entry)
            raise
        except BaseException:
            self._cache.give_back(entry)
            raise
        self._verified[name] = crc32c
        weakref.finalize(mapped, self._cache.give_back, entry).atexit = False
        return mapped

    def _fetch(self, name: str, key: str, size_bytes: int, crc32c: int, part: Path) -> None:
        found = self._bucket.size_bytes(key)
        if found is None:
            raise Damaged("missing", f"the object {key} in {self._bucket.address} is gone")
        require_size(size_bytes, found)
        crc, file = 0, NewFile(part)
        try:
            for piece in self._bucket.pieces(key, size_bytes):
                file.write(piece)
                crc = core.crc32c(piece, crc)
            require_crc32c(crc32c, crc)
        finally:
            file.close()
        self._verified[name] = crc32c


class ObjectDraft:
    """A file in the cache under a temporary name, uploaded once it is whole."""

    def __init__(
        self, bucket: Bucket, cache: CacheFolder, key: str, trust: Callable[[int], None]
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._trust = trust
        self._entry: Entry | None = cache.begin(key)
        self._path = cache.path(key).with_suffix(TEMPORARY)
        self._key = key
        self._file = NewFile(self._path)

    def write(self, data: NDArray[np.uint8]) -> None:
        """Append bytes. Raises DiskFull, CacheFull."""
        if self._entry is not None:
            self._cache.grow(self._entry, data.size)
        self._file.write(data)

    def overwrite(self, data: bytes) -> None:
        """Replace the first bytes. Raises DiskFull."""
        self._file.overwrite(data)

    def publish(self, crc32c: int) -> None:
        """Upload; keep the copy. Raises ObjectStoreUnavailable, FileNotFoundError."""
        self._file.close()
        self._bucket.put_file(self._key, self._path)
        self._trust(crc32c)
        if self._entry is not None:
            self._cache.settle(self._entry, self._path)
            self._entry = None

    def discard(self) -> None:
        """Remove the temporary file. Idempotent; nothing once it is published."""
        if self._entry is not None:
            self._file.discard()
            self._cache.abandon(self._entry)
            self._entry = None
