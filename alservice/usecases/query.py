"""Query: choose items that are worth a label, and lease them to whoever asks."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from alservice.domain.batch import Arm, Batch, BatchItemState
from alservice.domain.call import Call
from alservice.domain.errors import Conflict, InvalidField
from alservice.domain.item import Attributes
from alservice.domain.model import ModelState
from alservice.domain.names import check_annotator_id
from alservice.domain.project import Project
from alservice.domain.strategy import Strategy
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.batch_contents import BatchContents
from alservice.usecases.choose_batch import Choice, ChooseBatch, UsableModel, Wish
from alservice.usecases.commit_batch import StaleSnapshot, Terms, commit_batch, dry_batch
from alservice.usecases.count_unseen import count_unseen
from alservice.usecases.explain_batch import ExplainBatch, Explanation, check_explained
from alservice.usecases.model_head import decode_head
from alservice.usecases.once import once, recall
from alservice.usecases.plan_choice import Asked, check_asked
from alservice.usecases.require import lock_project, require_batch, require_project
from alservice.usecases.resolve_strategy import resolve_strategy
from alservice.usecases.snapshot import Snapshot, Snapshots

_ATTEMPTS: Final = 8
_USUAL_PENALTY: Final = 0.01
_LONGEST_LEASE_MS: Final = 90 * 24 * 3_600_000
_MOST_ITEMS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryCommand:
    """What a caller asks for; 0, "" and None mean the project's own."""

    project_id: str
    batch_size: int = 0
    strategy: str = ""
    diversify: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    annotator_id: str = ""
    lease_ms: int | None = None
    with_content: bool = True
    explained: bool = False
    resume: bool = False
    dry_run: bool = False
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """A batch; `contents` and `explanations` are by item, empty if not asked for."""

    batch: Batch
    contents: Sequence[Attributes]
    explanations: Sequence[Explanation]
    unseen_label_count: int
    open_item_count: int
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the snapshot's transaction says beside the pool."""

    model: UsableModel | None
    unseen: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """What an answer is rebuilt from. `resumed`: not as the batch was handed out, but as it is."""

    batch_id: str
    unseen: int
    open_count: int
    notes: Sequence[str]
    expire_time_ms: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Chooses, leases, answers; a repeated request gets an equal answer."""

    catalog: Catalog
    snapshots: Snapshots
    choose: ChooseBatch
    contents: BatchContents
    explain: ExplainBatch
    strategies: Mapping[str, Strategy]

    def __call__(self, call: Call, ask: QueryCommand) -> QueryResult:
        """The batch.

        Raises ProjectNotFound, InvalidName, InvalidField, StrategyUnknown, ParameterUnknown,
        ParameterOutOfRange, VectorsMissing, PoolEmpty, SegmentCorrupt, RequestIdReused, Conflict,
        Cancelled.
        """
        check_annotator_id(ask.annotator_id)
        _check(ask)
        earlier = self.catalog.read(lambda tx: _earlier(tx, call, ask))
        if earlier is None and ask.resume and not ask.dry_run:
            earlier = self.catalog.transact(lambda tx: _resume(tx, call, ask))
        if earlier is not None:
            return self._answer(call, ask, earlier)
        for attempt in range(_ATTEMPTS):
            try:
                return self._attempt(call, ask, attempt)
            except StaleSnapshot:
                continue
        text = "other calls kept taking the same items; retry"
        raise Conflict(text, attempts=_ATTEMPTS)

    def _attempt(self, call: Call, ask: QueryCommand, attempt: int) -> QueryResult:
        snapshot, known = self.snapshots.take(
            ask.project_id, check_annotator_id(ask.annotator_id), _known
        )
        wish, terms = self._wish(snapshot.project, known, ask, attempt)
        choice = self.choose(snapshot, wish, call.cancel)
        notes = (
            *known.notes,
            *_version_note(snapshot.project, choice.strategy),
            *choice.notes,
        )
        if ask.dry_run:
            batch = dry_batch(snapshot, choice, terms)
            left = choice.picks.open_count
            record = _Record("", known.unseen, left, notes, batch.expire_time_ms)
            return self._render(call, ask, batch, record)

        def work(tx: Tx) -> _Record:
            project = lock_project(tx, ask.project_id)
            effect = lambda: _commit(tx, project, snapshot, choice, terms, known, notes)  # noqa: E731
            return once(tx, call, ask.project_id, effect, _encode, _decode)

        return self._answer(call, ask, self.catalog.transact(work))

    def _wish(
        self, project: Project, known: _Known, ask: QueryCommand, attempt: int
    ) -> tuple[Wish, Terms]:
        strategy = resolve_strategy(self.strategies, ask.strategy or project.policy.strategy)
        batch_size = ask.batch_size or project.policy.batch_size
        if ask.explained:
            check_explained(batch_size)
        seed = secrets.randbits(63) if ask.seed is None else ask.seed
        asked = Asked(strategy=strategy, diversify=ask.diversify, parameters=ask.parameters)
        check_asked(self.strategies, asked)
        wish = Wish(
            batch_size=batch_size, asked=asked, seed=seed, model=known.model, attempt=attempt
        )
        terms = Terms(
            batch_size=batch_size,
            annotator_id=check_annotator_id(ask.annotator_id),
            lease_ms=ask.lease_ms or project.policy.lease_duration_ms,
            seed=seed,
        )
        return wish, terms

    def _answer(self, call: Call, ask: QueryCommand, record: _Record) -> QueryResult:
        batch = self.catalog.read(lambda tx: require_batch(tx, ask.project_id, record.batch_id))
        return self._render(
            call, ask, batch if record.resumed else _handed_out(batch, record), record
        )

    def _render(self, call: Call, ask: QueryCommand, batch: Batch, record: _Record) -> QueryResult:
        contents = self.contents(ask.project_id, batch.items) if ask.with_content else ()
        explanations: Sequence[Explanation] = ()
        if ask.explained:
            explanations = self.explain(ask.project_id, batch, call.cancel)
        return QueryResult(
            batch=batch,
            contents=contents,
            explanations=explanations,
            unseen_label_count=record.unseen,
            open_item_count=record.open_count,
            notes=record.notes,
        )


def _earlier(tx: Tx, call: Call, ask: QueryCommand) -> _Record | None:
    """What the same call was told before."""
    require_project(tx, ask.project_id)
    recorded = None if ask.dry_run else recall(tx, call, ask.project_id)
    return None if recorded is None else _decode(recorded)


def _resume(tx: Tx, call: Call, ask: QueryCommand) -> _Record | None:
    """The annotator's oldest open batch, told once and for all under the call's request_id."""
    project = lock_project(tx, ask.project_id)
    annotator = check_annotator_id(ask.annotator_id)
    batch = tx.batches.oldest_open(ask.project_id, annotator, tx.now_ms())
    if batch is None:
        return None
    note = "This is the annotator's oldest open batch, as asked for with `resume`."
    record = _Record(
        batch.batch_id,
        _known(tx, project).unseen,
        _about_open(tx, project),
        (note,),
        batch.expire_time_ms,
        resumed=True,
    )
    return once(tx, call, ask.project_id, lambda: record, _encode, _decode)


def _about_open(tx: Tx, project: Project) -> int:
    """Items that could still be asked about, but for roles: without a look at the pool."""
    unsettled = project.item_count - project.settled_count
    leased = len(tx.leases.live(project.project_id, tx.now_ms()))
    return max(0, round(unsettled * (1 - project.policy.reserve_share)) - leased)


def _handed_out(batch: Batch, record: _Record) -> Batch:
    """The batch as it was before anybody answered, renewed or released anything of it."""
    items = tuple(replace(item, state=BatchItemState.OPEN) for item in batch.items)
    return replace(batch, items=items, expire_time_ms=record.expire_time_ms, closed=False)


def _commit(
    tx: Tx,
    project: Project,
    snapshot: Snapshot,
    choice: Choice,
    terms: Terms,
    known: _Known,
    notes: Sequence[str],
) -> _Record:
    batch = commit_batch(tx, project, snapshot, choice, terms)
    chosen = sum(item.arm is Arm.STRATEGY for item in batch.items)
    left = max(0, choice.picks.open_count - chosen)
    return _Record(batch.batch_id, known.unseen, left, notes, batch.expire_time_ms)


def _known(tx: Tx, project: Project) -> _Known:
    if project.active_model_id is None:
        return _Known(None, count_unseen(tx, project, -1), ())
    row = tx.models.get(project.project_id, project.active_model_id)
    head = tx.models.head(project.project_id, project.active_model_id)
    if row is None or head is None or row.state is not ModelState.READY:
        return _Known(None, count_unseen(tx, project, -1), ())
    unseen = count_unseen(tx, project, row.revision)
    strange = [c for c in project.schema.class_ids if c not in row.class_ids]
    note = f"The model does not know these classes yet: {', '.join(strange)}. Train again."
    model = UsableModel(row.model_id, row.revision, decode_head(head), _penalty(row.parameters))
    return _Known(model, unseen, (note,) if strange else ())


def _penalty(parameters: Mapping[str, float | str | bool]) -> float:
    """One over the inverse penalty that a learner reports."""
    c = parameters.get("C")
    return 1.0 / c if isinstance(c, float | int) and c > 0 else _USUAL_PENALTY


def _version_note(project: Project, strategy: Strategy) -> tuple[str, ...]:
    """The policy pins an effective version; a server that has another one must not hide it."""
    pinned = project.policy.strategy_version
    if strategy.name != project.policy.strategy or strategy.version == pinned:
        return ()
    note = (
        f"This server has version {strategy.version} of {strategy.name}, the project chose "
        f"version {pinned}: update policy.strategy to accept the new one."
    )
    return (note,)


def _check(ask: QueryCommand) -> None:
    if not 0 <= ask.batch_size <= _MOST_ITEMS:
        text = f"batch_size must be in [0, {_MOST_ITEMS}], not {ask.batch_size}"
        raise InvalidField(text, field="batch_size")
    if ask.lease_ms is not None and not 1000 <= ask.lease_ms <= _LONGEST_LEASE_MS:
        text = "lease_duration must be between 1 second and 90 days"
        raise InvalidField(text, field="lease_duration")


def _encode(record: _Record) -> str:
    return json.dumps(asdict(record))


def _decode(text: str) -> _Record:
    fields = json.loads(text)
    return _Record(**{**fields, "notes": tuple(fields["notes"])})
