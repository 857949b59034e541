"""A folder of one's own among those of others."""

from pathlib import Path

import pytest

from alservice.domain.startup import StartupError
from alservice.storage.folder_lock import FolderLock, lock_own_folder


def test_each_has_a_folder_of_its_own_and_takes_over_what_was_left(tmp_path: Path) -> None:
    first, lock = lock_own_folder(tmp_path)
    second, other = lock_own_folder(tmp_path)
    assert first != second
    (first / "left").write_text("by a process that was killed")
    lock.release()
    again, lock = lock_own_folder(tmp_path)
    assert again == first
    assert (again / "left").exists()
    lock.release()
    other.release()


def test_a_link_in_place_of_the_lock_is_refused_and_nothing_is_written_through_it(
    tmp_path: Path,
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "lock").symlink_to(precious)
    with pytest.raises(StartupError, match="is a link: remove it"):
        FolderLock(tmp_path / "folder")
    assert precious.read_text() == "kept"
