"""Structured logs on standard error: one line per event, for machines or for eyes.

Ids and counts go into the log, the content of items never does. What libraries log through
`logging` comes out in the same form.
"""

import logging
import sys

import structlog
from structlog.typing import Processor


def configure_logs(form: str, level: str) -> None:
    """`form` is `json` or `console`; `level` one of `debug`, `info`, `warning`, `error`."""
    shared = _shared()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("alservice").setLevel(level.upper())


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger below `alservice`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"alservice.{name}")
    return bound


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(form: str) -> list[Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
