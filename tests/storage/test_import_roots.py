"""Nothing outside the roots is read, by whatever name it is called."""

import os
from pathlib import Path

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.source import SourceColumns
from alservice.domain.startup import StartupError
from alservice.storage.imports import ImportRoots
from alservice.storage.imports.local_raw import LocalRaw
from alservice.storage.objects.open_bucket import open_bucket


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A root; beside it lies a file that is none of its business."""
    folder = tmp_path / "inbox"
    (folder / "deep").mkdir(parents=True)
    for place in (folder, folder / "deep", tmp_path):
        np.save(place / "x.npy", np.ones((2, 3)))
    return folder


def refused(roots: ImportRoots, uri: str) -> None:
    with pytest.raises(errors.SourceNotAllowed, match="--import-roots"):
        roots.open(uri, SourceColumns())


def test_files_below_a_root_are_opened_by_path_and_by_address(inbox: Path) -> None:
    roots = ImportRoots.of([str(inbox)])
    for uri in (f"{inbox}/x.npy", f"file://{inbox}/deep/x.npy", f"file://localhost{inbox}/x.npy"):
        source = roots.open(uri, SourceColumns())
        assert (source.count, source.dimension) == (2, 3)
        source.close()
    (inbox / "a b.npy").write_bytes((inbox / "x.npy").read_bytes())
    roots.open(f"file://{inbox}/a%20b.npy", SourceColumns()).close()


def test_what_lies_elsewhere_is_refused_whether_it_is_there_or_not(inbox: Path) -> None:
    roots = ImportRoots.of([str(inbox)])
    above = inbox.parent
    for uri in (
        f"{above}/x.npy",
        f"{above}/none.npy",
        f"{inbox}/../x.npy",
        f"{inbox}/deep/../x.npy",
        f"file://{inbox}/%2e%2e/x.npy",
        f"{inbox}-not/x.npy",
        str(inbox),
        "x.npy",
        "inbox/x.npy",
        "/etc/passwd",
        "",
        f"{inbox}/x.npy\0",
        f"file://elsewhere{inbox}/x.npy",
        f"file://{inbox}/%00",
        f"https://example.org{inbox}/x.npy",
        "s3://bucket/x.npy",
    ):
        refused(roots, uri)


def test_a_link_leads_nowhere_but_below_a_root(inbox: Path) -> None:
    roots = ImportRoots.of([str(inbox)])
    (inbox / "in.npy").symlink_to(inbox / "deep" / "x.npy")
    roots.open(f"{inbox}/in.npy", SourceColumns()).close()
    (inbox / "out.npy").symlink_to(inbox.parent / "x.npy")
    (inbox / "up").symlink_to(inbox.parent)
    (inbox / "circle").symlink_to(inbox / "circle")
    for uri in (f"{inbox}/out.npy", f"{inbox}/up/x.npy"):
        refused(roots, uri)
    with pytest.raises((errors.SourceNotAllowed, errors.SourceInvalid, errors.SourceNotFound)):
        roots.open(f"{inbox}/circle/x.npy", SourceColumns())


def test_what_becomes_a_link_after_it_was_looked_at_is_not_followed(inbox: Path) -> None:
    (inbox / "swapped").symlink_to(inbox.parent)
    (inbox / "link.npy").symlink_to(inbox.parent / "x.npy")
    for path in (inbox / "swapped" / "x.npy", inbox / "link.npy"):
        with pytest.raises(errors.SourceInvalid, match="cannot be opened"):
            LocalRaw.open(inbox, path, "uri")


def test_a_root_may_itself_be_a_link(inbox: Path) -> None:
    (inbox.parent / "alias").symlink_to(inbox)
    roots = ImportRoots.of([str(inbox.parent / "alias")])
    roots.open(f"{inbox.parent}/alias/x.npy", SourceColumns()).close()
    roots.open(f"{inbox}/x.npy", SourceColumns()).close()


def test_only_regular_files_are_opened_and_no_pipe_is_waited_for(inbox: Path) -> None:
    roots = ImportRoots.of([str(inbox)])
    os.mkfifo(inbox / "pipe.npy")
    (inbox / "folder.npy").mkdir()
    for name in ("pipe.npy", "folder.npy"):
        with pytest.raises(errors.SourceInvalid, match="no regular file"):
            roots.open(f"{inbox}/{name}", SourceColumns())


def test_nothing_stays_open(inbox: Path) -> None:
    roots = ImportRoots.of([str(inbox)])
    before = set(Path("/proc/self/fd").iterdir())
    roots.open(f"{inbox}/x.npy", SourceColumns()).close()
    (inbox / "bad.npy").write_bytes(b"nothing")
    for name in ("bad.npy", "none.npy", "deep", "x.npy/y.npy"):
        with pytest.raises(errors.AlserviceError):
            roots.open(f"{inbox}/{name}", SourceColumns())
    assert len(set(Path("/proc/self/fd").iterdir())) == len(before)


def test_keys_of_a_bucket_are_matched_part_by_part() -> None:
    bucket = open_bucket("s3://bucket/inbox")  # nothing is asked of it
    roots = ImportRoots(buckets={"s3://bucket/inbox": bucket})
    for uri in (
        "s3://bucket/x.npy",
        "s3://bucket/inbox",
        "s3://bucket/inbox-not/x.npy",
        "s3://bucket/inbox/../x.npy",
        "s3://bucket/inbox/%2e%2e/x.npy",
        "s3://bucket/inbox/./x.npy",
        "s3://bucket/inbox//x.npy",
        "s3://other/inbox/x.npy",
        "gs://bucket/inbox/x.npy",
        "/inbox/x.npy",
    ):
        refused(roots, uri)
    roots.close()


def test_a_root_that_is_not_there_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"--import-roots .*none: there is no such folder"):
        ImportRoots.of([str(tmp_path / "none")])
    with pytest.raises(StartupError, match="--import-roots ftp://a/b names no object store"):
        ImportRoots.of(["ftp://a/b"])
