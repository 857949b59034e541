"""The folders and buckets below which files may be imported, and the way to one of them."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from alservice.domain.errors import ImportUnavailable, SourceInvalid, SourceNotAllowed
from alservice.domain.source import SourceColumns
from alservice.domain.startup import StartupError
from alservice.ports.sources import ItemSource
from alservice.storage.imports import npy, npz, safetensors
from alservice.storage.imports.arrays import ArraySource, Stored
from alservice.storage.imports.arrow_file import open_arrow
from alservice.storage.imports.assemble import readable
from alservice.storage.imports.local_raw import LocalRaw
from alservice.storage.imports.object_raw import ObjectRaw
from alservice.storage.imports.parquet import open_parquet
from alservice.storage.imports.raw import RawFile
from alservice.storage.objects.bucket import Bucket
from alservice.storage.objects.open_bucket import open_bucket

_log: Final = logging.getLogger(__name__)
Opener = Callable[[RawFile, str, SourceColumns], ItemSource]


def _arrays(read: Callable[[RawFile], Mapping[str, Stored]]) -> Opener:
    def opened(raw: RawFile, uri: str, asked: SourceColumns) -> ItemSource:
        with readable(uri):
            there = read(raw)
        return ArraySource(raw, uri, there, asked)

    return opened


FORMATS: Final[Mapping[str, Opener]] = {
    ".npy": _arrays(npy.arrays_of),
    ".npz": _arrays(npz.arrays_of),
    ".safetensors": _arrays(safetensors.arrays_of),
    ".parquet": open_parquet,
    ".pq": open_parquet,
    ".arrow": open_arrow,
    ".feather": open_arrow,
}


@dataclass(frozen=True, slots=True)
class ImportRoots:
    """`ItemSources` below some roots: `folders` free of links, `buckets` by their addresses."""

    folders: tuple[Path, ...] = ()
    buckets: Mapping[str, Bucket] | None = None

    @classmethod
    def of(cls, roots: Sequence[str]) -> "ImportRoots":
        """From paths and addresses such as s3://bucket/folder. Raises StartupError."""
        folders, buckets = [], {}
        for root in roots:
            if "://" in root:
                address = root.rstrip("/")
                buckets[address] = open_bucket(address, flag="--import-roots")
            elif Path(root).is_dir():
                folders.append(Path(root).resolve())
            else:
                raise StartupError(f"--import-roots {root}: there is no such folder; make it")
        if roots:
            _log.info("files may be imported from: %s", ", ".join(map(str, [*folders, *buckets])))
        return cls(tuple(folders), buckets)

    def close(self) -> None:
        """End what asks the buckets. Idempotent."""
        for bucket in (self.buckets or {}).values():
            bucket.close()

    def open(self, uri: str, columns: SourceColumns) -> ItemSource:
        """As `ItemSources.open` promises."""
        raw = self._raw(uri)
        try:
            return _opener(uri)(raw, uri, columns)
        except BaseException:
            raw.close()
            raise

    def version(self, uri: str) -> str:
        """As `ItemSources.version` promises."""
        with closing(self._raw(uri)) as raw:
            return raw.version

    def _raw(self, uri: str) -> RawFile:
        if not self.folders and not self.buckets:
            text = (
                "this server imports no files: whoever runs it allows that with --import-roots "
                "(folders and s3://bucket/folder addresses, the same on every replica)"
            )
            raise ImportUnavailable(text, setting="import_roots")
        scheme, separator, rest = uri.partition("://")
        if "\0" in uri or ".." in PurePosixPath(unquote(rest) or scheme).parts:
            raise _refused(uri)
        if not separator:
            return self._local(Path(uri), uri)
        if scheme == "file":
            return self._local(Path(unquote(rest.removeprefix("localhost"))), uri)
        return self._object(uri)

    def _local(self, path: Path, uri: str) -> RawFile:
        """The file, if it lies below a root once all links are followed."""
        if path.is_absolute() and "\0" not in str(path):
            with suppress(OSError, RuntimeError):  # a circle of links leads nowhere
                real = Path(os.path.realpath(path))
                for root in self.folders:
                    if root in real.parents:
                        return LocalRaw.open(root, real, uri)
        raise _refused(uri)

    def _object(self, uri: str) -> RawFile:
        for address, bucket in (self.buckets or {}).items():
            key = uri.removeprefix(f"{address}/")
            if key != uri and not {"", "."} & set(key.split("/")):
                return ObjectRaw(bucket, key, uri)
        raise _refused(uri)


def _opener(uri: str) -> Opener:
    ending = PurePosixPath(uri).suffix.lower()
    if ending not in FORMATS:
        text = f"{uri} is none of the formats {', '.join(FORMATS)}, by its ending"
        raise SourceInvalid(text, uri=uri)
    return FORMATS[ending]


def _refused(uri: str) -> SourceNotAllowed:
    """The error, which does not tell which files there are elsewhere."""
    text = (
        f"{uri[:200]} is not below a folder or bucket that this server imports from; put the file "
        "there, or ask whoever runs the server to add its place to --import-roots. Paths are "
        "absolute, without `..`"
    )
    return SourceNotAllowed(text, uri=uri[:200])
