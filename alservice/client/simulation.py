"""A replay of what is labelled: which strategy would have needed the fewest labels?"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alservice.api.v1 import insight_service_pb2 as insight_rpc
from alservice.client.operation import LongOperation


@dataclass(frozen=True, slots=True)
class Simulation:
    """The outcome: `report` holds rows, ranks, wins and curves; see docs/simulate.md."""

    report: dict[str, Any] = field(repr=False)
    html: str = field(repr=False)

    def __repr__(self) -> str:
        """What was compared; report and page are long."""
        played = ", ".join(self.report["competitors"])
        return f"Simulation({self.report['title']}: {played})"

    def save(self, path: str | Path) -> Path:
        """Writes the page, which needs nothing else, and returns where it is."""
        page = Path(path)
        page.write_text(self.html, encoding="utf-8")
        return page


class Simulating(LongOperation[Simulation]):
    """The operation behind Project.simulate; see LongOperation."""

    title = "simulating"

    def _metadata(self) -> Any:
        return insight_rpc.SimulateMetadata()

    def _kept(self) -> str:
        return "the simulation is kept and goes on when the server is back"

    def _outcome(self, response: Any) -> Simulation:
        message = insight_rpc.SimulateResponse()
        response.Unpack(message)
        return Simulation(report=json.loads(message.report_json), html=message.report_html)
