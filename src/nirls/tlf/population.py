"""How many subjects a display shows, of which set, and why others are not in it."""

from __future__ import annotations

from nirls.tlf.context import TOTAL, DisplayContext
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, join
from nirls.tlf.lookup import Ard


def set_size(ard: Ard, context: DisplayContext) -> int:
    """Subjects of the set: the total of the results, or the sum of the arms where the results have no total."""
    for group in (TOTAL, ""):
        found = ard.find("N", group1_level=group)
        if found is not None:
            return int(found.value)
    codes = [arm.code for arm in context.arms if arm.code in ard.groups]
    if not codes:
        raise DisplayError(f"{ard.display_id}: analysis {ard.analysis_id!r} holds no number of subjects (stat_name 'N', variable '')")
    return sum(int(ard.size(code).value) for code in codes)


def excluded(ard: Ard, context: DisplayContext) -> list[tuple[str, int]]:
    """Reasons and numbers of subjects not in the analysis, over all arms."""
    overall = [(reason, int(found.value)) for reason, found in ard.exclusions()]
    if overall:
        return overall
    sums: dict[str, int] = {}
    for arm in context.arms:
        for reason, found in ard.exclusions(arm.code):
            sums[reason] = sums.get(reason, 0) + int(found.value)
    return list(sums.items())


def sentence(ard: Ard, context: DisplayContext) -> str:
    """ "Shows 443 of 468 subjects of the full analysis set; 25 not shown: no post-baseline value (25)."

    Raises
    ------
    DisplayError
        If the number analysed, the number excluded and the size of the set do not add up.
    """
    total = set_size(ard, context)
    reasons = [(reason, n) for reason, n in excluded(ard, context) if n]
    left_out = sum(n for _, n in reasons)
    analysed = ard.find("n_subjects", variable="model") or ard.find("n_subjects", group1_level=TOTAL)
    if not reasons and analysed is not None and not analysed.key.get("variable") and total - analysed.value >= 0:
        left_out = total - int(analysed.value)  # records of subjects: who is not there has no record that was selected
        reasons = [("no observation among the records shown", left_out)]
    shown = int(analysed.value) if analysed is not None and analysed.value == analysed.value else total - left_out
    if shown + left_out != total:
        raise DisplayError(
            f"{ard.display_id}: analysis {ard.analysis_id!r} does not add up: {count(shown)} subjects analysed + {left_out} excluded "
            f"≠ {total} in the set; its 'exclusion' rows must explain every subject who is not analysed"
        )
    whose = _whose(ard, context)
    if not left_out:
        return f"Shows all {total} {whose}."
    why = join([f"{reason[:1].lower() + reason[1:] if not reason[:2].isupper() else reason} ({n})" for reason, n in reasons])
    return f"Shows {shown} of {total} {whose}; {left_out} not shown: {why}."


def _whose(ard: Ard, context: DisplayContext) -> str:
    if not ard.analysis_set:
        return "subjects"
    label = context.set_label(ard.analysis_set)
    label = label[:1].lower() + label[1:] if not label[:2].isupper() else label
    return f"subjects of the {label}" if label.rstrip().endswith(("set", "population", "sample")) else f"subjects of the {label} set"
