"""Stage 3, analyse: ADaM → analysis results data (ARD). One rule for every method; the plan says what to run.

INPUTS   adam/<dataset>.parquet, adam/adsl.parquet, the ARDs named in `uses`
OUTPUTS  ard/<analysis>.parquet, and ard/<analysis>.records.parquet for analyses that keep records
"""


def analysis_inputs(wildcards):
    return plan.analysis_inputs(wildcards.analysis)


def analysis_spec(wildcards):
    return plan.spec("analyse", wildcards.analysis)


def analysis_code(wildcards):
    return plan.code("analyse", wildcards.analysis)


rule analyse:
    """Run one analysis of the plan."""
    input:
        unpack(analysis_inputs),
    output:
        ard=f"{plan.out}/ard/{{analysis}}.parquet",
    log:
        f"{plan.out}/logs/analyse/{{analysis}}.log",
    wildcard_constraints:
        analysis=plan.analyses_of(records=False),
    params:
        spec=analysis_spec,
        code=analysis_code,
    script:
        "../scripts/analyse.py"


use rule analyse as list_records with:
    output:
        ard=f"{plan.out}/ard/{{analysis}}.parquet",
        records=f"{plan.out}/ard/{{analysis}}.records.parquet",
    wildcard_constraints:
        analysis=plan.analyses_of(records=True),
