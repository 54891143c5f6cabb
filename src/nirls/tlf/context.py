"""What a layout knows besides results: arms, sets, visits, scales, stamps and the source line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nirls.tlf.formats import PStyle

if TYPE_CHECKING:
    from nirls.plan.instrument import Instrument
    from nirls.plan.study import Study

SYNTHETIC = "SYNTHETIC DATA — not evidence"
DUMMY = "DUMMY TREATMENT CODES"
TOTAL = "Total"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmView:
    """An arm as displays need it; `wavelength` in nm, `fluence` in J/cm², `irradiance` in mW/cm²."""

    code: str
    label: str
    short: str
    role: Literal["sham", "nir", "active", "placebo", "drug"]
    order: int
    blinded: bool = True
    dose: float | None = None
    wavelength: float | None = None
    fluence: float | None = None
    irradiance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitView:
    """A scheduled visit; `week` is None before baseline."""

    name: str
    week: float | None
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamView:
    """A parameter (PARAMCD) with its scale."""

    code: str
    label: str
    direction: Literal["lower_better", "higher_better"] | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayContext:
    """Everything a layout may read besides results.

    Attributes
    ----------
    arms : tuple of ArmView
        Randomized arms in display order.
    reference : str
        Code of the reference arm.
    populations : dict of str to str
        Analysis set (``FAS``) → name in full.
    visits : tuple of VisitView
        In order.
    params : dict of str to ParamView
        PARAMCD → parameter.
    labels : dict of str to str
        Variable → label.
    levels : dict of str to dict of str to str
        Variable → value → text as printed.
    decimals : dict of str to int
        Variable or PARAMCD → decimals of the data; 0 where absent.
    digits : dict of str to int
        ``stat_name`` → decimals, where they differ from the vocabulary.
    stamps : tuple of str
        Printed on every display.
    data_cut, input_hash, plan_hash : str
        For the source line; hashes are cut to 8 characters.
    """

    study: str
    arms: tuple[ArmView, ...]
    reference: str
    populations: Mapping[str, str]
    visits: tuple[VisitView, ...]
    params: Mapping[str, ParamView] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    p_style: PStyle = field(default_factory=PStyle)
    stamps: tuple[str, ...] = ()
    data_cut: str
    input_hash: str
    plan_hash: str

    @property
    def source(self) -> str:
        """The source line of every display."""
        return f"data cut {self.data_cut} · input {self.input_hash[:8]} · plan {self.plan_hash[:8]}"

    def arm(self, code: str) -> ArmView:
        """The arm of `code`."""
        for arm in self.arms:
            if arm.code == code:
                return arm
        raise KeyError(f"{code!r} is not an arm of {self.study}; its arms are {', '.join(a.code for a in self.arms)}")

    def level(self, variable: str, level: str) -> str:
        """Text of a value: the plan's label, else the value in sentence case when it is all capitals."""
        text = self.levels.get(variable, {}).get(level)
        return text if text is not None else sentence_case(level)

    def set_label(self, name: str) -> str:
        """Name of an analysis set in running text."""
        if not name:
            return "all subjects"
        return self.populations.get(name, name)


def sentence_case(text: str) -> str:
    """ "LOST TO FOLLOW-UP" gives "Lost to follow-up"; texts with lower-case letters and codes of up to 3 letters stay."""
    return (
        text.capitalize()
        if (text.isupper() and len(text) > 3 and " " in text) or (text.isupper() and text.isalpha() and len(text) > 4)
        else text
    )


_ADSL = {
    "SCRNFL": "Screened",
    "RANDFL": "Randomized",
    "TRTFL": "Received at least one treatment",
    "EOTSTT": "Treatment status",
    "EOSSTT": "Study status",
    "DCTREAS": "Reason for discontinuing treatment",
    "DCSREAS": "Reason for leaving the study",
    "AGE": "Age (years)",
    "SEX": "Sex",
    "RACE": "Race",
    "AVAL": "Observed value",
    "CHG": "Change from baseline",
    "PCHG": "Percent change from baseline",
    "BASE": "Baseline",
}


def context_for(
    study: Study,
    instruments: Mapping[str, Instrument],
    *,
    input_hash: str,
    plan_hash: str,
    decimals: Mapping[str, int] | None = None,
    digits: Mapping[str, int] | None = None,
    p_style: PStyle = PStyle(),  # noqa: B008 - frozen
) -> DisplayContext:
    """The display context of a study.

    Parameters
    ----------
    study : Study
        The study of the plan.
    instruments : mapping of str to Instrument
        Its instruments.
    input_hash, plan_hash : str
        SHA-256 of the input and of the plan.
    decimals : mapping of str to int, optional
        Variable or PARAMCD → decimals of the data.
    digits : mapping of str to int, optional
        ``stat_name`` → decimals.
    """
    arms = [(code, arm) for code, arm in study.arms.items() if not arm.not_an_arm]
    labels = dict(_ADSL)
    levels: dict[str, dict[str, str]] = {
        "SEX": {"M": "Male", "F": "Female", "U": "Unknown"},
        "ANRIND": {"LOW": "Low", "NORMAL": "Normal", "HIGH": "High"},
    }
    for name, item in study.covariates.items():
        labels[name] = item.label
        if item.labels:
            levels[name] = dict(item.labels)
    for name, stratum in study.strata.items():
        labels[name] = stratum.label
        labels.setdefault(stratum.variable, stratum.label)
    for name, group in study.after_baseline.items():
        labels[name] = group.label
        if group.param in study.parameters and study.parameters[group.param].labels:
            levels[name] = dict(study.parameters[group.param].labels or {})
    for name, parameter in study.parameters.items():
        if parameter.labels:
            levels[name] = dict(parameter.labels)
    labels.update({f"{name}FL": population.label for name, population in study.populations.items()})
    levels["DVCAT"] = {code: deviation.label for code, deviation in study.deviations.items()}
    params = {
        code: ParamView(
            code=code, label=score.label, direction=instrument.direction, unit=instrument.unit, low=score.range[0], high=score.range[1]
        )
        for instrument in instruments.values()
        for code, score in instrument.scores.items()
    }
    params.update({code: ParamView(code=code, label=param.label) for code, param in study.parameters.items() if code not in params})
    return DisplayContext(
        study=study.id,
        arms=tuple(
            ArmView(
                code=code,
                label=arm.label,
                short=arm.short,
                role=arm.role,
                order=i,
                blinded=arm.blinded,
                dose=arm.dose,
                wavelength=arm.regimen.wavelength_nm if arm.regimen else None,
                fluence=arm.regimen.fluence_j_cm2 if arm.regimen else None,
                irradiance=arm.regimen.irradiance_mw_cm2 if arm.regimen else None,
            )
            for i, (code, arm) in enumerate(arms)
        ),
        reference=study.reference,
        populations={name: population.label for name, population in study.populations.items()},
        visits=tuple(VisitView(name=v.name, week=v.week, baseline=v.baseline) for v in study.visits),
        params=params,
        labels=labels,
        levels=levels,
        decimals={n: i.decimals for n, i in study.covariates.items() if i.decimals} | dict(decimals or {}),
        digits=dict(digits or {}),
        p_style=p_style,
        stamps=((SYNTHETIC,) if study.synthetic else ()) + ((DUMMY,) if study.blinding == "blinded" else ()),
        data_cut=study.dates.cut,
        input_hash=input_hash,
        plan_hash=plan_hash,
    )
