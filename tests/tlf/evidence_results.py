"""Displays of published evidence in the tests of all layouts."""

from tests.methods.evidence_trial import shipped, shipped_benchmark, shipped_case


def given(codes):
    """Display number → layout, kind, results and options."""
    pair = (codes[0], codes[1])
    bench = shipped_benchmark(pair)
    return {
        "T14.2.8.1": ("single_case", "table", {"main": shipped_case(), "benchmark": bench}, {}),
        "F14.2.8.1": ("case_benchmark_plot", "figure", {"main": bench}, {}),
        "F14.2.8.2": ("meta_forest", "figure", {"main": shipped("devices", pair)}, {}),
        "T14.2.8.2": ("meta", "table", {"main": shipped("devices", pair)}, {}),
    }
