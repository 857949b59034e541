"""The part of a project that is about its settings and its items."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Unpack, overload

from numpy.typing import ArrayLike

from alservice.api.v1 import pool_service_pb2 as pool_rpc
from alservice.api.v1 import project_pb2
from alservice.api.v1 import project_service_pb2 as project_rpc
from alservice.client.changes import items_of, paths_of
from alservice.client.columns import Columns, Entries
from alservice.client.connection import Connection, fresh_id
from alservice.client.content import ContentLike
from alservice.client.importing import Importing, ImportOptions, import_request
from alservice.client.item import Item, item_of
from alservice.client.paging import pages
from alservice.client.plain import last_part, text_of
from alservice.client.pool_index import Indexing, PoolIndex
from alservice.client.progress import bar, is_watched
from alservice.client.project_info import (
    ClassesLike,
    ProjectInfo,
    class_messages,
    info_of,
    policy_message,
)
from alservice.client.upload import Upload, UploadResult
from alservice.client.words import CONFLICTS

UPLOAD_TIMEOUT_S: Final = 24 * 3600.0  # as long as the service keeps an unfinished upload
IDS_PER_CALL: Final = 5_000
PAGE_BYTES: Final = 2 << 20


class Pool:
    """The settings and items of one project; the base of Project."""

    def __init__(
        self, connection: Connection, project_id: str, *, progress: bool | None = None
    ) -> None:
        self._connection = connection
        self._progress = progress
        self.project_id = last_part(project_id)

    @property
    def name(self) -> str:
        """`projects/{project}`."""
        return f"projects/{self.project_id}"

    def __repr__(self) -> str:
        return f"<Project {self.project_id!r} at {self._connection.address}>"

    # -- settings --------------------------------------------------------------------------------

    def info(self) -> ProjectInfo:
        """Settings and counts as of now. Raises NotFound."""
        request = project_rpc.GetProjectRequest(name=self.name)
        return info_of(
            self._connection.call(self._connection.projects.GetProject, request).project
        )

    def update(self, *, display_name: str | None = None, **policy: Any) -> ProjectInfo:
        """Changes the name that people see, or settings of the policy, such as `strategy`."""
        project = project_pb2.Project(
            name=self.name, display_name=display_name or "", policy=policy_message(policy)
        )
        request = project_rpc.UpdateProjectRequest(project=project, request_id=fresh_id())
        paths = ["lease_duration" if name == "lease_s" else name for name in policy]
        request.update_mask.paths.extend(f"policy.{path}" for path in paths)
        if display_name is not None:
            request.update_mask.paths.append("display_name")
        method = self._connection.projects.UpdateProject
        return info_of(self._connection.call(method, request).project)

    def add_classes(self, classes: ClassesLike) -> ProjectInfo:
        """Adds classes; those that exist already are left alone. Raises AlreadyExists."""
        request = project_rpc.AddClassesRequest(
            name=self.name, classes=class_messages(classes), request_id=fresh_id()
        )
        return info_of(
            self._connection.call(self._connection.projects.AddClasses, request).project
        )

    def delete(self) -> None:
        """Removes the project with all that it holds, for good."""
        request = project_rpc.DeleteProjectRequest(name=self.name, request_id=fresh_id())
        self._connection.call(self._connection.projects.DeleteProject, request)

    # -- items -----------------------------------------------------------------------------------

    def add_items(  # noqa: PLR0913 (one argument per column)
        self,
        X: ArrayLike | None = None,  # noqa: N803 (what everybody calls it)
        ids: Entries | None = None,
        labels: Entries | None = None,
        *,
        roles: str | Entries | None = None,
        contents: Sequence[ContentLike] | None = None,
        groups: Entries | None = None,
        tags: Sequence[Sequence[str]] | None = None,
        costs: Entries | None = None,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        on_conflict: Literal["error", "skip", "replace"] = "error",
        timeout: float = UPLOAD_TIMEOUT_S,
    ) -> UploadResult:
        """Uploads items; all of them become visible at once, at the end.

        `X` has the shape (n, d): float32, float16 and bfloat16 are stored as they come,
        everything else as float32. A memory-mapped array is read bit by bit. `ids` are texts or
        whole numbers, by default the row numbers. All other columns have one entry per item:
        `labels` that exist already (None, NaN or "" where there is none), `roles` (`pool`, `test`,
        `gold`; one word for all), `contents` (a text, a Part or a list of these), `groups` of
        items that are alike, `tags`, `costs` greater than 0, `metadata` as mappings.

        A broken connection is taken up again where it broke until `timeout` seconds have passed.
        Raises AlreadyExists (ids, unless `on_conflict` is `skip` or `replace`), InvalidArgument
        (dimension, NaN, ids, classes), ResourceExhausted (disk full), ValueError, TypeError.
        """
        columns = Columns.of(
            X,
            ids,
            labels=labels,
            roles=roles,
            contents=contents,
            groups=groups,
            tags=tags,
            costs=costs,
            metadata=metadata,
        )
        return self._upload(columns, on_conflict, timeout)

    @overload
    def import_items(
        self, uri: str, *, wait: Literal[True] = ..., **columns: Unpack[ImportOptions]
    ) -> UploadResult: ...

    @overload
    def import_items(
        self, uri: str, *, wait: Literal[False], **columns: Unpack[ImportOptions]
    ) -> Importing: ...

    def import_items(
        self, uri: str, *, wait: bool = True, **columns: Unpack[ImportOptions]
    ) -> UploadResult | Importing:
        """Has the server read a file that lies where it may: its `--import-roots`.

        `uri` is an absolute path as the server sees it, or an address such as
        s3://bucket/pool.parquet: .npy, .npz, .safetensors, .parquet, .arrow or .feather. The
        columns are found by their usual names (`X` or `vector`, `id`, `label`, `text`, ...); the
        options `ids`, `vectors`, `labels`, `texts`, `uris`, `groups`, `costs` and `roles` name
        others. Without ids they are `id_prefix` and the number of the row; `on_conflict` is
        "error", "skip" or "replace" for those that are in the pool already. ImportOptions tells
        more of each. All items become visible at once, at the end. With `wait=False` returns at
        once with an Importing to follow.

        Raises FailedPrecondition (no roots), NotFound, and what add_items raises.
        """
        request = import_request(self.name, uri, columns)
        request.request_id = fresh_id()
        operation = self._connection.call(self._connection.pool.ImportItems, request)
        importing = Importing(self._connection, operation, shown=self._progress)
        return importing.wait() if wait else importing

    def item(self, item_id: Any, *, vector: bool = False) -> Item:
        """One item, with its vector if asked for. Raises NotFound."""
        request = pool_rpc.GetItemRequest(
            project=self.name, item_id=text_of("an id", item_id), include_vector=vector
        )
        return item_of(self._connection.call(self._connection.pool.GetItem, request).item)

    def items(self, *, vectors: bool = False) -> Iterator[Item]:
        """All items, in an order that is random but always the same."""
        size = 4 * (self.info().dimension or 0) if vectors else 0
        rows = min(1000, max(1, PAGE_BYTES // max(size, 1)))
        request = pool_rpc.ListItemsRequest(
            project=self.name, page_size=rows, include_vectors=vectors
        )
        for page in pages(self._connection, self._connection.pool.ListItems, request):
            yield from map(item_of, page.items)

    def update_items(
        self,
        ids: Entries,
        *,
        contents: Sequence[ContentLike] | None = None,
        groups: Entries | None = None,
        tags: Sequence[Sequence[str]] | None = None,
        costs: Entries | None = None,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
    ) -> int:
        """Changes the columns that are given; returns how many items were changed.

        Up to 1,000 items or 2 MiB change together or not at all. Raises NotFound, ValueError.
        """
        changes = Columns.of(
            None,
            ids,
            contents=contents,
            groups=groups,
            tags=tags,
            costs=costs,
            metadata=metadata,
        )
        paths, updated = paths_of(changes), 0
        for items in items_of(changes):
            request = pool_rpc.UpdateItemsRequest(
                project=self.name, items=items, request_id=fresh_id()
            )
            request.update_mask.paths.extend(paths)
            method = self._connection.pool.UpdateItems
            updated += self._connection.call(method, request).updated_count
        return updated

    def delete_items(self, ids: Entries) -> int:
        """Removes items with their labels; returns how many there were to remove."""
        texts = [text_of("an id", item_id) for item_id in ids]
        removed = 0
        for start in range(0, len(texts), IDS_PER_CALL):
            request = pool_rpc.DeleteItemsRequest(
                project=self.name,
                item_ids=texts[start : start + IDS_PER_CALL],
                request_id=fresh_id(),
            )
            method = self._connection.pool.DeleteItems
            removed += self._connection.call(method, request).deleted_count
        return removed

    @overload
    def build_index(
        self, *, wait: Literal[True] = ..., neighbours: int = ..., force: bool = ...
    ) -> PoolIndex: ...

    @overload
    def build_index(
        self, *, wait: Literal[False], neighbours: int = ..., force: bool = ...
    ) -> Indexing: ...

    def build_index(
        self, *, wait: bool = True, neighbours: int = 16, force: bool = False
    ) -> PoolIndex | Indexing:
        """Finds the nearest `neighbours` (1 to 64) of each item, clusters and near-duplicates.

        Strategies use them in every round until items are added or the pool's files are merged;
        queries work before it is ready. If the pool has not changed since, the index there is
        comes back, unless `force`. With `wait=False` returns at once with an Indexing to follow.
        Raises FailedPrecondition (no items, no vectors, more than fits into the server's memory).
        """
        request = pool_rpc.BuildIndexRequest(
            project=self.name, neighbour_count=neighbours, force=force, request_id=fresh_id()
        )
        operation = self._connection.call(self._connection.pool.BuildIndex, request)
        indexing = Indexing(self._connection, operation, shown=self._progress)
        return indexing.wait() if wait else indexing

    def _upload(self, columns: Columns, on_conflict: str, timeout_s: float) -> UploadResult:
        header = pool_rpc.AddItemsHeader(
            project=self.name,
            upload_id=fresh_id(),
            on_conflict=CONFLICTS.number(on_conflict),
            item_count=columns.count,
        )
        with bar("uploading", columns.count, shown=is_watched(self._progress)) as report:
            return Upload(self._connection, header, columns, report).run(timeout_s)
