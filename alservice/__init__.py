"""An active learning service: which of your unlabelled items is worth a label next?

`alservice.Client` is the Python client; it is imported when first asked for, so that the server
never loads it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alservice.client import Client

__all__ = ["Client", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`Client`, on first use."""
    if name == "Client":
        return import_module("alservice.client").Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
