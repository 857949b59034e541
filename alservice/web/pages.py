"""The pages of the HTTP port: health for load balancers, metrics for Prometheus, a door sign."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>alservice</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto }}</style>
<h1>alservice {version}</h1>
<p>An active learning service: it tells which of your unlabelled items are worth a label.
This port is for health and metrics; the service itself speaks gRPC on <code>{address}</code>.</p>
<ul>
<li><a href="/healthz">/healthz</a>: is it serving?</li>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
</ul>
<p>Look around: <code>alservice status --address {address}</code></p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages show."""

    version: str
    address: str
    serving: Callable[[], bool]
    metrics: Callable[[], bytes]

    def app(self) -> Starlette:
        """The pages as an ASGI application."""
        pages = {"/": self.home, "/healthz": self.healthz, "/metrics": self.show_metrics}
        return Starlette(routes=[Route(path, page) for path, page in pages.items()])

    async def home(self, request: Request) -> Response:
        """What this is."""
        text = PAGE.format(version=html.escape(self.version), address=html.escape(self.address))
        return HTMLResponse(text)

    async def healthz(self, request: Request) -> Response:
        """200 while serving, 503 while draining."""
        if self.serving():
            return PlainTextResponse("serving\n")
        return PlainTextResponse("draining\n", status_code=503)

    async def show_metrics(self, request: Request) -> Response:
        """The exposition format of Prometheus."""
        return Response(self.metrics(), media_type=METRICS_TYPE)
