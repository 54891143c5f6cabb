"""Display of shifts in the tests of all layouts."""

from tests.methods.shift_trial import found


def given(codes):
    """Display number → layout, kind, results and options."""
    return {"T14.3.4": ("shift", "table", {"main": found(tuple(codes[:2]), by="GRP")}, {})}
