"""A folder in a place where every user of the machine may make folders: nobody else's, or none."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from alservice.domain.startup import StartupError
from alservice.storage.durable_folder import make_folder

_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make_private_folder(folder: Path) -> None:
    """Make a folder, or see that the one that is there is this user's, and writable by no other.

    For a predictable name below /tmp, which another user may have taken first: whoever owns a
    folder can exchange what is in it. Raises StartupError.
    """
    with suppress(FileExistsError):  # it is no folder, which is said below
        make_folder(folder, 0o700)
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.geteuid()
        or found.st_mode & _BY_OTHERS
    ):
        text = (
            f"{folder} is not a folder that only this user (id {os.geteuid()}) can write: remove "
            "it, or set TMPDIR to a folder that is"
        )
        raise StartupError(text)
