"""How a command says that it failed: one helpful line, never a traceback."""


class Failure(Exception):
    """The command failed. The message is one line that says what is wrong and what to do."""

    exit_code = 1


class Misuse(Failure):
    """The command was asked for something that cannot be: a file that is missing, say."""

    exit_code = 2
