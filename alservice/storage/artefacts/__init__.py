"""Artefacts as files: `FileArtefactStore` implements alservice/ports/artefacts.py."""

from alservice.storage.artefacts.store import FileArtefactStore, LocalArtefactStore

__all__ = ["FileArtefactStore", "LocalArtefactStore"]
