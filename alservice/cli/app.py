"""The command line: every other file in this folder that defines `COMMAND` is a command.

The command has the name of its file: `export_labels.py` is `export-labels`, `import_.py` is
`import`. To add one, write the file; there is no list to edit. Import what is heavy inside the
function, so that `alservice --help` is quick and `serve` can limit threads first.
"""

import importlib
import pkgutil

import typer

from alservice import cli

HELP = "Active learning as a service: which of your unlabelled items are worth a label?"


def build() -> typer.Typer:
    """The application with all commands, in alphabetical order."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_begin)
    for name in sorted(module.name for module in pkgutil.iter_modules(cli.__path__)):
        command = getattr(importlib.import_module(f"{cli.__name__}.{name}"), "COMMAND", None)
        if command is not None:
            app.command(name.strip("_").replace("_", "-"))(command)
    return app


def _begin() -> None:
    """Keep commands as sub-commands, even if there is only one."""
