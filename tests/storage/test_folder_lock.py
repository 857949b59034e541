"""A folder of one's own among those of others."""

from pathlib import Path

from alservice.storage.folder_lock import lock_own_folder


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
