"""The cache of an object store is bounded, and never takes away what is in use."""

import random
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alservice.domain.errors import CacheFull
from alservice.storage.folder_lock import FolderInUse
from alservice.storage.objects.cache_folder import CacheFolder, Entry

LIMIT = 100
ROOT = Path(__file__).parents[2]
NUMBERS = st.integers(0, 11)


def key_of(number: int) -> str:
    return f"files/f{number}.safetensors"


def size_of(number: int) -> int:
    return [1, 10, 20, 30, 40, 100][number % 6]


def content(number: int) -> bytes:
    return bytes([number]) * size_of(number)


def fetching(number: int) -> Callable[[Path], None]:
    def fetch(path: Path) -> None:
        path.write_bytes(content(number))

    return fetch


def take(cache: CacheFolder, number: int) -> Entry:
    return cache.take(key_of(number), size_of(number), fetching(number))


def on_disk(folder: Path) -> dict[str, int]:
    files = [path for path in folder.rglob("*.*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


class CacheAgainstOracle(RuleBasedStateMachine):
    """The oracle: a list in the order of use, and how often each file on it is pinned."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name) / "cache"
        self.cache = CacheFolder(self.folder, LIMIT)
        self.kept: list[tuple[int, Entry]] = []
        self.held: list[tuple[int, Entry]] = []

    def teardown(self) -> None:
        self.cache.close()
        self.temporary.cleanup()

    def pinned(self, entry: Entry) -> bool:
        return any(other is entry for _, other in self.held)

    def bytes_in_use(self) -> int:
        kept = [entry for _, entry in self.kept]
        gone = {id(e): n for n, e in self.held if not any(e is other for other in kept)}
        return sum(size_of(n) for n, _ in self.kept) + sum(map(size_of, gone.values()))

    def fits(self, size_bytes: int) -> bool:
        """Whether there is room; if so, the oracle's oldest go until there is."""
        free = [(n, e) for n, e in self.kept if not self.pinned(e)]
        if self.bytes_in_use() - sum(size_of(n) for n, _ in free) + size_bytes > LIMIT:
            return False
        while self.bytes_in_use() + size_bytes > LIMIT:
            self.kept.remove(free.pop(0))
        return True

    @rule(number=NUMBERS)
    def read(self, number: int) -> None:
        known = [entry for other, entry in self.kept if other == number]
        if not known and not self.fits(size_of(number)):
            with pytest.raises(CacheFull, match="--cache-bytes"):
                take(self.cache, number)
            return
        entry = take(self.cache, number)
        assert known in ([], [entry])
        self.kept = [(n, e) for n, e in self.kept if n != number] + [(number, entry)]
        self.held.append((number, entry))

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 50))
    def let_go(self, which: int) -> None:
        _, entry = self.held.pop(which % len(self.held))
        self.cache.give_back(entry)

    @rule(number=NUMBERS, finished=st.booleans())
    def write(self, number: int, *, finished: bool) -> None:
        if number in [n for n, _ in self.kept] or not self.fits(size_of(number)):
            return
        entry = self.cache.begin(key_of(number))
        self.cache.grow(entry, size_of(number))
        part = self.cache.path(key_of(number)).with_suffix(".tmp")
        part.write_bytes(content(number))
        if finished:
            self.cache.settle(entry, part)
            self.kept.append((number, entry))
        else:
            part.unlink()
            self.cache.abandon(entry)

    @rule(number=NUMBERS)
    def remove(self, number: int) -> None:
        self.cache.remove(key_of(number))
        self.kept = [(n, e) for n, e in self.kept if n != number]

    @rule()
    def restart(self) -> None:
        self.cache.close()
        self.cache = CacheFolder(self.folder, LIMIT)
        entries = {entry.key: entry for entry in self.cache._kept.values()}
        assert set(entries) == {key_of(n) for n, _ in self.kept}
        numbers = {key_of(n): n for n, _ in self.kept}
        # File times are coarser than these steps: what came at once may stand in any order.
        self.kept = [(numbers[key], entry) for key, entry in entries.items()]
        self.held = []

    @invariant()
    def the_bound_holds(self) -> None:
        assert sum(on_disk(self.folder).values()) <= self.cache.size_bytes <= LIMIT
        assert self.cache.size_bytes == self.bytes_in_use()

    @invariant()
    def what_is_kept_is_whole_and_nothing_else_is_there(self) -> None:
        assert set(on_disk(self.folder)) == {key_of(n) for n, _ in self.kept}
        for number, _ in self.kept:
            assert self.cache.path(key_of(number)).read_bytes() == content(number)


