"""SDTM domains in, one ADaM data set out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.adam.derive import derive, read_inputs
    from nirls.ard.io import write_table

    derived = derive(task.wildcards.dataset.upper(), read_inputs(task.input), task.plan)
    write_table(derived.frame, task.output.data, {"spec": task.params.spec, "code": task.params.code})
    derived.accounts.to_csv(task.output.accounts, index=False, lineterminator="\n")
    print(f"{len(derived.frame)} records of {derived.frame['USUBJID'].nunique()} subjects")
