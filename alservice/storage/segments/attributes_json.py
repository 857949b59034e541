"""Attributes as one compact JSON text per row, "" where there is nothing to say.

Written out field by field, so that renaming a Python attribute cannot change files on disk.
"""

import base64
import json

from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes, ContentPart


def to_json(attributes: Attributes) -> str:
    """Only the fields that are set; inline content as base64, metadata as the text it is."""
    fields = {
        "group": attributes.group,
        "tags": attributes.tags,
        "content": [_part_to_json(part) for part in attributes.content],
        "metadata": attributes.metadata_json,
    }
    present = {name: value for name, value in fields.items() if value}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":")) if present else ""


def from_json(text: str) -> Attributes:
    """The inverse of `to_json`."""
    if not text:
        return EMPTY_ATTRIBUTES
    fields = json.loads(text)
    return Attributes(
        group=fields.get("group", ""),
        tags=tuple(fields.get("tags", ())),
        content=tuple(_part_from_json(part) for part in fields.get("content", ())),
        metadata_json=fields.get("metadata", ""),
    )


def _part_to_json(part: ContentPart) -> dict[str, str]:
    inline = None if part.inline is None else base64.b64encode(part.inline).decode()
    fields = {"type": part.media_type, "text": part.text, "uri": part.uri, "inline": inline}
    return {name: value for name, value in fields.items() if value is not None}


def _part_from_json(fields: dict[str, str]) -> ContentPart:
    inline = fields.get("inline")
    return ContentPart(
        media_type=fields["type"],
        text=fields.get("text"),
        uri=fields.get("uri"),
        inline=None if inline is None else base64.b64decode(inline),
    )
