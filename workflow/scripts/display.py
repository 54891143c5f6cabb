"""Analysis results data in, one display out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.tlf.files import display_files

    plan, p = task.plan, task.params
    print(display_files(plan, p.display, list(task.input.ards), list(task.input.records), list(task.output), p.spec))
