"""The one exception that is meant for the person at the keyboard."""


class UserError(Exception):
    """Bad input. The message says what was expected, what came and what to do.

    The commands print it without a traceback. It takes one string, so that a DataLoader worker
    can hand it to the main process.
    """
