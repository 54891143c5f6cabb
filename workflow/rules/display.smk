"""Stage 4, display: ARD → tables, figures and answers.

INPUTS   the ARDs a display names
OUTPUTS  tlf/<stem>.json (the display document, which every renderer takes), .html, .svg, .rtf
"""


def display_inputs(wildcards):
    return plan.display_inputs(wildcards.stem)


def display_name(wildcards):
    return plan.display_id(wildcards.stem)


def display_spec(wildcards):
    return plan.spec("display", plan.display_id(wildcards.stem))


def display_code(wildcards):
    return plan.code("display", plan.display_id(wildcards.stem))


def display_labels(wildcards):
    return plan.labels(wildcards.stem)


def display_category(wildcards):
    return plan.category(wildcards.stem)


rule table:
    """Lay out one table."""
    input:
        unpack(display_inputs),
    output:
        document=f"{plan.out}/tlf/{{stem}}.json",
        html=report(
            f"{plan.out}/tlf/{{stem}}.html",
            category=display_category,
            labels=display_labels,
            caption="../report/table.rst",
        ),
    log:
        f"{plan.out}/logs/display/{{stem}}.log",
    wildcard_constraints:
        stem=plan.stems_of("table"),
    params:
        display=display_name,
        spec=display_spec,
        code=display_code,
    script:
        "../scripts/display.py"


rule figure:
    """Draw one figure."""
    input:
        unpack(display_inputs),
    output:
        document=f"{plan.out}/tlf/{{stem}}.json",
        svg=report(
            f"{plan.out}/tlf/{{stem}}.svg",
            category=display_category,
            labels=display_labels,
            caption="../report/figure.rst",
        ),
    log:
        f"{plan.out}/logs/display/{{stem}}.log",
    wildcard_constraints:
        stem=plan.stems_of("figure"),
    params:
        display=display_name,
        spec=display_spec,
        code=display_code,
    script:
        "../scripts/display.py"


rule answer:
    """Answer one question in a sentence."""
    input:
        unpack(display_inputs),
    output:
        document=f"{plan.out}/tlf/{{stem}}.json",
    log:
        f"{plan.out}/logs/display/{{stem}}.log",
    wildcard_constraints:
        stem=plan.stems_of("answer"),
    params:
        display=display_name,
        spec=display_spec,
        code=display_code,
    script:
        "../scripts/display.py"


rule render:
    """Render a table in another format."""
    input:
        f"{plan.out}/tlf/{{stem}}.json",
    output:
        f"{plan.out}/tlf/{{stem}}.{{format}}",
    log:
        f"{plan.out}/logs/display/{{stem}}.{{format}}.log",
    wildcard_constraints:
        stem=plan.stems_of("table"),
        format="rtf",
    params:
        code=plan.code("render"),
    script:
        "../scripts/render.py"
