"""ImportItems: upload a file that the server reads itself, as an operation."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField
from alservice.domain.item import OnConflict
from alservice.domain.names import new_id
from alservice.domain.operation import Json, Operation, OperationKind
from alservice.domain.project import Project
from alservice.domain.source import SourceColumns
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.sources import ItemSource, ItemSources
from alservice.usecases.once import once, recall
from alservice.usecases.require import lock_project, require_operation, require_project


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItemsCommand:
    """What a caller asks for."""

    project_id: str
    uri: str
    on_conflict: OnConflict = OnConflict.ERROR
    columns: SourceColumns = field(default_factory=SourceColumns)


@dataclass(frozen=True, slots=True)
class ImportItems:
    """Looks at a file and queues its import: what is wrong with it as a whole is said at once."""

    catalog: Catalog
    sources: ItemSources
    wake_workers: Callable[[], None]

    def __call__(self, call: Call, ask: ImportItemsCommand) -> Operation:
        """The operation.

        Raises ProjectNotFound, ImportUnavailable, SourceNotAllowed, SourceNotFound, SourceInvalid,
        InvalidField, ObjectStoreUnavailable, RequestIdReused; OperationNotFound where an earlier
        call with the same request_id began it and it was deleted since.
        """
        begun, project = self.catalog.read(lambda tx: _known(tx, call, ask.project_id))
        if begun is not None:
            return begun
        with closing(self.sources.open(ask.uri, ask.columns)) as source:
            _check_vectors(source, project)
            request = _request(ask, source)
        operation = self.catalog.transact(lambda tx: _begin(tx, call, ask.project_id, request))
        self.wake_workers()
        return operation


def columns_of(request: Json) -> SourceColumns:
    """The columns that an operation's request names."""
    told = json.loads(str(request["columns"]))
    return SourceColumns(**{**told, "vector": tuple(told["vector"])})


def _known(tx: Tx, call: Call, project_id: str) -> tuple[Operation | None, Project]:
    """What an earlier call with this request_id began: the file need not be there any more."""
    project = require_project(tx, project_id)
    earlier = recall(tx, call, project_id)
    if earlier is None:
        return None, project
    return require_operation(tx, project_id, json.loads(earlier)), project


def _check_vectors(source: ItemSource, project: Project) -> None:
    if source.dimension == 0 and project.space.dimension != 0:
        text = (
            "no column of the file is taken for vectors, and the items of this project have some: "
            f"name it in columns.vector; the file holds {', '.join(source.names[:20])}"
        )
        raise InvalidField(text, field="columns.vector")


def _request(ask: ImportItemsCommand, source: ItemSource) -> Json:
    return {
        "uri": ask.uri,
        "on_conflict": int(ask.on_conflict),
        "columns": json.dumps(asdict(ask.columns)),
        "item_count": source.count,
        "size_bytes": source.size_bytes,
        "version": source.version,
    }


def _begin(tx: Tx, call: Call, project_id: str, request: Json) -> Operation:
    lock_project(tx, project_id)

    def effect() -> str:
        operation = Operation(
            operation_id=new_id("o"),
            project_id=project_id,
            kind=OperationKind.IMPORT,
            request=request,
            stage="waiting for a worker",
            create_time_ms=tx.now_ms(),
        )
        tx.operations.insert(operation)
        return operation.operation_id

    operation_id = once(tx, call, project_id, effect, json.dumps, json.loads)
    return require_operation(tx, project_id, operation_id)
