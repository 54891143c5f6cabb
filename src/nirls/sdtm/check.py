"""Apply the rules: what each finds, and what becomes of the records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nirls.sdtm.context import Context
from nirls.sdtm.domains import domain_of
from nirls.sdtm.ledger import ACCEPTED, ACTIONS, DUPLICATE, FINDING_COLUMNS, QUARANTINED, REPAIR_COLUMNS, RULE_COLUMNS
from nirls.sdtm.offence import EFFECT, as_text
from nirls.sdtm.rules import Rule, all_rules, waiver
from nirls.sdtm.withhold import ALERT, withhold_findings, withhold_rule

if TYPE_CHECKING:
    from nirls.plan.instrument import Instrument
    from nirls.plan.study import Source, Study


@dataclass(slots=True, kw_only=True)
class Records:
    """All records of one domain and what has become of each.

    `fate` (ACCEPTED, QUARANTINED or DUPLICATE) and `why` (rule ids) are aligned with `frame`, whose
    index is 0 … n-1.
    """

    frame: pd.DataFrame
    fate: np.ndarray = field(init=False)
    why: dict[int, list[str]] = field(default_factory=dict)

    _accepted: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        self.fate = np.full(len(self.frame), ACCEPTED)

    @property
    def accepted(self) -> pd.DataFrame:
        """Records still accepted."""
        if self._accepted is None:
            keep = self.fate == ACCEPTED
            self._accepted = self.frame if keep.all() else self.frame[keep]
        return self._accepted

    def settle(self, labels: np.ndarray, fate: np.int8) -> int:
        """Decide the fate of records that are still accepted; returns how many."""
        fresh = labels[self.fate[labels] == ACCEPTED]
        self.fate[fresh] = fate
        if len(fresh):
            self._accepted = None
        return len(fresh)

    def blame(self, labels: np.ndarray, rule_id: str) -> None:
        """Note why records were quarantined."""
        for label in labels:
            self.why.setdefault(int(label), []).append(rule_id)

    def repair(self, column: str, values: pd.Series) -> None:
        """Replace values of a column; `values` is indexed by the records."""
        self.frame[column] = self.frame[column].mask(self.frame.index.isin(values.index), values.reindex(self.frame.index))
        self._accepted = None

    def remove(self, labels: np.ndarray, column: str) -> None:
        """Set values of a column to missing."""
        self.frame[column] = self.frame[column].mask(self.frame.index.isin(labels))
        self._accepted = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one rule did."""

    applied: bool = False
    waived: dict[str, str] = field(default_factory=dict)
    waived_findings: int = 0
    quarantined: int = 0
    dropped: int = 0
    removed: int = 0
    repaired: int = 0
    found: int = 0


