"""Segments in a process of their own: killed, out of room, and short of memory."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from alservice.domain.errors import DiskFull
from alservice.storage.files.disk import no_room_is_disk_full
from alservice.storage.segments import LocalSegmentStore
from tests.storage.segment_blocks import write_plain

PRELUDE = """
import os, resource, sys
from pathlib import Path
import numpy as np
from alservice.domain.errors import DiskFull
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.storage.segments import LocalSegmentStore
from tests.storage.segment_blocks import catalog_row, plain_block
store = LocalSegmentStore(Path(sys.argv[1]))
"""
ROOT = Path(__file__).parents[2]


def run(folder: Path, program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program after PRELUDE, with the folder as its argument."""
    code = PRELUDE + textwrap.dedent(program)
    command = [sys.executable, "-W", "error", "-c", code, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_killed_writer_leaves_only_what_stray_names(tmp_path: Path) -> None:
    known = write_plain(LocalSegmentStore(tmp_path), "known")
    killed = run(
        tmp_path,
        """
        writer = store.writer("sealed", 8, DType.F32)
        writer.append(*plain_block(100))
        writer.seal()
        writer = store.writer("unfinished", 8, DType.F32)
        writer.append(*plain_block(100))
        os.kill(os.getpid(), 9)
        """,
    )
    assert killed.returncode == -9, killed.stderr
    store = LocalSegmentStore(tmp_path)
    assert store.stray(["known"]) == ["sealed", "unfinished"]
    for segment_id in store.stray(["known"]):
        store.remove(segment_id)
    assert store.open(known).rows == 20
    assert [path.name for path in tmp_path.iterdir()] == ["known.safetensors"]


@pytest.mark.parametrize("limit", [0, 2000, 100_000])
def test_a_full_disk_says_what_to_do_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    done = run(
        tmp_path,
        f"""
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        writer = None
        try:
            writer = store.writer("s", 8, DType.F32)
            for _ in range(100):
                writer.append(*plain_block(1000))
        except DiskFull as error:
            print(error)
        if writer is not None:
            try:
                writer.seal()
            except ValueError as error:
                print(error)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert "free space on that disk" in done.stdout
    assert ("given up" in done.stdout) == (limit > 4096)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_the_end_is_noticed_by_seal(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        writer = store.writer("s", 8, DType.F32)
        writer.append(*plain_block(1000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        try:
            writer.seal()
        except DiskFull as error:
            print(error)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert "free space on that disk" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_device_without_room_is_a_full_disk_and_other_errors_are_themselves() -> None:
    device = Path("/dev/full")
    full = device.open("wb", buffering=0)
    with full, pytest.raises(DiskFull, match="/dev"), no_room_is_disk_full(device):
        full.write(b"x")
    with pytest.raises(NotADirectoryError), no_room_is_disk_full(device):
        (device / "x").open("wb")


def test_memory_stays_small_while_three_hundred_megabytes_pass(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        rows, dimension = 700, 384
        vectors = np.ones((rows, dimension), np.float32)
        def peak():
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if "VmHWM" in line)
        before = peak()
        writer = store.writer("s", dimension, DType.F32)
        for chunk in range(300_000_000 // vectors.nbytes + 1):
            ids = tuple(f"item-{chunk}-{i}" for i in range(rows))
            writer.append(ItemBlock(ids, vectors, DType.F32), np.ones(rows, np.int64))
        size = writer.size_bytes
        sealed = writer.seal()
        store.open(catalog_row("s", sealed))
        print(size, peak() - before)
        """,
    )
    assert done.returncode == 0, done.stderr
    size, growth = map(int, done.stdout.split())
    assert size > 300_000_000
    assert growth < 100_000_000
