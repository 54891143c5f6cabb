"""Displays of non-inferiority, equivalence and indirect comparison in the tests of all layouts."""

from functools import cache

from nirls.methods.arm_contrasts import ArmContrastsOptions, arm_contrasts
from tests.methods.head_to_head_trial import claim, data, decided, indirect, written


@cache
def equivalent(codes):
    contrasts = {"pair": {"label": "Pair", "group": "A", "weights": {codes[1]: 1, codes[2]: -1}}}
    given = ArmContrastsOptions(covariates=["BASE"], at_visit="Week 4", contrasts=contrasts, equivalence={"pair": {"low": -3, "high": 3}})
    return written(arm_contrasts(data(method="arm_contrasts", codes=codes), given), "equivalence")


def given(codes):
    """Display number → layout, kind, results and options; worlds with an active arm."""
    if "ACTIVE" not in codes:
        return {}
    three = (codes[0], codes[3], "ACTIVE")
    full, protocol = decided(three), decided(three, analysis_set="PP")
    return {
        "T14.2.4.1": ("noninferiority", "table", {"full": full, "protocol": protocol, "claim": claim(a=full, b=protocol)}, {"known": 0.3}),
        "F14.2.4.1": ("noninferiority_plot", "figure", {"full": full, "protocol": protocol}, {"known": 0.3}),
        "T14.2.4.2": ("indirect", "table", {"main": indirect(three)}, {}),
        "T14.2.4.3": ("equivalence", "table", {"main": equivalent(three)}, {}),
    }
