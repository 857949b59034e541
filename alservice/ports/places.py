"""Where the files of segments and artefacts are, as a whole: a folder, or a bucket's prefix."""

from typing import Protocol


class FilePlace(Protocol):
    """One place belongs to one cluster, whose mark lies there beside the files.

    Asked at start only: what cannot be done is a StartupError that says what to do.
    """

    @property
    def address(self) -> str:
        """How people call it."""

    def mark(self) -> str | None:
        """What the mark says; None before there is any."""

    def set_mark(self, text: str) -> str:
        """Mark the place unless another was faster; what the mark says now."""

    def segment_ids(self) -> set[str]:
        """Ids of all segments there, whoever knows them."""
