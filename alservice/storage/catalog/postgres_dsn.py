"""Where the database is: what libpq understands, with our own manners added.

Nothing here repeats a part of what was given: it may hold a password.
"""

from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from alservice.domain.startup import StartupError

# A peer that vanishes is noticed within 8 seconds, also where nobody says goodbye: with the time
# for which a call waits for another one, callers who repeat theirs for half a minute see the new
# one. Whatever the user's own string says comes first.
_MANNERS: Final[dict[str, str]] = {
    "connect_timeout": "4",
    "keepalives": "1",
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "6000",
    "application_name": "alservice",
}
# Of several hosts the one that takes writes: a standby shows the past, and takes none.
_SESSION: Final = "target_session_attrs"
_PRIMARY: Final = ("read-write", "primary")
_HELP: Final = (
    "it should look like postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters "
    "percent-encoded (@ is %40, / is %2F, # is %23)"
)


def connection_parameters(dsn: str) -> dict[str, str]:
    """What to connect with. Raises StartupError, which tells nothing of the string."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error:
        # Not `from`: libpq quotes what it could not read.
        raise StartupError(f"--catalog is no PostgreSQL address: {_HELP}") from None
    host, port = str(given.get("host") or ""), str(given.get("port") or "")
    if "@" in host or not all(each.isdigit() for each in port.split(",") if each):
        raise StartupError(f"--catalog has no host or port that could be: {_HELP}")
    told = {name: str(value) for name, value in given.items() if value is not None}
    if told.get(_SESSION) not in _PRIMARY:
        told[_SESSION] = _PRIMARY[0]
    return {**_MANNERS, **told, "client_encoding": "UTF8"}


def described(dsn: str) -> str:
    """Which database it is, for people: without user, password and settings."""
    given = connection_parameters(dsn)
    where = given.get("host") or given.get("hostaddr") or given.get("service") or "the local one"
    return f"database {given.get('dbname', '(default)')} on {where}"
