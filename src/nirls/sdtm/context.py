"""What a rule may look at besides the records of its domain: the study, subjects, dates, scales."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nirls.sdtm.dates import bounds, local_dates, study_day
from nirls.sdtm.domains import domain_of

if TYPE_CHECKING:
    from nirls.plan.instrument import Instrument
    from nirls.plan.study import Study

NAT = np.datetime64("NaT", "s")


class Context:
    """The accepted records of all domains, and what rules derive from them.

    Parameters
    ----------
    study : Study
    instruments : dict of str to Instrument
    domains : dict of str to DataFrame
        Accepted records.
    limits : dict of str to dict
        Thresholds by rule, defaults filled in.
    memory : dict
        Day ranges already worked out, kept between phases (by domain and variable, for all records).
    """

    def __init__(
        self, *, study: Study, instruments: dict[str, Instrument], domains: dict[str, pd.DataFrame], limits: dict[str, dict[str, Any]],
        memory: dict[tuple[str, str], pd.DataFrame],
    ) -> None:  # fmt: skip
        self.study, self.instruments, self.domains, self.limits, self._memory = study, instruments, domains, limits, memory
        self._scales: dict[str, pd.DataFrame] = {}
        self.rule = self.current = ""
        """Id of the rule at work and the domain it looks at."""
        self.remarks: dict[str, list[str]] = {}

    def limit(self, name: str) -> Any:
        """A threshold of the rule at work."""
        return self.limits[self.rule][name]

    def remark(self, text: str) -> None:
        """Note in the account of the rule at work what it could not look at."""
        self.remarks.setdefault(self.rule, []).append(text)

    def days(self, domain: str, variable: str) -> pd.DataFrame:
        """Earliest and latest day (`lo`, `hi`) and `kind` of a date of the accepted records; UTC times by their local day."""
        frame = self.domains[domain]
        key = (domain, variable)
        if key not in self._memory or not frame.index.isin(self._memory[key].index).all():
            text = frame[variable]
            if variable.endswith("_UTC") and "TZ" in frame.columns:
                text = local_dates(text, frame["TZ"])
            self._memory[key] = bounds(text)
        found = self._memory[key]
        return found if len(found) == len(frame) else found.loc[frame.index]

    def dates_of(self, domain: str) -> list[str]:
        """Date variables of a domain."""
        declared = domain_of(domain)
        return [name for name in self.domains[domain].columns if declared.is_date(name)]

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """One row per subject of DM, by USUBJID: label, ranges of consent, randomization, reference and death, and `randomized`.

        The reference date (study day 1) of a subject never treated is the date of randomization.
        """
        dm = self.domains["DM"]
        out = pd.DataFrame({"label": dm.index}, index=pd.Index(dm["USUBJID"], name="USUBJID"))
        reference = self.study.reference_date.partition(".")[2]
        for name, variable in (("consent", "RFICDTC"), ("random", "RANDDTC"), ("reference", reference), ("death", "DTHDTC")):
            for end in ("lo", "hi"):
                out[f"{name}_{end}"] = self.days("DM", variable)[end].to_numpy() if variable in dm.columns else NAT
        for end in ("lo", "hi"):
            out[f"reference_{end}"] = out[f"reference_{end}"].fillna(out[f"random_{end}"])
        arms = {code for code, arm in self.study.arms.items() if not arm.not_an_arm}
        out["randomized"] = dm["ARMCD"].isin(arms).to_numpy()
        return out[~out.index.duplicated()]

    def of_subject(self, frame: pd.DataFrame, name: str) -> pd.Series:
        """A column of :attr:`subjects`, for each record of a frame."""
        return frame["USUBJID"].map(self.subjects[name])

    def study_days(self, domain: str, variable: str) -> pd.DataFrame:
        """Earliest and latest study day (`lo`, `hi`, float) of a date."""
        frame, days = self.domains[domain], self.days(domain, variable)
        return pd.DataFrame(
            {
                "lo": study_day(days["lo"], self.of_subject(frame, "reference_hi")),
                "hi": study_day(days["hi"], self.of_subject(frame, "reference_lo")),
            }
        )

    @property
    def visit_tests(self) -> set[str]:
        """Test codes analysed by visit: items and recorded totals of the instruments, and the parameters of the plan."""
        found = {item.test or code for code, item in self.study.parameters.items() if item.domain == "QS"}
        for instrument in self.instruments.values():
            found |= set(instrument.items) | ({instrument.recorded_total} if instrument.recorded_total else set())
        return found

    def scale(self, key: str) -> pd.DataFrame:
        """Assessments of an instrument, one row each.

        Columns: `label` (of its first record), `total_label` and `recorded` (of the recorded total),
        USUBJID, VISITNUM and, for every item, its number (NaN if missing or not valid) and `<item> there`
        (whether anything was entered).
        """
        if key not in self._scales:
            self._scales[key] = self._assessments(self.instruments[key])
        return self._scales[key]

    def _assessments(self, instrument: Instrument) -> pd.DataFrame:
        items = list(instrument.items)
        qs = self.domains.get("QS")
        codes = [*items, *([instrument.recorded_total] if instrument.recorded_total else [])]
        own = qs[qs["QSTESTCD"].isin(codes)] if qs is not None else pd.DataFrame()
        if own.empty:
            there = [f"{item} there" for item in items]
            return pd.DataFrame(columns=["label", "total_label", "recorded", "USUBJID", "VISITNUM", *items, *there], dtype="float64")
        identity = [c for c in ("USUBJID", "VISITNUM", "QSDTC", "QSEVAL") if c in own.columns]
        flat = pd.DataFrame(
            {
                "n": own.groupby(identity, dropna=False, sort=False).ngroup().to_numpy(), "test": own["QSTESTCD"].to_numpy(),
                "value": own["QSSTRESN"].to_numpy(), "there": own["QSORRES"].notna().to_numpy(), "label": own.index,
            }
        ).drop_duplicates(["n", "test"])  # fmt: skip
        flat["test"] = flat["test"].astype("str")
        value = flat.pivot(index="n", columns="test", values="value").reindex(columns=codes).astype("float64")
        there = flat.pivot(index="n", columns="test", values="there").reindex(columns=codes).fillna(False).astype(bool)
        label = flat.drop_duplicates("n").set_index("n")["label"].reindex(value.index)
        wide = pd.concat([value[items], there[items].add_suffix(" there")], axis=1).assign(label=label)
        for name in ("USUBJID", "VISITNUM"):
            wide[name] = own.loc[label, name].to_numpy() if name in own.columns else np.nan
        wide["recorded"] = value[instrument.recorded_total] if instrument.recorded_total else np.nan
        wide["total_label"] = flat[flat["test"] == instrument.recorded_total].set_index("n")["label"].reindex(wide.index)
        return wide

    def totals(self, key: str) -> pd.Series:
        """Total score of each assessment of :meth:`scale`, by the instrument's rule for missing items."""
        from nirls.adam.score import score_items

        instrument = self.instruments[key]
        return score_items(self.scale(key)[list(instrument.items)], instrument.scores[instrument.total], instrument)[0]

    @cached_property
    def baseline(self) -> pd.DataFrame:
        """Baseline total of the first instrument by USUBJID: `total`, `label` of its record; subjects without one are absent."""
        key = next(iter(self.instruments))
        table = self.scale(key)
        if table.empty:
            return pd.DataFrame({"total": pd.Series(dtype="float64"), "label": pd.Series(dtype="int64")})
        day = self.study_days("QS", "QSDTC").loc[table["label"]]
        reference = self.of_subject(self.domains["QS"].loc[table["label"]], "reference_lo").to_numpy()
        visit = next(v for v in self.study.visits if v.baseline)
        eligible = ~(day["lo"].to_numpy() > self.study.baseline.on_or_before_day)
        if self.study.baseline.choice == "baseline_visit":
            eligible &= (table["VISITNUM"] == visit.num).to_numpy()
        eligible &= ~pd.isna(reference) | (table["VISITNUM"] == visit.num).to_numpy()
        found = table.assign(total=self.totals(key), day=day["lo"].to_numpy())[eligible].dropna(subset="total")
        found = found.sort_values("day", kind="stable", na_position="first").drop_duplicates("USUBJID", keep="last")
        return found.set_index("USUBJID")[["total", "label"]]
