"""A display document in, one more format out."""

from nirls.job import job

with job(snakemake) as task:
    from nirls.tlf.files import render_file

    render_file(task.input[0], task.output[0])
