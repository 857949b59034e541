"""Files with items, read where the server may: `ImportRoots`."""

from alservice.storage.imports.roots import ImportRoots

__all__ = ["ImportRoots"]