class Checker:
    """Runs the rules over the records of a study, collecting findings.

    Parameters
    ----------
    study : Study
    instruments : dict of str to Instrument
    records : dict of str to Records
        By domain; changed in place.
    sources : list of Source
        For the names the columns have in the files.
    """

    def __init__(self, *, study: Study, instruments: dict[str, Instrument], records: dict[str, Records], sources: list[Source]) -> None:
        self.study, self.instruments, self.records = study, instruments, records
        self.rules = all_rules()
        self.limits = {rule_id: {**rule.limits, **study.rules.get(rule_id, {})} for rule_id, rule in self.rules.items()}
        self.origin = {(source.domain, source.file): _origin(source) for source in sources}
        self.findings: list[pd.DataFrame] = []
        self.alerts: list[pd.DataFrame] = []
        self.repairs: list[pd.DataFrame] = []
        self.tallies = {rule_id: Tally() for rule_id in self.rules}
        self.remarks: dict[str, list[str]] = {}
        self._memory: dict[tuple[str, str], pd.DataFrame] = {}

    def note(self, rule_id: str, domain: str, found: pd.DataFrame, *, records: bool) -> None:
        """Book the offences of one rule; with `records`, their index names records and the effects are carried out."""
        rule, tally = self.rules[rule_id], self.tallies[rule_id]
        tally.applied = True
        if not len(found):
            return
        reason = waiver(self.study, rule_id, domain)
        if reason is not None:
            tally.waived[domain] = reason
            tally.waived_findings += len(self._as_findings(rule, domain, found))
            return
        findings = self._as_findings(rule, domain, found)
        if rule.tells:
            self.alerts.append(self._as_findings(rule, domain, found, withhold=False))
            findings = withhold_rule(findings, self.study)
        tally.found += len(findings)
        self.findings.append(findings)
        if records:
            self._act(rule_id, domain, found)
        else:
            tally.removed += int((found["effect"] == "missing").sum())

    def _as_findings(self, rule: Rule, domain: str, found: pd.DataFrame, *, withhold: bool = True) -> pd.DataFrame:
        found = withhold_findings(found, self.study, rule.says) if withhold else found
        severity = found["severity"].fillna(rule.severity[0])
        effect = found["effect"].fillna(severity.map(EFFECT))
        frame = found.assign(domain=domain, rule=rule.id, severity=severity, action=effect.map(ACTIONS))
        names = zip(found["file"], found["column"], strict=True)
        frame["column"] = [self.origin.get((domain, file), {}).get(column, self._plain(domain, file, column)) for file, column in names]
        frame = frame[list(FINDING_COLUMNS)]
        return frame.drop_duplicates(["file", "row", "column", "value", "message"])

    def _plain(self, domain: str, file: str, column: str) -> str:
        """A test code names a result; in a long file that is the column of results."""
        known = domain not in self.records or pd.isna(column) or not column or column in self.records[domain].frame.columns
        return column if known or not domain_of(domain).findings else f"{domain}ORRES"

    def _act(self, rule_id: str, domain: str, found: pd.DataFrame) -> None:
        records, tally = self.records[domain], self.tallies[rule_id]
        labels = {effect: found.index[found["effect"] == effect].unique().to_numpy() for effect in ("quarantine", "duplicate")}
        tally.quarantined += records.settle(labels["quarantine"], QUARANTINED)
        records.blame(labels["quarantine"], rule_id)
        tally.dropped += records.settle(labels["duplicate"], DUPLICATE)
        # in a findings domain the column of a finding is a test, and the number of every test is in one variable
        removed = found[found["effect"] == "missing"]
        if domain_of(domain).findings:
            removed = removed.assign(column=f"{domain}STRESN")
        for column, part in removed.groupby("column"):
            tally.removed += part.index.nunique()
            records.remove(part.index.unique().to_numpy(), str(column))
        self._repair(rule_id, domain, found[found["effect"] == "repair"])

    def _repair(self, rule_id: str, domain: str, found: pd.DataFrame) -> None:
        """Replace values and keep the record of it; of two repairs of one value in a phase the first counts."""
        records, tally = self.records[domain], self.tallies[rule_id]
        found = found[records.fate[found.index] == ACCEPTED]
        for variable in dict.fromkeys(name for values in found["repaired"] for name in values):
            new = pd.Series({label: values[variable] for label, values in found["repaired"].items() if variable in values})
            recorded = records.frame.loc[new.index, variable]
            place = {"file": found["file"], "row": found["row"], "usubjid": found["usubjid"]}
            part = pd.DataFrame({name: column.loc[new.index] for name, column in place.items()})
            part = part.assign(domain=domain, rule=rule_id, variable=variable, recorded=as_text(recorded), used=as_text(new))
            self.repairs.append(part[list(REPAIR_COLUMNS)])
            records.repair(variable, new)
            tally.repaired += len(new)
            for key in [key for key in self._memory if key[0] == domain]:
                del self._memory[key]

    def set_aside(self, rule_id: str, domain: str, labels: np.ndarray) -> None:
        """Quarantine records for an offence of their source row (found before records were made)."""
        self.tallies[rule_id].quarantined += self.records[domain].settle(labels, QUARANTINED)
        self.records[domain].blame(labels, rule_id)

    def shown(self, rules: list[str]) -> str:
        """Rule ids as the quarantine names them; those that would tell a treatment are not named while the study is blinded."""
        blinded = self.study.blinding == "blinded"
        return " ".join(dict.fromkeys(ALERT if blinded and self.rules[rule_id].tells else rule_id for rule_id in rules))

    def run(self) -> None:
        """Apply every rule, phase by phase."""
        checks = [rule for rule in self.rules.values() if rule.check is not None]
        for phase in sorted({rule.phase for rule in checks}):
            live = {domain: records.accepted for domain, records in self.records.items()}
            context = Context(study=self.study, instruments=self.instruments, domains=live, limits=self.limits, memory=self._memory)
            found = []
            for rule in [rule for rule in checks if rule.phase == phase]:
                for domain in [domain for domain in live if rule.applies_to(domain)]:
                    context.rule, context.current = rule.id, domain
                    found.append((rule.id, domain, rule.check(live[domain], context)))
            self.remarks |= context.remarks
            for rule_id, domain, part in found:
                effect = part["effect"].fillna(EFFECT[self.rules[rule_id].severity[0]])
                self.note(rule_id, domain, part.assign(effect=effect), records=True)

    def summary(self, findings: pd.DataFrame) -> pd.DataFrame:
        """One row per rule: status, findings and effects."""
        counts = findings.groupby("rule").size().to_dict()
        counts |= {rule_id: self.tallies[rule_id].found for rule_id, rule in self.rules.items() if rule.tells}
        rows: list[dict[str, Any]] = []
        for rule_id, rule in self.rules.items():
            tally = self.tallies[rule_id]
            waived = {key: why for key, why in self.study.waived.items() if key.partition(":")[0] == rule_id}
            whole = rule_id in waived
            applies = rule_id in ("R00", "R01") or any(rule.applies_to(domain) for domain in self.records)
            status = "waived" if whole else "applied" if applies else "no data"
            reasons = [(f"{key.partition(':')[2]}: " if ":" in key else "") + why for key, why in waived.items()]
            reason = "; ".join(reasons + self.remarks.get(rule_id, []))
            rows.append(
                {
                    "rule": rule_id, "says": rule.says, "severity": rule.severity, "status": status, "reason": reason or np.nan,
                    "findings": tally.waived_findings if whole else counts.get(rule_id, 0), "records_quarantined": tally.quarantined,
                    "records_dropped": tally.dropped, "values_removed": tally.removed, "values_repaired": tally.repaired,
                }
            )  # fmt: skip
        return pd.DataFrame(rows, columns=list(RULE_COLUMNS))


def _origin(source: Source) -> dict[str, str]:
    """Variable (or test code) → the column of the file it came from."""
    names = {variable: column for column, variable in source.rename.items()}
    if source.unpivot:
        back = {variable: column for column, variable in source.rename.items()}
        names |= {code: back.get(column, column) for column, code in source.unpivot.tests.items()}
    return names
