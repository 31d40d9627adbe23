"""The one exception that users are meant to read."""


class ZooError(Exception):
    """Something the caller can fix; the message is one line that says what and how.

    The command line prints it without a traceback and leaves with exit code 2.
    """
