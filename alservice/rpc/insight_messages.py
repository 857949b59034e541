"""Simulate and what comes of it, to the words of the use case and back."""

from alservice.api.v1 import insight_service_pb2 as pb
from alservice.domain.names import parse_project
from alservice.domain.operation import Json
from alservice.usecases.simulate import SimulateCommand


def parse_simulate(request: pb.SimulateRequest) -> SimulateCommand:
    """The command. Raises InvalidName."""
    return SimulateCommand(
        project_id=parse_project(request.project),
        strategies=tuple(request.strategies),
        seeds=request.seeds,
        batch_size=request.batch_size,
        budget=request.budget,
    )


def render_report(result: Json) -> pb.SimulateResponse:
    """The message about what a simulation found."""
    return pb.SimulateResponse(report_json=str(result["json"]), report_html=str(result["html"]))
