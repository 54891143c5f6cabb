"""Figure of means by dose with fitted curves."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from nirls.plan.base import PlanModel
from nirls.tlf import model_text
from nirls.tlf.document import FigureDocument, Ref, stem
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, missing, number
from nirls.tlf.layouts._common import capital, chosen_param, digits, head
from nirls.tlf.layouts._common import number as display_number
from nirls.tlf.layouts._dose import AVERAGE, TARGET, UPPER, DoseArm, dose_arms, dose_text, explain, with_unit
from nirls.tlf.layouts.registry import Laid, Request, layout
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes

STATS = ("lsmean", "conf_low", "conf_high")


class DoseResponseOptions(PlanModel):
    """Options of `dose_response`."""

    known: dict[str, float] = Field(default_factory=dict, description="Arm → true mean, where it is known (simulated data).")
    known_target: float | None = Field(None, description="True target dose, where it is known (simulated data).")
    known_label: str = Field("Truth of the generator", description="What the true values are called.")


@layout("dose_response", options=DoseResponseOptions, roles=("main",), kind="figure")
def dose_response(request: Request) -> Laid:
    """Observed LS means by dose, the fitted models, their average with its band, and the window of target doses."""
    from nirls.tlf.layouts._dose_drawing import Picture, draw

    options, context, main, notes = request.options, request.context, request.ards["main"], Notes()
    arms = dose_arms(request, main)
    strange = [a for a in options.known if a not in {one.arm.code for one in arms}]
    if strange:
        raise DisplayError(f"{request.id}: options.known: {', '.join(strange)} not among the arms {', '.join(a.arm.code for a in arms)}")
    refs: list[Ref] = []
    variable, visit = model_text.response(main, None), main.facts.get("at", "")
    points = _points(request, main, arms, {"variable": variable, "visit": visit}, refs, notes)
    curves = {name: _curve(main, name, "lsmean", refs) for name in main.values("group2_level", variable="curve", group2="MODEL")}
    average = curves.pop(AVERAGE, [])
    target = _target(main, arms, digits(context, "dose"), refs)
    param = context.params.get(chosen_param(main, None))
    outcome = context.labels.get(variable, variable)
    what = f"LS mean {outcome[:1].lower() + outcome[1:]} in {param.label}" if param else f"LS mean {outcome}"
    hint = {"lower_better": "lower is better", "higher_better": "higher is better"}.get((param.direction if param else None) or "", "")
    unit = ", ".join(t for t in (param.unit if param else "", hint) if t)
    delta, ci = main.find("delta", variable="model"), model_text.level_text(main)
    effect = None
    if average and delta is not None:  # the improvement asked for, counted from the average at dose 0
        effect = average[0][1] + delta.value * _sign(main, param.direction if param else None)
    picture = Picture(
        points=points,
        curves={_name(main, name, digits(context, "weight")): curve for name, curve in curves.items()},
        average=average,
        low=_curve(main, AVERAGE, "conf_low", refs) if average else [],
        high=_curve(main, AVERAGE, "conf_high", refs) if average else [],
        window=target.window,
        interval=target.interval,
        window_text=target.text,
        effect=effect,
        effect_text="" if delta is None else f"Improvement of {delta.value:g}",
        known_target=options.known_target,
        y_title=f"{what}, {visit.lower()}" + (f" ({unit})" if unit else ""),
        x_title=with_unit(main, "Dose,") if main.facts.get("dose_unit") else "Dose",
        ci=ci,
        band=f"{ci.removesuffix(' CI')} limits of the bootstrap",
        known_label=options.known_label,
    )
    reached = [f"{number(p.mean, digits(context, 'lsmean'))} at {p.dose:g}" for p in points if not missing(p.mean)]
    alt = f"{what} at {len(points)} doses: {', '.join(reached)}. {target.text}."
    name = stem(request.id)
    svg, size = draw(picture, context, name, f"{display_number(request.id)} {request.display.title}", alt)
    notes.general(f"Points: LS means with {ci}; n: subjects with an observation at the visit. Curves are labelled with their weights.")
    if target.window is not None:
        notes.general(
            "Green: doses from the target dose of the average to its upper edge; the bar on the axis is the interval of the target dose."
        )
    if options.known or options.known_target is not None:
        low = options.known_target is not None and options.known_target <= arms[-1].dose
        notes.general(f"Diamonds: {options.known_label.lower()}" + ("; on the axis the true target dose." if low else "."))
    explain(main, notes, "target_dose", "dose_intervals", "dose_models")
    for text in [*model_text.footnotes(main, context), *main.footnotes]:
        notes.general(text)
    for model in main.levels("fit"):
        found = main.find("gaic", variable="fit", variable_level=model)
        if found is not None and found.error:
            words = main.find("text", variable="fit", variable_level=model)
            notes.general(f"Not drawn: {words.text if words is not None else model}. {capital(found.error)}.")
    ends = head(request, notes, "main", [a.arm.code for a in arms])
    return Laid(document=FigureDocument(svg=f"{name}.svg", alt=alt, width=size[0], height=size[1], refs=tuple(refs), **ends), svg=svg)


def _points(request: Request, main: Ard, arms: list[DoseArm], key: dict[str, str], refs: list[Ref], notes: Notes) -> list:
    from nirls.tlf.layouts._dose_drawing import Point

    out = []
    for one in arms:
        found = {s: main.get(s, group1_level=one.arm.code, **key) for s in (*STATS, "n")}
        if missing(found["lsmean"].value):
            notes.general(f"Not drawn: {one.arm.short}, not estimable ({found['lsmean'].error or 'no reason was recorded'}).")
        refs.append(Ref(key=found["lsmean"].key, stats=tuple(found)))
        mean, low, high = (found[s].value for s in STATS)
        known = request.options.known.get(one.arm.code)
        out.append(Point(arm=one.arm.code, dose=one.dose, mean=mean, low=low, high=high, n=count(found["n"].value), known=known))
    return out


def _curve(main: Ard, name: str, stat: str, refs: list[Ref]) -> list[tuple[float, float]]:
    """A curve as (dose, mean), in order of dose."""
    doses = main.values("variable_level", variable="curve", group2="MODEL", group2_level=name, stat_name=stat)
    found = [(float(d), main.get(stat, variable="curve", variable_level=d, group2="MODEL", group2_level=name)) for d in doses]
    refs += [Ref(key=f.key, stats=(stat,)) for _, f in found[:1]]
    return [(dose, f.value) for dose, f in sorted(found, key=lambda pair: pair[0])]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Window of the average: as text, and as the parts of the dose axis to shade and to draw as the interval of the target dose."""

    text: str
    window: tuple[float, float] | None = None
    interval: tuple[float, float] | None = None


