"""A file that the server imports."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypedDict

from alservice.api.v1 import pool_service_pb2 as pool_pb2
from alservice.client.operation import LongOperation
from alservice.client.upload import UploadResult, result_of
from alservice.client.words import CONFLICTS

FIELDS: Final = {
    "ids": "item_id",
    "labels": "class_id",
    "texts": "text",
    "uris": "uri",
    "groups": "group",
    "costs": "cost",
    "roles": "role",
}


class ImportOptions(TypedDict, total=False):
    """Which columns or arrays of a file hold what, a name each; "-": none, whatever there is.

    ids          texts of 1 to 512 bytes or whole numbers, each once in a pool: id, ids or item_id
                 where nothing is said. Without such a column they are `id_prefix` and the number
                 of the row, from 0 on
    vectors      one array (n, d), a column of lists, or several columns of numbers: X, vector(s)
                 or embedding(s)
    labels       ids of classes, "" for an item without one: y, label(s), class or class_id
    texts        what annotators see, at most 64 KiB each: text
    uris         where annotators see it, at most 8 KiB each: uri
    groups       what belongs together, such as a patient: group(s)
    costs        of labelling each, above 0, in one unit of your own; empty: unknown: cost(s)
    roles        pool, test or gold, pool where there is none: role(s)
    id_prefix    at most 256 bytes, for a file without ids: another one for each file
    on_conflict  what becomes of the import where an id is in the pool already: "error" (nothing
                 is imported), "skip" (that item is left as it is) or "replace"
    """

    ids: str
    vectors: str | Sequence[str]
    labels: str
    texts: str
    uris: str
    groups: str
    costs: str
    roles: str
    id_prefix: str
    on_conflict: Literal["error", "skip", "replace"]


class Importing(LongOperation[UploadResult]):
    """The operation behind Project.import_items.

    `name` is the operation's name, `uri` the file. The rest is as of the last look: `refresh` and
    `wait` look again. `progress` is in [0, 1], `stage` says what is being done; `read_item_count`
    of `item_count` items have been read, of a file of `size_bytes`. `attempt` is more than 1 if
    the work was taken up again after a crash.
    """

    title = "importing"

    def _metadata(self) -> Any:
        return pool_pb2.ImportItemsMetadata()

    def _told(self, metadata: Any) -> None:
        self.uri: str = metadata.uri
        self.read_item_count: int = metadata.read_item_count
        self.item_count: int = metadata.item_count
        self.size_bytes: int = metadata.size_bytes

    def _kept(self) -> str:
        return "the import is kept and goes on when the server is back: call wait() once more"

    def _outcome(self, response: Any) -> UploadResult:
        message = pool_pb2.ImportItemsResponse()
        response.Unpack(message)
        return result_of(message.result)


def import_request(project: str, uri: str, options: ImportOptions) -> pool_pb2.ImportItemsRequest:
    """The request, without an id. Raises ValueError for an option that is not there."""
    given: dict[str, Any] = dict(options)
    vectors = given.pop("vectors", ())
    request = pool_pb2.ImportItemsRequest(
        project=project,
        uri=uri,
        on_conflict=CONFLICTS.number(given.pop("on_conflict", "error")),
        id_prefix=given.pop("id_prefix", ""),
    )
    request.columns.vector.extend([vectors] if isinstance(vectors, str) else vectors)
    for option, name in given.items():
        if option not in FIELDS:
            raise ValueError(f"there is no {option!r}; columns are {', '.join(FIELDS)}, vectors")
        setattr(request.columns, FIELDS[option], name)
    return request
