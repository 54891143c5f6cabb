"""Stage 5, report: everything → one self-contained page.

INPUTS   every display, the ARDs' provenance, the ledger
         what the derivations left out
OUTPUTS  report/report.html, report/manifest.json
"""


rule report:
    """Build the report: question, answer, figure, table, method, data quality."""
    input:
        displays=plan.rendered(),
        ards=[f"{plan.out}/ard/{a}.parquet" for a in plan.analyses],
        findings=f"{plan.out}/sdtm/_ledger/findings.csv",
        accounts=f"{plan.out}/sdtm/_ledger/accounts.csv",
        rules=f"{plan.out}/sdtm/_ledger/rules.csv",
        manifest=f"{plan.out}/sdtm/_ledger/manifest.json",
        adsl=f"{plan.out}/adam/adsl.parquet",
        derived=expand(
            f"{plan.out}/adam/{{dataset}}.accounts.csv", dataset=plan.datasets
        ),
    output:
        html=report(
            plan.report,
            category="Report",
            labels={"display": "Report", "title": "The whole report"},
            caption="../report/report.rst",
        ),
        manifest=f"{plan.out}/report/manifest.json",
    log:
        f"{plan.out}/logs/report.log",
    params:
        spec=plan.spec("report"),
        code=plan.code("report"),
    script:
        "../scripts/report.py"
