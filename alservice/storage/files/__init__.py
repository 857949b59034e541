"""Immutable files under names that are never reused: what segments and artefacts are kept in.

`Files` (files.py) is the promise; `LocalFiles` keeps them in a folder,
alservice/storage/objects in an object store.
"""

from alservice.storage.files.files import Damaged, Draft, Files
from alservice.storage.files.local_files import LocalFiles
from alservice.storage.files.local_place import LocalPlace

__all__ = ["Damaged", "Draft", "Files", "LocalFiles", "LocalPlace"]
