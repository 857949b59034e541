"""Below /tmp anybody may have been first: such a folder is refused, not used."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from alservice.domain.startup import StartupError
from alservice.storage.open_elsewhere import open_elsewhere, shared_folder
from alservice.storage.private_folder import make_private_folder


def writable(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o770)


def a_link(folder: Path) -> None:
    folder.with_name("anywhere").mkdir(mode=0o700)
    folder.symlink_to(folder.with_name("anywhere"))


def a_link_to_nothing(folder: Path) -> None:
    folder.symlink_to(folder.with_name("nothing"))


TRAPS = [writable, a_link, a_link_to_nothing]


def test_it_is_made_for_this_user_alone_and_found_again(tmp_path: Path) -> None:
    for _ in range(2):
        make_private_folder(tmp_path / "own")
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("trap", TRAPS)
def test_what_others_could_change_is_refused(tmp_path: Path, trap: Callable[[Path], None]) -> None:
    trap(tmp_path / "trap")
    with pytest.raises(StartupError, match="remove it, or set TMPDIR"):
        make_private_folder(tmp_path / "trap")


def test_what_belongs_to_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_private_folder(tmp_path / "own")
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / "own").stat().st_uid + 1)
    with pytest.raises(StartupError, match="only this user"):
        make_private_folder(tmp_path / "own")


@pytest.mark.parametrize("trap", TRAPS)
def test_a_cache_on_a_node_is_not_put_into_a_trap(
    tmp_path: Path, trap: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert shared_folder().parent == tmp_path
    trap(shared_folder())
    with pytest.raises(StartupError, match="remove it, or set TMPDIR"):
        open_elsewhere("s3://bucket/pool", tmp_path)
    assert not list(tmp_path.rglob("lock"))
