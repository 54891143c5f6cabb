"""ADaM in, analysis results data out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.analyse import analyse_files

    plan = task.plan
    provenance = {"spec": task.params.spec, "code": task.params.code}
    analyse_files(plan, task.wildcards.analysis, task.input, task.output, provenance)
