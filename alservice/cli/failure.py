"""How a command says that it failed: one helpful line, never a traceback."""


class Failure(Exception):
    """The command failed. The message is one line that says what is wrong and what to do."""
