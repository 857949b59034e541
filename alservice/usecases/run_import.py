"""What a worker does for an ImportItems: an upload whose sender is a file.

The upload has the operation's id. So whoever takes the operation over goes on after the last part
that is sealed, and the commit of the upload is the end of the operation, in one transaction.
"""

from contextlib import closing
from dataclasses import dataclass, replace

from alservice.core import CancelFlag
from alservice.domain.call import Call
from alservice.domain.errors import Conflict, ItemExists, SourceChanged
from alservice.domain.item import AddResult, OnConflict
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationState
from alservice.domain.principal import LOCAL
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.sources import ItemSource, ItemSources
from alservice.usecases.add_items import AddItems, UploadHeader
from alservice.usecases.fail_operation import ended
from alservice.usecases.import_items import columns_of
from alservice.usecases.upload_session import UploadSession, decode_result


@dataclass(frozen=True, slots=True)
class RunImport:
    """Runs one IMPORT operation to its end."""

    catalog: Catalog
    sources: ItemSources
    add_items: AddItems

    def __call__(self, operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        """Run it.

        Raises Cancelled, Conflict, ProjectNotFound, SourceChanged, DiskFull, and what opening and
        reading a file and adding items raise.
        """
        session = self._open(operation, cancel)
        committed = session.upload.result_json
        if committed is not None:
            result = decode_result(committed)
            self.catalog.transact(lambda tx: _end(tx, operation, result))
            return
        try:
            self._copy(operation, session, progress)
            progress(1.0, "making the items visible")
            session.commit()
        except ItemExists as error:
            session.let_go()
            raise _advised(error) from error
        except BaseException:
            session.let_go()
            raise

    def _open(self, operation: Operation, cancel: CancelFlag) -> UploadSession:
        asked = operation.request
        header = UploadHeader(
            project_id=operation.project_id,
            upload_id=operation.operation_id,
            on_conflict=OnConflict(int(asked["on_conflict"] or 0)),
            item_count=int(asked["item_count"] or 0),
        )
        call = Call(LOCAL, "ImportItems", "", "", cancel)
        return self.add_items.open(call, header, lambda tx, result: _end(tx, operation, result))

    def _copy(self, operation: Operation, session: UploadSession, progress: Progress) -> None:
        with closing(self._source(operation)) as source:

            def tell() -> None:
                progress(session.position / source.count, "reading")

            for block in source.blocks(session.position, tell):
                tell()
                session.append(session.position, block)
        self._check_version(operation)  # it is still the file that was begun with

    def _source(self, operation: Operation) -> ItemSource:
        """The file, which must be the one that was asked for: parts of two would be mixed."""
        asked = operation.request
        source = self.sources.open(str(asked["uri"]), columns_of(asked))
        if (source.version, source.count) != (asked["version"], asked["item_count"]):
            source.close()
            raise _changed(operation)
        return source

    def _check_version(self, operation: Operation) -> None:
        asked = operation.request
        if self.sources.version(str(asked["uri"])) != asked["version"]:
            raise _changed(operation)


def _advised(error: ItemExists) -> ItemExists:
    text = (
        f"{error}; ids come from the column `columns.item_id`, or are `id_prefix` and the number "
        "of the row: name another column, or another prefix"
    )
    return ItemExists(text, **error.metadata)


def _changed(operation: Operation) -> SourceChanged:
    uri = str(operation.request["uri"])
    text = f"{uri} was written again since its import was asked for; ask for it again"
    return SourceChanged(text, uri=uri)


def _end(tx: Tx, operation: Operation, result: AddResult | None) -> None:
    """Check that the work is still ours; with a result, it is done.

    Raises Conflict if another worker has it.
    """
    if result is None:
        row = tx.operations.get(operation.project_id, operation.operation_id)
        if row is None or (row.attempt, row.state) != (operation.attempt, OperationState.RUNNING):
            raise _lost()
        return
    done = replace(
        ended(operation, tx.now_ms(), OperationState.SUCCEEDED), result=result.as_json()
    )
    if not tx.operations.finish(done, operation.attempt):
        raise _lost()


def _lost() -> Conflict:
    return Conflict("another worker has taken this operation over; it goes on there")
