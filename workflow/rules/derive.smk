"""Stage 2, derive: SDTM → ADaM.

INPUTS   sdtm/*.parquet, the ledger's findings
OUTPUTS  adam/<dataset>.parquet
"""


def derive_inputs(wildcards):
    needs = {"sdtm": plan.sdtm(), "findings": f"{plan.out}/sdtm/_ledger/findings.csv"}
    if wildcards.dataset != "adsl":
        needs["adsl"] = f"{plan.out}/adam/adsl.parquet"
    return needs


rule derive:
    """Derive one ADaM data set."""
    input:
        unpack(derive_inputs),
    output:
        f"{plan.out}/adam/{{dataset}}.parquet",
    params:
        spec=plan.spec("derive"),
        code=plan.code("derive"),
        study=plan.plan.name,
    log:
        f"{plan.out}/logs/derive/{{dataset}}.log",
    script:
        "../scripts/derive.py"
