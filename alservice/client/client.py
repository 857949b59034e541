"""The entrance: a connection to a server, and the projects on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alservice.api.v1 import project_pb2
from alservice.api.v1 import project_service_pb2 as project_rpc
from alservice.api.v1 import strategy_service_pb2 as strategy_rpc
from alservice.client.connection import Connection, fresh_id
from alservice.client.errors import AlreadyExists
from alservice.client.paging import pages
from alservice.client.project import Project
from alservice.client.project_info import (
    ClassesLike,
    ProjectInfo,
    class_messages,
    info_of,
    policy_message,
)
from alservice.client.words import DTYPES, STRATEGY_KINDS, STRATEGY_NEEDS

DEFAULT_ADDRESS = "127.0.0.1:50051"


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """One way to choose a batch; `parameters` maps names to default values.

    `ranges` has the least and the greatest value of each, `descriptions` says what each does.
    `kind` is scoring, selecting, schedule or ensemble; `needs` some of model, vectors, labels.
    `diversifies` names the scoring strategy that it diversifies: such a strategy may be given as
    `diversify` beside any other one. `parts` are the strategies that it is made of.
    """

    name: str
    version: int
    summary: str
    reference: str
    parameters: dict[str, float]
    ranges: dict[str, tuple[float, float]]
    descriptions: dict[str, str]
    kind: str
    needs: tuple[str, ...]
    diversifies: str
    parts: tuple[str, ...]


class Client:
    """A connection to an alservice server. May be shared by threads.

    `address` is `host:port`, any gRPC target (`dns:///host:port`), or several `host:port` with
    commas between them: calls take turns among all servers that are found there; names in such a
    list are looked up once. `token` is sent as a bearer token, over TLS or to this machine only.
    `timeout` is the time in seconds that one call may take over all its attempts: a call that
    meets a broken connection or a busy server is repeated with the same request id, so that it
    takes effect once. A server that was never reached is given up after five seconds. `tls`
    encrypts, `ca_file` names a PEM file with the authority to trust instead of the system's.
    `progress` shows or hides progress bars and what is waited for; None shows them if standard
    error is a terminal.

    All methods raise `alservice.client.errors.ServiceError`; nothing is sent on construction.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        token: str | None = None,
        timeout: float = 60,
        tls: bool = False,
        ca_file: str | Path | None = None,
        progress: bool | None = None,
    ) -> None:
        self._connection = Connection(
            address, token=token, timeout_s=timeout, tls=tls, ca_file=ca_file, shown=progress
        )
        self._progress = progress

    def create_project(
        self,
        project_id: str,
        classes: ClassesLike,
        *,
        display_name: str = "",
        dimension: int | None = None,
        dtype: str | None = None,
        encoder: str = "",
        exist_ok: bool = False,
        **policy: Any,
    ) -> Project:
        """Makes a project: 1 to 63 lower-case letters, digits and hyphens.

        `classes` are ids, or a mapping from ids to display names. `dimension` and `dtype` (`f32`,
        `f16`, `bf16`) are taken from the first upload if not given. `policy`: `strategy`,
        `batch_size`, `lease_s`, `reserve_share`, `audit_share`, `retrain` (`manual`, `auto`) and
        `learner`, each with the service's default. With `exist_ok` a project of that id is
        returned as it is, if it has all of `classes`.

        Raises AlreadyExists, InvalidArgument.
        """
        wanted = class_messages(classes)
        schema = project_pb2.LabelSchema(classes=project_pb2.ClassSchema(classes=wanted))
        made = project_pb2.Project(
            display_name=display_name,
            label_schema=schema,
            vector_space=_space(dimension, dtype, encoder),
            policy=policy_message(policy),
        )
        request = project_rpc.CreateProjectRequest(
            project_id=project_id, project=made, request_id=fresh_id()
        )
        try:
            self._connection.call(self._connection.projects.CreateProject, request)
        except AlreadyExists:
            if not exist_ok or self._lacks(project_id, {c.class_id for c in wanted}):
                raise
        return self._project(project_id)

    def project(self, project_id: str) -> Project:
        """A project that exists. Raises NotFound."""
        project = self._project(project_id)
        project.info()
        return project

    def projects(self) -> Iterator[ProjectInfo]:
        """All projects, by id, without counts."""
        request = project_rpc.ListProjectsRequest()
        for page in pages(self._connection, self._connection.projects.ListProjects, request):
            yield from map(info_of, page.projects)

    def strategies(self) -> list[StrategyInfo]:
        """The strategies that this server knows."""
        method = self._connection.strategies.ListStrategies
        found = self._connection.call(method, strategy_rpc.ListStrategiesRequest()).strategies
        return [
            StrategyInfo(
                name=each.strategy,
                version=each.version,
                summary=each.summary,
                reference=each.reference,
                parameters={p.parameter: p.default_value for p in each.parameters},
                ranges={p.parameter: (p.minimum, p.maximum) for p in each.parameters},
                descriptions={p.parameter: p.description for p in each.parameters},
                kind=STRATEGY_KINDS.word(each.kind),
                needs=tuple(map(STRATEGY_NEEDS.word, each.needs)),
                diversifies=each.diversifies,
                parts=tuple(each.parts),
            )
            for each in found
        ]

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _project(self, project_id: str) -> Project:
        return Project(self._connection, project_id, progress=self._progress)

    def _lacks(self, project_id: str, class_ids: set[str]) -> bool:
        """Whether the existing project does not have all of `class_ids`."""
        return not class_ids <= self._project(project_id).info().classes.keys()


def _space(dimension: int | None, dtype: str | None, encoder: str) -> project_pb2.VectorSpace:
    return project_pb2.VectorSpace(
        dimension=dimension, dtype=DTYPES.number(dtype or "unspecified"), encoder=encoder
    )
