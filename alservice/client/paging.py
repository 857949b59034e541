"""Lists that come in pages, as iterators."""

from collections.abc import Iterator
from typing import Any

from alservice.client.connection import Connection


def pages(connection: Connection, method: Any, request: Any) -> Iterator[Any]:
    """The answers to `request` and to its successors, asked for as they are needed."""
    while True:
        page = connection.call(method, request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
