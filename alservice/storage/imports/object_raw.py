"""A file to import in a bucket."""

from collections.abc import Callable
from typing import Final

from alservice.domain.errors import SourceInvalid, SourceNotFound
from alservice.storage.objects.bucket import Bucket

_PIECE_BYTES: Final = 4 << 20


class ObjectRaw:
    """A `RawFile`. Its version is the ETag of the object."""

    piece_bytes = _PIECE_BYTES
    is_far = True

    def __init__(self, bucket: Bucket, key: str, uri: str) -> None:
        """Look for it. Raises SourceNotFound, ObjectStoreUnavailable."""
        found = bucket.look(key)
        if found is None:
            raise SourceNotFound(f"there is no object {uri}", uri=uri)
        self.size_bytes, self.version = found
        self._bucket = bucket
        self._key = key

    def begin(self, start: int, count: int) -> Callable[[], bytes]:
        """The bytes, which are on their way."""
        coming = self._bucket.piece_later(self._key, start, start + count)

        def wait() -> bytes:
            data = coming.result().tobytes()
            if len(data) != count:
                text = f"it ends at byte {start + len(data)}: it was replaced by a shorter one"
                raise SourceInvalid(text, got=start + len(data))
            return data

        return wait

    def close(self) -> None:
        """Nothing is held."""
