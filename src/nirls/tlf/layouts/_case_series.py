"""Rows of a series of treated cases: the chance of its mean change, and of as many such changes, without the treatment."""

from __future__ import annotations

from collections.abc import Callable

from nirls.tlf.context import DisplayContext
from nirls.tlf.document import Cell, Row
from nirls.tlf.formats import count, number
from nirls.tlf.layouts._common import cell
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

BLANK = Cell()
ASSUMED = (
    "Series: the patients are taken as independent of each other and as like those of the sham arm, at the same baseline (the mean) or at "
    "any (the counts: binomial with the share of the sham arm, limits at its exact limits). A series that is published because of its "
    "courses is no such sample: then the chance of at least k of more patients, under best of, is the fairer one."
)


def series_rows(bench: Ard, series: str, context: DisplayContext, notes: Notes, best: list[str], line: Callable[..., Row]) -> list[Row]:
    """The rows of a series, and its footnotes."""
    visit = bench.facts["at"]
    at, sham = f"{visit[:1].lower()}{visit[1:]}", context.arm(bench.facts["reference"]).short
    shared = {"variable": "case series", "visit": visit, "group3": "SERIES", "group3_level": series}
    m = bench.get("n", **shared)
    base, value, change = (bench.get("value", **shared, group2="AT", group2_level=s) for s in ("baseline", "value", "change"))
    moved = movement(change.value, number(abs(change.value), 1), bench.facts["direction"], "mean ")
    label = f"Chance of {moved} by {at} in {count(m.value)} patients without light"
    rows = [Row(label=f"{label}: {series}", kind="section")]
    for source in _sources(bench, series, "mean"):
        key = shared | {"variable_level": "mean", "group2": "SOURCE", "group2_level": source}
        p, mean, sd = (bench.get(s, **key) for s in ("probability", "mean", "sd"))
        name = f"{sham} in this trial, predicted for a mean baseline of {number(base.value, 1)}" if source == "predicted" else source
        rows.append(line(name if source == "predicted" else f"{source}, normal", BLANK, cell(share(p.value), notes, p)))
        if source == "predicted" and not mean.error:
            df = bench.get("df", **key)
            notes.general(
                f"{series}, predicted mean: {number(mean.value, 1)} (SD of the mean of {count(m.value)} patients {number(sd.value, 2)}), "
                f"t with {count(df.value)} df."
            )
    for rule in [r for r in bench.values("variable_level", variable="case series") if r != "mean"]:
        key = shared | {"variable_level": rule}
        k = bench.find("n_events", **key)
        if k is None:
            continue
        bound, text = bench.find("value", **key), bench.find("text", **key)
        if bound is not None:
            what = f"change of {as_given(bound.value)} or better"
        else:
            assert text is not None
            what = f"{text.text[:1].lower()}{text.text[1:]}"
        for source in _sources(bench, series, rule):
            at_source = key | {"group2": "SOURCE", "group2_level": source}
            p = bench.get("probability", **at_source)
            n, events, low, high = (bench.find(s, **at_source) for s in ("n", "n_events", "conf_low", "conf_high"))
            counts = limits = BLANK
            if n is not None and events is not None and low is not None and high is not None:
                counts = cell("NE" if n.error else f"{count(events.value)}/{count(n.value)}", notes, events, n)
                limits = cell("NE" if low.error else f"({share(low.value)}, {share(high.value)})", notes, low, high)
            many = [bench.get("probability", **key, group2=f"BEST OF, {source}", group2_level=b) for b in best]
            name = f"At least {count(k.value)} of {count(m.value)}, {what}: {f'{sham} observed' if source == 'observed' else source}"
            rows.append(
                line(name, counts, cell(share(p.value), notes, p), BLANK, limits, *[cell(share(b.value), notes, b) for b in many])
            )  # fmt: skip
    said = bench.find("text", **shared)
    notes.general(
        f"{series}: mean {number(base.value, 1)} before treatment, {number(value.value, 1)} at {at}.{f' {said.text}.' if said else ''}"
    )
    notes.general(ASSUMED)
    return rows


def as_given(value: float) -> str:
    """A value of a case as it was given: whole, or with one decimal."""
    return number(value, 0 if value == int(value) else 1)


def movement(change: float, size: str, direction: str, kind: str = "") -> str:
    """ "a fall of 27 points or more"; what is no improvement is "a change of +5 points or better", for that is what is counted."""
    better = change < 0 if direction == "lower_better" else change > 0
    if not better:
        sign = "+" if change > 0 else "\N{MINUS SIGN}" if change < 0 else ""
        return f"a {kind}change of {sign}{size} points or better"
    return f"a {kind}{'fall' if change < 0 else 'rise'} of {size} points or more"


def _sources(bench: Ard, series: str, rule: str) -> list[str]:
    """What the chances of a rule rest on."""
    return bench.values(
        "group2_level", variable="case series", variable_level=rule, group2="SOURCE", group3="SERIES", group3_level=series
    )  # fmt: skip


def share(value: float) -> str:
    """A chance as a percentage, small ones with more digits."""
    if value != value:
        return "NE"
    shown = 100 * value
    return "0%" if shown == 0 else "<0.01%" if shown < 0.01 else f"{number(shown, 2 if shown < 1 else 1)}%"
