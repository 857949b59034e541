"""What a person sees of an item: a list of parts, each a text, a link or some bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from alservice.api.v1 import item_pb2

TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to show. Exactly one of `text`, `uri` and `data` is set.

    `media_type` is an IANA media type such as `image/png`; empty means `text/plain`. `text` and
    `data` hold at most 64 KiB. The service never fetches `uri`.
    """

    text: str | None = None
    uri: str | None = None
    data: bytes | None = None
    media_type: str = ""

    def __post_init__(self) -> None:
        if sum(body is not None for body in (self.text, self.uri, self.data)) != 1:
            raise ValueError("a Part needs exactly one of text, uri and data")


ContentLike = str | Part | Sequence[str | Part] | None


def content_message(content: ContentLike) -> item_pb2.Content:
    """A text, a part or several parts as a message. Raises TypeError."""
    if content is None:
        return item_pb2.Content()
    if isinstance(content, str | Part):
        return item_pb2.Content(parts=[_part_message(content)])
    return item_pb2.Content(parts=[_part_message(part) for part in content])


def parts_of(message: item_pb2.Content) -> tuple[Part, ...]:
    """The parts of a content from the wire, in the order in which to show them."""
    return tuple(_part(part) for part in message.parts)


def text_of_parts(parts: Sequence[Part]) -> str:
    """All text among the parts, one part a line; empty if there is none."""
    return "\n".join(part.text for part in parts if part.text is not None)


def _part_message(part: Part | str) -> item_pb2.ContentPart:
    if isinstance(part, str):
        return item_pb2.ContentPart(media_type=TEXT, text=str(part))
    if not isinstance(part, Part):
        raise TypeError(f"a content is text, a Part or a list of these, not {part!r}")
    made = item_pb2.ContentPart(media_type=part.media_type)
    if part.text is not None:
        made.text = part.text
    elif part.uri is not None:
        made.uri = part.uri
    else:
        made.inline = part.data or b""
    return made


def _part(message: item_pb2.ContentPart) -> Part:
    body = message.WhichOneof("body")
    if body == "uri":
        return Part(uri=message.uri, media_type=message.media_type)
    if body == "inline":
        return Part(data=message.inline, media_type=message.media_type)
    return Part(text=message.text, media_type=message.media_type)
