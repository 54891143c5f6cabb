"""The error of a display."""

from nirls.errors import NirlsError


class DisplayError(NirlsError):
    """A display cannot be made from the results it is given; the message says which row is missing or wrong."""
