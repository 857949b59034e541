"""Places where files can be: a folder, or a new prefix on the S3 server, read through caches."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import obstore
import pytest

from alservice.storage.files import Files, LocalFiles
from alservice.storage.objects import Bucket, CacheFolder, ObjectFiles, open_bucket
from alservice.storage.objects.open_bucket import Patience
from tests.s3.server import S3Server

QUICK: Final = Patience(request_s=5, retry_s=5, retries=3)
CACHE_BYTES: Final = 64 << 20
FOLDER: Final = "files"


class Place(Protocol):
    """A place, seen from outside."""

    def files(self) -> Files:
        """Files there as another process sees them, that knows nothing of them yet."""

    def names(self) -> list[str]:
        """What lies there, without its ending, sorted; unfinished files are not looked for."""

    def read(self, name: str) -> bytes:
        """What is stored."""

    def replace(self, name: str, data: bytes) -> None:
        """Store something else behind everybody's back."""


class LocalPlace:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> Files:
        return LocalFiles(self._folder)

    def names(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.safetensors"))

    def read(self, name: str) -> bytes:
        return (self._folder / f"{name}.safetensors").read_bytes()

    def replace(self, name: str, data: bytes) -> None:
        (self._folder / f"{name}.safetensors").write_bytes(data)


class S3Place:
    """A prefix of the bucket."""

    def __init__(self, s3: S3Server, caches: Path) -> None:
        self.address = s3.fresh()
        self.bucket = open_bucket(self.address, patience=QUICK)
        self._caches = caches
        self._numbers = itertools.count()
        self._opened: list[CacheFolder] = []

    def files(self, limit_bytes: int = CACHE_BYTES) -> ObjectFiles:
        cache = CacheFolder(self._caches / str(next(self._numbers)), limit_bytes)
        self._opened.append(cache)
        return ObjectFiles(self.bucket, cache, FOLDER, grace_s=0)

    def names(self) -> list[str]:
        return sorted(Path(name).stem for name in self.bucket.files(FOLDER))

    def read(self, name: str) -> bytes:
        return self.bucket.get(f"{FOLDER}/{name}.safetensors") or b""

    def replace(self, name: str, data: bytes) -> None:
        obstore.put(self.bucket._store, f"{FOLDER}/{name}.safetensors", data)

    def close(self) -> None:
        for cache in self._opened:
            cache.close()
        self.bucket.close()


def fresh_bucket(s3: S3Server, address: str | None = None) -> Bucket:
    """What is below the address; by default a bucket that is empty as far as one can see."""
    return open_bucket(address or s3.fresh(), patience=QUICK)


@contextmanager
def fresh_place(request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    """The place that the fixture's parameter names: local or s3."""
    if request.param == "local":
        yield LocalPlace(folder)
        return
    place = S3Place(request.getfixturevalue("s3"), folder)
    try:
        yield place
    finally:
        place.close()
