"""The errors a user of nirls can meet.

Every message names the file (and row, column, value where there is one) and says what to do.
A job prints the message of a :class:`NirlsError` without a traceback; any other exception is a
defect of the program and keeps its traceback in the log.
"""


class NirlsError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(NirlsError):
    """The plan or the study configuration is wrong; lists every problem found."""


class DataError(NirlsError):
    """The data cannot be analysed as they are; lists every finding of severity E."""


class MethodError(NirlsError):
    """An analysis cannot be carried out as specified."""


class NotEstimableError(MethodError):
    """The requested quantity is not estimable from these data."""


class ConvergenceError(MethodError):
    """An iterative fit did not reach its convergence criteria."""
