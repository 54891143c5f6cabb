"""What the layouts of safety share: columns of arms and pools, cells of counts, and the words under them."""

from __future__ import annotations

from nirls.tlf import model_text
from nirls.tlf.context import TOTAL, DisplayContext
from nirls.tlf.document import Cell, Column
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, interval, number
from nirls.tlf.layouts._common import FULL_NAMES, OPEN_LABEL, capital, cell, digits
from nirls.tlf.lookup import Ard
from nirls.tlf.notes import Notes
from nirls.tlf.population import set_name

CATEGORY, SOC, TERM = "category", "AEBODSYS", "AEDECOD"


def safety_columns(ard: Ard, context: DisplayContext, notes: Notes, chosen: list[str] | None) -> tuple[Column, ...]:
    """Arms and pools of the results, in their order, each with its number of subjects."""
    have = [name for name in ard.groups if name != TOTAL and ard.find("N", group1_level=name) is not None]
    unknown = [name for name in chosen or [] if name not in have]
    if unknown:
        raise DisplayError(
            f"{ard.display_id}: options.columns: {', '.join(unknown)} not in analysis {ard.analysis_id!r}, which has {', '.join(have)}"
        )
    arms = {arm.code: arm for arm in context.arms}
    names = chosen or have
    long = len(names) <= FULL_NAMES
    return tuple(
        Column(
            id=name,
            label=(arms[name].label if long else arms[name].short) if name in arms else name,
            n=int(ard.size(name).value),
            arm=name if name in arms else None,
            marks=() if name not in arms or arms[name].blinded else (notes.mark(OPEN_LABEL),),
        )
        for name in names
    )


def term_text(context: DisplayContext, variable: str, term: str) -> str:
    """A term of the dictionary in sentence case, also one of four letters; codes of up to three stay."""
    text = context.level(variable, term)
    return text.capitalize() if text.isupper() and len(text) > 3 else text


def short(context: DisplayContext, name: str) -> str:
    """Short name of an arm; a pool's own name."""
    return next((arm.short for arm in context.arms if arm.code == name), name)


def incidence(ard: Ard, context: DisplayContext, notes: Notes, column: str, key: dict[str, str], *, events: bool) -> Cell:
    """ "12 (4.3) [15]": subjects, per cent and events; none is "0"."""
    n, total, share = (ard.find(s, group1_level=column, **key) for s in ("n", "n_events", "p"))
    if n is None or total is None or share is None:
        return Cell(text="0")
    if share.error or n.error:
        return cell("NE", notes, share)
    if not n.value:
        return cell("0", notes, n)
    text = f"{count(n.value)} ({number(share.value, digits(context, 'p'))})"
    return cell(f"{text} [{count(total.value)}]" if events else text, notes, n, share, *([total] if events else []))


def difference(ard: Ard, notes: Notes, column: str, key: dict[str, str]) -> Cell:
    """ "2.1 (-0.4, 4.9)" percentage points, of a column that is compared."""
    found = [
        ard.find(s, group1_level=column, comparison=comparison, **key)
        for comparison in ard.comparisons
        if comparison.startswith(f"{column} - ")
        for s in ("estimate", "conf_low", "conf_high")
    ]
    known = [f for f in found if f is not None]
    if not known:
        return Cell()
    if len(known) < 3 or any(f.error for f in known):
        return cell("NE", notes, *known)
    return cell(f"{number(known[0].value, 1)} {interval(known[1].value, known[2].value, 1)}", notes, *known)


def compared(ard: Ard) -> list[tuple[str, str]]:
    """(column, reference) of each comparison of the results."""
    pairs = [c.split(" - " if " - " in c else " / ", 1) for c in ard.comparisons]
    return [(pair[0], pair[1]) for pair in pairs]


def pairs_of(ard: Ard, columns: tuple[Column, ...]) -> list[tuple[str, str]]:
    """The comparisons of the columns shown, in their order."""
    return [pair for c in columns for pair in compared(ard) if pair[0] == c.id]


def people(ard: Ard, context: DisplayContext) -> str:
    """The population sentence: everybody of the set, also who had no event."""
    size, whose = count(ard.size(TOTAL).value), set_name(context, ard.analysis_set)
    return f"Shows all {size} subjects of the {whose}{ard.facts.get('arms', '')}, {ard.facts['treatment']}."


def safety_notes(ard: Ard, context: DisplayContext, notes: Notes, columns: tuple[Column, ...], *names: str) -> None:
    """Footnotes: how events are counted and decided, pools, intervals."""
    for name in names:
        if ard.facts.get(name):
            notes.general(f"{capital(ard.facts[name].rstrip('.'))}.")
    if ard.facts.get("interval"):
        notes.general(f"{model_text.level_text(ard).replace('CI', 'intervals')}: {ard.facts['interval'].rstrip('.')}.")
    named = [(c.label, next(a.label for a in context.arms if a.code == c.arm)) for c in columns if c.arm]
    spelt = [f"{label}: {full}" for label, full in named if label != full]
    if spelt:
        notes.general("; ".join(spelt) + ".")
    if "p_value" not in ard.values("stat_name"):
        notes.general("Safety is described; no p-values are given, since the trial was not planned to test single terms.")
