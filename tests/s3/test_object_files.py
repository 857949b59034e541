"""Files in a bucket when things go wrong on the way; the S3 server and the cuts are real."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from alservice import core
from alservice.domain.errors import CacheFull, ObjectStoreUnavailable
from alservice.storage.files import Damaged
from alservice.storage.objects import Bucket, CacheFolder, ObjectFiles, open_bucket
from alservice.storage.objects.object_files import GRACE_S
from alservice.storage.objects.open_bucket import Patience
from tests.s3.proxy import S3Proxy, s3_proxy
from tests.s3.server import S3Server

ROOT = Path(__file__).parents[2]
PATIENT = Patience(request_s=8, retry_s=30, retries=4)
IMPATIENT = Patience(request_s=1, retry_s=1, retries=2)
LARGE = np.random.default_rng(0).integers(0, 256, 10 << 20, np.uint8)  # two parts
SMALL = LARGE[:1000]
Open = Callable[..., ObjectFiles]


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    with s3_proxy(s3.port) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
        yield made


@pytest.fixture
def bucket(s3: S3Server, proxy: S3Proxy) -> Iterator[Bucket]:
    """Through the proxy."""
    assert proxy.endpoint == os.environ["AWS_ENDPOINT_URL"]
    opened = open_bucket(s3.fresh(), patience=PATIENT)
    yield opened
    opened.close()


@pytest.fixture
def open_files(bucket: Bucket, tmp_path: Path) -> Iterator[Open]:
    """Files of another process: the same bucket, another cache."""
    caches: list[CacheFolder] = []

    def make(
        limit_bytes: int = 100 << 20, grace_s: float = 0, through: Bucket = bucket
    ) -> ObjectFiles:
        caches.append(CacheFolder(tmp_path / f"cache-{len(caches)}", limit_bytes))
        return ObjectFiles(through, caches[-1], "files", grace_s)

    yield make
    for cache in caches:
        cache.close()


def write(files: ObjectFiles, name: str, data: NDArray[np.uint8]) -> int:
    """Its checksum."""
    draft = files.create(name)
    try:
        draft.write(data)
        draft.publish(core.crc32c(data))
    except BaseException:
        draft.discard()
        raise
    return core.crc32c(data)


def test_what_was_written_is_read_through_another_cache(open_files: Open) -> None:
    crc = write(open_files(), "f", LARGE)
    assert open_files().open("f", LARGE.size, crc)[:] == LARGE.tobytes()


@pytest.mark.parametrize("fault", ["busy", "cuts", "silent"])
def test_a_store_that_fails_now_and_then_is_asked_again(
    open_files: Open, proxy: S3Proxy, fault: str
) -> None:
    proxy.faults.cut_after = 1 << 20
    often = 1 if fault == "silent" else 2  # each silence lasts until the request's time is over
    setattr(proxy.faults, fault, often)
    crc = write(open_files(), "f", LARGE)
    assert getattr(proxy.faults, fault) == 0
    setattr(proxy.faults, fault, often)
    assert open_files().open("f", LARGE.size, crc)[:] == LARGE.tobytes()
    assert getattr(proxy.faults, fault) == 0


@pytest.mark.parametrize("fault", ["busy", "cuts", "silent"])
def test_a_store_that_never_works_is_one_clear_error_and_nothing_is_left(
    open_files: Open, proxy: S3Proxy, bucket: Bucket, tmp_path: Path, fault: str
) -> None:
    crc = write(open_files(), "f", LARGE)
    hasty = open_bucket(bucket.address, patience=IMPATIENT)
    setattr(proxy.faults, fault, 1000)
    with pytest.raises(ObjectStoreUnavailable, match=r"files/f\.safetensors in s3://") as caught:
        open_files(through=hasty).open("f", LARGE.size, crc)
    assert caught.value.metadata == {"object": "files/f.safetensors", "cause": "unreachable"}
    with pytest.raises(ObjectStoreUnavailable, match="check that the object store is up"):
        write(open_files(through=hasty), "g", LARGE)
    hasty.close()
    setattr(proxy.faults, fault, 0)
    left = [path for path in tmp_path.rglob("*.*") if path.is_file()]
    assert [path.name for path in left] == ["f.safetensors"]
    assert open_files().open("f", LARGE.size, crc)[:] == LARGE.tobytes()
    assert open_files().stray(["f"]) == []


def test_whoever_may_not_any_more_is_told_about_credentials(
    open_files: Open, s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    crc = write(open_files(), "f", SMALL)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "changed")
    other = open_bucket(s3.fresh(), patience=IMPATIENT)
    cache = CacheFolder(tmp_path / "other", 1 << 20)
    with pytest.raises(ObjectStoreUnavailable, match="check the credentials") as caught:
        ObjectFiles(other, cache, "files").open("f", SMALL.size, crc)
    assert caught.value.metadata["cause"] == "permission"
    other.close()
    cache.close()


def test_threads_that_miss_one_file_download_it_once(open_files: Open, proxy: S3Proxy) -> None:
    crc = write(open_files(), "f", LARGE)
    other = open_files()
    before = proxy.faults.sent_bytes
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: other.open("f", LARGE.size, crc), range(8)))
    assert all(each[:100] == LARGE[:100].tobytes() for each in found)
    assert LARGE.size <= proxy.faults.sent_bytes - before < 1.5 * LARGE.size


def test_a_damaged_copy_is_fetched_anew_once(open_files: Open, tmp_path: Path) -> None:
    crc = write(open_files(), "f", SMALL)
    (copy,) = tmp_path.rglob("f.safetensors")
    for bad in (b"", SMALL.tobytes()[:-1], SMALL.tobytes()[:-1] + b"?"):
        folder = tmp_path / f"restart-{len(bad)}-{bad[-1:] == b'?'}" / "files"
        folder.mkdir(parents=True)
        (folder / copy.name).write_bytes(bad)  # a cache that outlived its process
        cache = CacheFolder(folder.parent, 1 << 20)
        files = ObjectFiles(open_files()._bucket, cache, "files")
        assert files.open("f", SMALL.size, crc)[:] == SMALL.tobytes()
        assert (folder / copy.name).read_bytes() == SMALL.tobytes()
        cache.close()


def test_a_whole_copy_from_before_a_restart_needs_no_download(
    open_files: Open, proxy: S3Proxy, tmp_path: Path
) -> None:
    files = open_files()
    crc = write(files, "f", LARGE)
    files._cache.close()
    again = ObjectFiles(files._bucket, CacheFolder(tmp_path / "cache-0", 100 << 20), "files")
    proxy.faults.busy = 1000
    assert again.open("f", LARGE.size, crc)[:] == LARGE.tobytes()
    again._cache.close()


def test_a_file_that_is_gone_is_damage_and_not_an_outage(open_files: Open) -> None:
    with pytest.raises(Damaged, match="gone") as caught:
        open_files().open("never", 10, 0)
    assert caught.value.cause == "missing"


def test_what_is_mapped_stays_and_what_does_not_fit_is_refused(open_files: Open) -> None:
    writer, reader = open_files(), open_files(limit_bytes=2500)
    pieces = [LARGE[n * 1000 : (n + 1) * 1000] for n in range(4)]
    crcs = [write(writer, f"f{n}", piece) for n, piece in enumerate(pieces)]
    held = [reader.open(f"f{n}", 1000, crcs[n]) for n in (0, 1)]
    with pytest.raises(CacheFull, match="--cache-bytes"):
        reader.open("f2", 1000, crcs[2])
    with pytest.raises(CacheFull):
        write(reader, "g", SMALL)
    assert [each[:] for each in held] == [piece.tobytes() for piece in pieces[:2]]
    held.pop()
    for n in (2, 3, 1, 2):  # one at a time fits beside what is held
        assert reader.open(f"f{n}", 1000, crcs[n])[:] == pieces[n].tobytes()
    assert held[0][:] == pieces[0].tobytes()
    assert reader.stray([]) == ["f0", "f1", "f2", "f3"]


def test_what_is_young_is_not_stray(open_files: Open) -> None:
    write(open_files(), "f", SMALL)
    assert open_files(grace_s=3600).stray([]) == []
    assert open_files().stray([]) == ["f"]


def test_the_grace_of_a_server_is_a_week_and_holds_for_strays_only(
    open_files: Open, bucket: Bucket
) -> None:
    place = open_files(grace_s=GRACE_S)
    assert timedelta(days=7).total_seconds() <= GRACE_S
    write(place, "f", SMALL)
    assert place.stray([]) == []
    place.remove("f")  # what the rows say is dead goes at once
    assert "f.safetensors" not in bucket.files("files")


@pytest.mark.parametrize("work", ["write", "read"])
def test_a_process_that_is_killed_on_the_way_leaves_nothing_that_is_taken_for_whole(
    open_files: Open, proxy: S3Proxy, bucket: Bucket, tmp_path: Path, work: str
) -> None:
    crc = write(open_files(), "whole", LARGE)
    program = f"""
    import sys
    from pathlib import Path
    from alservice.storage.objects import CacheFolder, ObjectFiles, open_bucket
    from tests.s3.test_object_files import LARGE, write
    cache = CacheFolder(Path(sys.argv[2]), 100 << 20)
    files = ObjectFiles(open_bucket(sys.argv[1]), cache, "files")
    print("ready", flush=True)
    sys.stdin.readline()
    files.open("whole", LARGE.size, {crc}) if "{work}" == "read" else write(files, "half", LARGE)
    """
    cache = tmp_path / "killed"
    command = [sys.executable, "-c", textwrap.dedent(program), bucket.address, str(cache)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        _kill_in_the_middle(child.pid, proxy, work)
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.wait(60) == -signal.SIGKILL
    proxy.faults.watch = lambda _: None
    left = [path.name for path in cache.rglob("*.*") if path.is_file()]
    assert left == ["half.tmp" if work == "write" else "whole.part"]
    assert open_files().stray([]) == ["whole"]
    again = CacheFolder(cache, 100 << 20)
    assert again.size_bytes == 0
    files = ObjectFiles(bucket, again, "files", 0)
    assert files.open("whole", LARGE.size, crc)[:] == LARGE.tobytes()
    assert files.stray(["whole"]) == []
    again.close()


def _kill_in_the_middle(pid: int, proxy: S3Proxy, work: str) -> None:
    """Once half of an upload has passed, or the second piece of a download is asked for."""
    passed: list[int] = []
    asked = itertools.count()

    def watch(data: bytes) -> None:
        passed.append(len(data))
        if work == "read":
            due = data.startswith(b"GET ") and next(asked) == 1
        else:
            due = sum(passed) > LARGE.size // 2
        if due:
            os.kill(pid, signal.SIGKILL)

    proxy.faults.watch = watch


def test_a_full_disk_is_said_to_be_one_and_leaves_nothing(
    open_files: Open, bucket: Bucket, tmp_path: Path
) -> None:
    crc = write(open_files(), "f", LARGE)
    program = f"""
    import resource, sys
    from pathlib import Path
    from alservice.domain.errors import DiskFull
    from alservice.storage.objects import CacheFolder, ObjectFiles, open_bucket
    from tests.s3.test_object_files import LARGE, write
    cache = CacheFolder(Path(sys.argv[2]), 100 << 20)
    files = ObjectFiles(open_bucket(sys.argv[1]), cache, "files")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    for work in (lambda: files.open("f", LARGE.size, {crc}), lambda: write(files, "g", LARGE)):
        try:
            work()
        except DiskFull as error:
            print("free space on that disk" in str(error), cache.size_bytes)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(files.open("f", LARGE.size, {crc}).size() == LARGE.size, cache.size_bytes == LARGE.size)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), bucket.address, str(tmp_path / "c")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["True 0", "True 0", "True True"], done.stderr
    left = [path.name for path in (tmp_path / "c").rglob("*.*") if path.is_file()]
    assert left == ["f.safetensors"]
    assert open_files().stray([]) == ["f"]
