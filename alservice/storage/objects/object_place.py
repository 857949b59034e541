"""`ObjectPlace`: a prefix of a bucket with segments, artefacts and the mark of its cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alservice.domain.errors import ObjectStoreUnavailable
from alservice.domain.startup import StartupError
from alservice.storage.files.local_place import ARTEFACTS, HOLDER, MARK, SEGMENTS
from alservice.storage.files.names import names_of
from alservice.storage.objects.bucket import Bucket
from alservice.storage.objects.cache_folder import CacheFolder
from alservice.storage.objects.object_files import ObjectFiles


class ObjectPlace:
    """A FilePlace in an object store, read through one cache."""

    def __init__(self, bucket: Bucket, cache: Path, cache_bytes: int) -> None:
        """Take the cache folder. Raises FolderInUse."""
        self._bucket = bucket
        self._cache = CacheFolder(cache, cache_bytes)
        self.address = bucket.address
        self.segments = ObjectFiles(bucket, self._cache, SEGMENTS)
        self.artefacts = ObjectFiles(bucket, self._cache, ARTEFACTS)

    def mark(self) -> str | None:
        """What the mark says."""
        return self._read(MARK)

    def set_mark(self, text: str) -> str:
        """Create-only, and read back: a retry may have met the mark of its first attempt."""
        with _told():
            self._bucket.put_new(MARK, f"{text}\n".encode())
        return self.mark() or ""

    def holder(self) -> str | None:
        """The turn of the catalog that holds the place."""
        return self._read(HOLDER)

    def set_holder(self, turn: str) -> None:
        """Replaced as a whole."""
        with _told():
            self._bucket.put(HOLDER, f"{turn}\n".encode())

    def _read(self, name: str) -> str | None:
        with _told():
            found = self._bucket.get(name)
        return None if found is None else found.decode(errors="replace").strip()

    def segment_ids(self) -> set[str]:
        """Ids of all objects that are segments."""
        with _told():
            return names_of(self._bucket.files(SEGMENTS))

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Call `let_go` where the cache is full of what is mapped."""
        self._cache.when_short(let_go)

    def close(self) -> None:
        """Let another process have the cache. Idempotent."""
        self._cache.close()
        self._bucket.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ObjectStoreUnavailable as error:
        raise StartupError(str(error)) from error
