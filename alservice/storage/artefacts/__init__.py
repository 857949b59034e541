"""Artefacts as local files: `LocalArtefactStore` implements alservice/ports/artefacts.py."""

from alservice.storage.artefacts.store import LocalArtefactStore

__all__ = ["LocalArtefactStore"]
