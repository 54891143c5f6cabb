"""SDTM domains in, one ADaM data set out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.adam.derive import derive_files
    from nirls.plan.load import load_plan

    plan = load_plan(task.params.study)
    task.say(derive_files(task.wildcards.dataset, task.input.sdtm, task.input.findings, task.input.get("adsl"), plan, task.output[0]))
