"""Why the service will not start: said to the person who started it, never to a caller."""


class StartupError(Exception):
    """The service cannot start as it was asked to. The message says what to do."""
