"""Raw files in, SDTM domains and ledger out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.provenance import write_input_manifest
    from nirls.sdtm.ingest import ingest, write_ingested

    plan = task.plan
    task.say(f"reading {len(task.input)} files")
    ingested = ingest(plan, plan.root, rejected=plan.results / "logs/rejected")
    write_ingested(ingested, plan.results / "sdtm")
    write_input_manifest(task.input, task.output.manifest)
    task.say(ingested.summary().splitlines()[0])
    print(ingested.summary())
