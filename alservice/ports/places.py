"""Where the files of segments and artefacts are, as a whole: a folder, or a bucket's prefix."""

from typing import Protocol


class FilePlace(Protocol):
    """One place belongs to one cluster, whose mark lies there beside the files.

    Beside it lies who holds the place: of copies of one catalog only one may. What cannot be done
    is a StartupError that says what to do.
    """

    @property
    def address(self) -> str:
        """How people call it."""

    def mark(self) -> str | None:
        """What the mark says; None before there is any."""

    def set_mark(self, text: str) -> str:
        """Mark the place unless another was faster; what the mark says now."""

    def holder(self) -> str | None:
        """The turn of the catalog that holds the place; None before there is any."""

    def set_holder(self, turn: str) -> None:
        """Let the holder be this one, whoever it was."""

    def segment_ids(self) -> set[str]:
        """Ids of all segments there, whoever knows them."""
