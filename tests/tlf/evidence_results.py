"""Displays of published evidence in the tests of all layouts."""

from tests.methods.evidence_trial import shipped


def given(codes):
    """Display number → layout, kind, results and options."""
    pair = (codes[0], codes[1])
    return {
        "F14.2.8.2": ("meta_forest", "figure", {"main": shipped("devices", pair)}, {}),
        "T14.2.8.2": ("meta", "table", {"main": shipped("devices", pair)}, {}),
    }
