"""Every display, provenance and the ledger in, one page out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.plan.load import load_plan
    from nirls.report.build import build_files

    plan = load_plan(task.params.study)
    build_files(plan, task.input, task.output)
