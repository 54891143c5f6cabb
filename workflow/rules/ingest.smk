"""Stage 1, ingest: raw files → SDTM domains and the ledger.

INPUTS   the files named under `sources` of study.yaml
OUTPUTS  sdtm/<domain>.parquet, sdtm/_ledger/{findings,accounts,rules,repairs}.csv, quarantine/, restricted/alerts.csv (owner only), manifest.json (SHA-256 of the raw files)
"""


rule ingest:
    """Read, map and check every raw file; account for every row."""
    input:
        plan.raw,
    output:
        domains=plan.sdtm(),
        findings=f"{plan.out}/sdtm/_ledger/findings.csv",
        accounts=f"{plan.out}/sdtm/_ledger/accounts.csv",
        rules=f"{plan.out}/sdtm/_ledger/rules.csv",
        repairs=f"{plan.out}/sdtm/_ledger/repairs.csv",
        alerts=f"{plan.out}/sdtm/_ledger/restricted/alerts.csv",
        manifest=f"{plan.out}/sdtm/_ledger/manifest.json",
        quarantine=directory(f"{plan.out}/sdtm/_ledger/quarantine"),
    log:
        f"{plan.out}/logs/ingest.log",
    params:
        spec=plan.spec("ingest"),
        code=plan.code("ingest"),
    script:
        "../scripts/ingest.py"
