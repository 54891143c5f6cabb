"""How many subjects a display shows, of which set, and why others are not in it."""

from __future__ import annotations

from collections.abc import Sequence

from nirls.tlf.context import TOTAL, DisplayContext
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import join
from nirls.tlf.lookup import Ard

SETS = ("set", "population", "sample")


def sentence(ard: Ard, context: DisplayContext, arms: Sequence[str] | None = None) -> str:
    """ "Shows 443 of 468 subjects of the full analysis set; 25 not shown: no post-baseline value (25)."

    Parameters
    ----------
    ard : Ard
        Results with N by arm and `exclusion` rows.
    context : DisplayContext
    arms : sequence of str, optional
        Codes of the arms shown; none when the display shows all subjects of the results. Arms of the study that are not shown are named.

    Raises
    ------
    DisplayError
        If the number analysed, the number excluded and the size of the set do not add up.
    """
    known = [arm.code for arm in context.arms if arm.code in ard.groups]
    some = arms is not None and set(arms) != set(known)
    total = sum(int(ard.size(code).value) for code in arms or ()) if some else _size(ard, known)
    reasons = [(reason, n) for reason, n in _excluded(ard, list(arms or ()) if some else known, whole=not some) if n]
    left_out = sum(n for _, n in reasons)
    analysed = None if some else ard.find("n_subjects", variable="model") or ard.find("n_subjects", group1_level=TOTAL)
    if not reasons and analysed is not None and not analysed.key.get("variable") and analysed.value <= total:
        left_out = total - int(analysed.value)  # records of subjects: who is not there has no record that was selected
        reasons = [("no observation among the records shown", left_out)]
    shown = int(analysed.value) if analysed is not None and analysed.value == analysed.value else total - left_out
    if shown + left_out != total:
        raise DisplayError(
            f"{ard.display_id}: analysis {ard.analysis_id!r} does not add up: {shown} subjects analysed + {left_out} excluded ≠ {total} in "
            f"the set; its 'exclusion' rows must explain every subject who is not analysed"
        )
    whose = _whose(ard, context)
    absent = _absent(ard, context, known, list(arms) if some and arms else known)
    if not left_out:
        return f"Shows all {total} {whose}{absent}."
    why = join([f"{_lower(reason)} ({n})" for reason, n in reasons])
    return f"Shows {shown} of {total} {whose}{absent}; {left_out} not shown: {why}."


def everyone(ard: Ard, context: DisplayContext, arms: Sequence[str] | None = None) -> str:
    """ "Shows all 468 subjects of the full analysis set.", for displays that also count subjects without a value; see `sentence`."""
    known = [arm.code for arm in context.arms if arm.code in ard.groups]
    some = arms is not None and set(arms) != set(known)
    total = sum(int(ard.size(code).value) for code in arms or ()) if some else _size(ard, known)
    return f"Shows all {total} {_whose(ard, context)}{_absent(ard, context, known, list(arms) if some and arms else known)}."


def set_name(context: DisplayContext, name: str) -> str:
    """Name of an analysis set in running text: "full analysis set"."""
    label = _lower(context.set_label(name))
    return label if label.rstrip().endswith(SETS) else f"{label} set"


def _size(ard: Ard, known: list[str]) -> int:
    """Subjects of the set: the total of the results, or the sum of the arms where the results have no total."""
    for group in (TOTAL, ""):
        found = ard.find("N", group1_level=group)
        if found is not None:
            return int(found.value)
    if not known:
        raise DisplayError(f"{ard.display_id}: analysis {ard.analysis_id!r} holds no number of subjects (stat_name 'N', variable '')")
    return sum(int(ard.size(code).value) for code in known)


def _excluded(ard: Ard, arms: list[str], whole: bool) -> list[tuple[str, int]]:
    """Reasons and numbers of subjects not in the analysis, over the arms."""
    overall = [(reason, int(found.value)) for reason, found in ard.exclusions()] if whole else []
    if overall:
        return overall
    sums: dict[str, int] = {}
    for arm in arms:
        for reason, found in ard.exclusions(arm):
            sums[reason] = sums.get(reason, 0) + int(found.value)
    return list(sums.items())


def _absent(ard: Ard, context: DisplayContext, known: list[str], shown: list[str]) -> str:
    """Which arms of the study are not shown, where results are by arm."""
    missing = [arm.label for arm in context.arms if arm.code not in shown]
    if not known or not missing:
        return ""
    if len(missing) > len(shown):
        return f" in {join([context.arm(code).label for code in shown])}"
    return f" in {len(shown)} of {len(context.arms)} arms (without {join(missing)})"


def _whose(ard: Ard, context: DisplayContext) -> str:
    whose = f"subjects of the {set_name(context, ard.analysis_set)}" if ard.analysis_set else "subjects"
    return f"{whose} {ard.subjects}" if ard.subjects else whose


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if not text[:2].isupper() else text
