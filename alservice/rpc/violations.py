"""Check requests against the rules that stand in the proto files, before anything else happens.

The rules are written with protovalidate. Large requests are left to the use cases: a rule per
element would hold up the event loop, on which everything else waits.
"""

from typing import Any, Final

import protovalidate
from google.protobuf.message import Message

from alservice.domain.errors import InvalidField

MAX_CHECKED_BYTES: Final = 64 * 1024
MAX_VIOLATIONS: Final = 10  # they travel in HTTP/2 trailers


class InvalidRequest(InvalidField):
    """Fields break the rules of the proto; `violations` are pairs of field and description."""

    def __init__(self, violations: list[tuple[str, str]]) -> None:
        self.violations = violations[:MAX_VIOLATIONS]
        text = "; ".join(f"{field}: {description}" for field, description in self.violations)
        if len(violations) > MAX_VIOLATIONS:
            text += f"; and {len(violations) - MAX_VIOLATIONS} more"
        super().__init__(text, field=violations[0][0])


def check_request(request: object) -> None:
    """Nothing, if `request` keeps the rules or is too large to look at. Raises InvalidRequest."""
    if not isinstance(request, Message) or request.ByteSize() > MAX_CHECKED_BYTES:
        return
    found = protovalidate.collect_violations(request)
    if found:
        raise InvalidRequest([(_path(v.proto.field), v.proto.message) for v in found])


def _path(field: Any) -> str:
    """`labels[3].item_id`."""
    elements = field.elements if field else []
    return ".".join(element.field_name + _index(element) for element in elements)


def _index(element: Any) -> str:
    return f"[{element.subscript.value}]" if element.subscript else ""
