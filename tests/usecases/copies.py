"""A catalog and copies of it, as a backup or a clone makes them, beside places of files."""

import shutil
from collections.abc import Callable
from pathlib import Path

from alservice.ports.catalog import Catalog
from alservice.storage.catalog.sqlite import SqliteCatalog


class Copies:
    """Catalogs below `folder`, by name; all are closed at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, SqliteCatalog] = {}

    def open(self, name: str) -> Catalog:
        """A catalog: the same for the same name."""
        if name not in self._opened:
            self._opened[name] = SqliteCatalog(self._folder / name)
        return self._opened[name]

    def copy(self, name: str, to: str) -> Callable[[], Catalog]:
        """What is in the catalog now, restored when it is asked for."""
        self.open(name)
        self._opened.pop(name).close()  # all of it is in the file then
        shutil.copytree(self._folder / name, self._folder / to)
        return lambda: self.open(to)

    def close(self) -> None:
        """Close all."""
        for catalog in self._opened.values():
            catalog.close()
