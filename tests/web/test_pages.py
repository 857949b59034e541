"""The pages of the HTTP port, over a real connection."""

import asyncio

import httpx
import pytest

from alservice.domain.startup import StartupError
from alservice.web.pages import Pages
from alservice.web.server import HttpServer


def fetch(*paths: str, serving: bool = True) -> list[httpx.Response]:
    """What a server with these pages answers."""
    pages = Pages("1.2.3", "<host>:1", lambda: serving, lambda: b"x_total 1.0\n")

    async def session() -> list[httpx.Response]:
        server = HttpServer("127.0.0.1:0")
        await server.start(pages.app())
        try:
            async with httpx.AsyncClient(base_url=f"http://{server.address}") as client:
                return [await client.get(path) for path in paths]
        finally:
            await server.stop()

    return asyncio.run(session())


def test_health_is_200_while_serving_and_503_while_draining() -> None:
    (serving,) = fetch("/healthz")
    (draining,) = fetch("/healthz", serving=False)
    assert (serving.status_code, serving.text) == (200, "serving\n")
    assert (draining.status_code, draining.text) == (503, "draining\n")


def test_metrics_come_in_the_format_of_prometheus() -> None:
    (metrics,) = fetch("/metrics")
    assert metrics.text == "x_total 1.0\n"
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_the_first_page_says_what_this_is_and_escapes_what_it_shows() -> None:
    home, missing = fetch("/", "/nothing")
    assert "alservice 1.2.3" in home.text
    assert "&lt;host&gt;:1" in home.text
    assert '<a href="/metrics">' in home.text
    assert missing.status_code == 404


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "no.such.host.invalid:0"])
def test_an_address_that_cannot_be_had_is_named(address: str) -> None:
    async def twice() -> None:
        first = HttpServer("127.0.0.1:0")
        wanted = address.format(port=first.address.rpartition(":")[2])
        try:
            with pytest.raises(StartupError, match="for HTTP"):
                HttpServer(wanted)
        finally:
            await first.stop()

    asyncio.run(twice())