TestCacheAgainstOracle = CacheAgainstOracle.TestCase
TestCacheAgainstOracle.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_whoever_asks_first_fetches_and_the_others_wait(tmp_path: Path) -> None:
    cache, fetched = CacheFolder(tmp_path, LIMIT), list[Path]()

    def fetch(path: Path) -> None:
        fetched.append(path)
        path.write_bytes(content(1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: cache.take(key_of(1), size_of(1), fetch), range(64)))
    assert len(fetched) == 1
    cache.close()


def test_a_fetch_that_fails_takes_no_room_and_the_next_one_is_tried(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path, LIMIT)

    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise ConnectionError

    for _ in range(3):
        with pytest.raises(ConnectionError):
            cache.take(key_of(5), size_of(5), broken)
        assert (cache.size_bytes, on_disk(tmp_path)) == (0, {})
    assert take(cache, 5).size_bytes == LIMIT
    cache.close()


def test_threads_keep_the_bound_and_what_they_hold(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path, LIMIT)

    def work(seed: int) -> int:
        order, full = random.Random(seed), 0
        for _ in range(150):
            number = order.randrange(12)
            try:
                entry = take(cache, number)
            except CacheFull:
                full += 1
                continue
            assert cache.path(entry.key).read_bytes() == content(number)
            assert cache.size_bytes <= LIMIT
            cache.give_back(entry)
        return full

    with ThreadPoolExecutor(6) as threads:
        refused = sum(threads.map(work, range(6)))
    assert refused < 6 * 150
    assert cache.size_bytes == sum(on_disk(tmp_path).values())
    cache.close()


def test_whoever_keeps_files_for_later_is_asked_before_anybody_is_refused(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path, LIMIT)
    kept = [take(cache, number) for number in (1, 2, 3, 4)]

    def let_go() -> bool:
        if kept:
            cache.give_back(kept.pop(0))
            return True
        return False

    cache.when_short(let_go)
    busy = take(cache, 9)
    assert [entry.key for entry in kept] == [key_of(3), key_of(4)]
    with pytest.raises(CacheFull) as caught:
        take(cache, 5)
    assert caught.value.metadata == {"limit_bytes": "100", "needed_bytes": "100"}
    assert kept == []
    cache.give_back(busy)
    assert take(cache, 5).size_bytes == LIMIT
    cache.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path, LIMIT)
    with pytest.raises(FolderInUse, match="in use by process"):
        CacheFolder(tmp_path, LIMIT)
    cache.close()
    CacheFolder(tmp_path, LIMIT).close()


@pytest.mark.parametrize("limit", [100, 60])
def test_what_a_killed_process_had_not_finished_is_gone(tmp_path: Path, limit: int) -> None:
    program = """
    import os, sys
    from pathlib import Path
    from tests.storage.test_cache_folder import LIMIT, CacheFolder, key_of, size_of, take
    cache = CacheFolder(Path(sys.argv[1]), LIMIT)
    take(cache, 2), take(cache, 3)
    entry = cache.begin(key_of(1))
    cache.path(entry.key).with_suffix(".tmp").write_bytes(b"half")
    def killed(path):
        path.write_bytes(b"half")
        os.kill(os.getpid(), 9)
    cache.take(key_of(4), size_of(4), killed)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert len(on_disk(tmp_path)) == 4
    cache = CacheFolder(tmp_path, limit)
    whole = {key_of(2): 20, key_of(3): 30}
    assert on_disk(tmp_path) == whole
    assert cache.size_bytes == 50
    cache.close()
