"""Where the files of segments and artefacts are, as a whole: a folder, or a bucket's prefix."""

from typing import Protocol


class FilePlace(Protocol):
    """One place belongs to one cluster, whose mark lies there beside the files."""

    @property
    def address(self) -> str:
        """How people call it."""

    def owner(self) -> str | None:
        """The uid of the cluster that has marked the place; None before any has."""

    def mark(self, uid: str) -> str:
        """Mark the place for a cluster unless another was faster; whose it is now."""

    def segment_ids(self) -> set[str]:
        """Ids of all segments there, whoever knows them."""
