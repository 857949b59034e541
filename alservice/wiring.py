"""Makes use cases and servicers from the types of their fields (docs/adr/0008)."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints


class Wiring:
    """Makes things from the types of their fields: each type once, so that it is shared."""

    def __init__(self, given: Mapping[Any, object]) -> None:
        self._made = dict(given)

    def make(self, kind: Any) -> Any:
        """What was given for `kind`, or a dataclass built from what its fields need."""
        if kind not in self._made:
            if not (isinstance(kind, type) and is_dataclass(kind)):
                raise TypeError(f"nothing in bootstrap.py provides {kind}")
            hints = get_type_hints(kind)
            needed = [field.name for field in fields(kind) if _is_needed(field)]
            self._made[kind] = kind(**{name: self.make(hints[name]) for name in needed})
        return self._made[kind]


def _is_needed(field: Field[Any]) -> bool:
    return field.init and field.default is MISSING and field.default_factory is MISSING
