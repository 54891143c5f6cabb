"""Raw files in, SDTM domains and ledger out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.plan.load import load_plan
    from nirls.sdtm.ingest import ingest, write_ingested

    plan = load_plan(task.params.study)
    task.say(f"reading {len(task.input)} files")
    ingested = ingest(plan, plan.root, rejected=plan.results / "logs/rejected")
    write_ingested(ingested, plan.results / "sdtm")
    task.say(ingested.summary())
