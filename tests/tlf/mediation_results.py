"""Displays of mediation in the tests of all layouts."""

from tests.methods.mediation_trial import found


def given(codes):
    """Display number → layout, kind, results and options."""
    ard = found(tuple(codes[:2]))
    return {
        "T14.2.7.1": ("mediation", "table", {"main": ard}, {}),
        "F14.2.7.1": ("mediation_paths", "figure", {"main": ard}, {"known": -2.0}),
    }
