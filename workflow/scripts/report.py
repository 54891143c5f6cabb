"""Every display, provenance and the ledger in, one page out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.report.build import build_files

    plan = task.plan
    build_files(plan, task.input, task.output)
