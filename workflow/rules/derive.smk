"""Stage 2, derive: SDTM → ADaM.

INPUTS   sdtm/*.parquet, the ledger's findings and, for the dose of sessions, its quarantine
OUTPUTS  adam/<dataset>.parquet, adam/<dataset>.accounts.csv (records left out on the way, with reasons)
"""


def derive_inputs(wildcards):
    needs = {"sdtm": plan.sdtm(), "findings": f"{plan.out}/sdtm/_ledger/findings.csv"}
    if wildcards.dataset != "adsl":
        needs["adsl"] = f"{plan.out}/adam/adsl.parquet"
    if wildcards.dataset in ("adice", "adtte"):
        needs["adqs"] = f"{plan.out}/adam/adqs.parquet"
    if wildcards.dataset == "adtte":
        needs["adice"] = f"{plan.out}/adam/adice.parquet"
    if wildcards.dataset == "adex":
        needs["aside"] = f"{plan.out}/sdtm/_ledger/quarantine"
    if wildcards.dataset in ("adexsum", "addiary") or (
        wildcards.dataset in ("adrisk", "adae") and "adex" in plan.datasets
    ):
        needs["adex"] = f"{plan.out}/adam/adex.parquet"
    if wildcards.dataset == "adae":
        needs["adrisk"] = f"{plan.out}/adam/adrisk.parquet"
    return needs


rule derive:
    """Derive one ADaM data set."""
    input:
        unpack(derive_inputs),
    output:
        data=f"{plan.out}/adam/{{dataset}}.parquet",
        accounts=f"{plan.out}/adam/{{dataset}}.accounts.csv",
    log:
        f"{plan.out}/logs/derive/{{dataset}}.log",
    params:
        spec=plan.spec("derive"),
        code=plan.code("derive"),
    script:
        "../scripts/derive.py"
