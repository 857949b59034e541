"""What is found once in a pool and kept: the one package that knows FAISS."""

from alservice.index.background import BackgroundIndexing

__all__ = ["BackgroundIndexing"]
