"""Bring a database's schema up to date, or refuse one that is newer than this program."""

from pathlib import Path
from typing import Final

from alembic.command import upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from alservice.domain.startup import StartupError

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Run the missing migrations, inside the caller's transaction and under the caller's lock.

    Raises StartupError for a schema that this program does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in scripts.walk_revisions()}
    if not known.issuperset(present):
        found = ", ".join(present)
        text = f"the catalog has schema {found}, made by a newer alservice: upgrade to open it"
        raise StartupError(text)
    if set(present) != set(scripts.get_heads()):
        upgrade(config, "head")
