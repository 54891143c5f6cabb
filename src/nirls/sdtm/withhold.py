"""What the ledger does not say while a study is blinded: values that tell, or may tell, the treatment of a subject."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from nirls.sdtm.domains import LINEAGE

if TYPE_CHECKING:
    from nirls.plan.study import Study

ALERT = "ALERT"
"""Stands in the ledger of a blinded study for a rule whose name would tell a treatment."""
WITHHELD = "withheld while the study is blinded"
TREATMENT = (
    *("ARM", "ARMCD", "ACTARM", "ACTARMCD", "RANDNO", "EXTRT", "EXDOSE", "EXDOSTXT", "EXDOSU", "EXDOSFRM", "EXROUTE", "EXLOT"),
    *("SPDEVID", "DIMODEL", "DISERIAL", "DITYPE", "UDI", "WAVELENGTH", "IRRNOM", "PULSEHZ"),
    *("IRR_MEAN", "IRR_MAX", "FLUENCE", "TEMP_SKIN", "DUIRR"),
)
"""Variables that hold a treatment, or a property of a device by which it is known."""


def _names_an_arm(text: pd.Series, study: Study) -> pd.Series:
    """Texts in which the code of a blinded arm stands as a word of its own."""
    codes = [re.escape(code) for code, arm in study.arms.items() if arm.blinded and not arm.not_an_arm]
    if not codes:
        return pd.Series(False, index=text.index)
    return text.astype("str").str.contains(rf"(?<![\w-])(?:{'|'.join(codes)})(?![\w-])", regex=True, na=False)


def withhold_rule(found: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Findings whose rule alone shows what a device emits, in a blinded study: only the place is left, and that the unblinded role is told.

    Repeats are left out: two such rules at one place look alike.
    """
    if study.blinding != "blinded" or not len(found):
        return found
    message = "a signal for the unblinded role, which finds it in restricted/alerts.csv of the ledger."
    hidden = found.assign(rule=ALERT, column=None, value=WITHHELD, message=message)
    return hidden.astype({"column": "str", "value": "str"}).drop_duplicates(["file", "row"])


def withhold_findings(found: pd.DataFrame, study: Study, says: str) -> pd.DataFrame:
    """Findings (`column`, `value`, `message`) of a blinded study without what may tell a treatment; `says` is what the rule demands.

    File, row and column stay, so that who may see the file can look there.
    """
    if study.blinding != "blinded" or not len(found):
        return found
    tells = found["column"].isin(TREATMENT) | _names_an_arm(found["value"], study) | _names_an_arm(found["message"], study)
    advice = f"not so here: {says}. What stands there is {WITHHELD}; look at this place of the file."
    value = found["value"].mask(tells & found["value"].notna(), WITHHELD)
    return found.assign(value=value, message=found["message"].mask(tells, advice))


def withhold_records(records: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Quarantined records of a blinded study without the cells that may tell a treatment; file and row stay."""
    if study.blinding != "blinded" or not len(records):
        return records
    hidden = {}
    for name in records.columns.difference([*LINEAGE, "RULES"]):
        column = records[name]
        if name in TREATMENT:
            hidden[name] = column.astype("str").mask(column.notna(), WITHHELD)
        elif column.dtype.kind not in "iufb":
            hidden[name] = column.mask(_names_an_arm(column, study), WITHHELD)
    return records.assign(**hidden)


def withhold_repairs(repairs: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Repairs of a blinded study: of a variable that may tell a treatment neither values nor the rule stand there."""
    if study.blinding != "blinded" or not len(repairs):
        return repairs
    tells = repairs["variable"].isin(TREATMENT)
    hidden = {name: repairs[name].mask(tells, WITHHELD) for name in ("variable", "recorded", "used")}
    return repairs.assign(rule=repairs["rule"].mask(tells, ALERT), **hidden)
