"""The error of the report."""

from nirls.errors import NirlsError


class ReportError(NirlsError):
    """The report cannot be built from the files it is given; the message says which file is wrong and what to do."""