def _target(main: Ard, arms: list[DoseArm], places: int, refs: list[Ref]) -> _Target:
    found = []
    for edge in (TARGET, UPPER):
        key = {"variable": "target", "variable_level": AVERAGE, "group2": "DOSE", "group2_level": edge}
        found.append([main.find(s, **key) for s in ("dose", "conf_low", "conf_high")])
    if any(f is None for f in (*found[0], *found[1])):
        return _Target(text="No target dose was estimated")
    (low, *limits), (high, *others) = found
    refs += [f.ref for f in (low, *limits, high, *others)]
    ci = model_text.level_text(main)
    span = f"{dose_text(limits[0], places)} to {dose_text(limits[1], places)}"
    if missing(low.value):
        return _Target(text=with_unit(main, f"Target dose {dose_text(low, places)} ({ci} {span})"))
    upper = f"{dose_text(high, places)} ({dose_text(others[0], places)} to {dose_text(others[1], places)})"
    text = with_unit(main, f"Target dose {dose_text(low, places)} ({ci} {span}), upper edge {upper}")
    end = arms[-1].dose
    ends = [end if missing(f.value) else f.value for f in (high, *limits)]
    return _Target(text=text, window=(low.value, ends[0]), interval=(ends[1], ends[2]))


def _sign(main: Ard, direction: str | None) -> float:
    """Whether an improvement lowers or raises the response: as the analysis says."""
    return -1.0 if main.facts.get("direction", direction or "") == "lower_better" else 1.0


def _name(main: Ard, name: str, places: int) -> str:
    """ "quadratic, 0.405"."""
    words, weight = main.find("text", variable="fit", variable_level=name), main.find("weight", variable="fit", variable_level=name)
    label = words.text if words is not None else name
    return label if weight is None else f"{label} {number(weight.value, places)}"
