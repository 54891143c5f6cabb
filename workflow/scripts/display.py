"""Analysis results data in, one display out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.plan.load import load_plan
    from nirls.tlf.make import display_files

    plan = load_plan(task.params.study)
    display_files(plan, task.wildcards.stem, task.input, task.output, task.params.spec)
