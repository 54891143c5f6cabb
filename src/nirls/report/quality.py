"""The quality of the data, from the ledger of the ingest: where every row went, and what each rule found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nirls.report.errors import ReportError

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.load import Plan
    from nirls.report.material import Material

PLACES = {"accepted": "Accepted", "quarantined": "Quarantined", "duplicate": "Duplicate", "not_selected": "Not selected", "blank": "Blank"}
LEVELS = {"rows": "Rows of the raw files", "records": "Records after mapping"}
SEVERITIES = {"E": "Stop", "Q": "Quarantine", "W": "Warning"}
OTHER = "Not randomized"
PER_RULE, LISTED = 3, 60
#: Columns that hold a treatment, and the rules that compare treatments: not shown while the study is blinded.
TREATMENT_COLUMNS = ("ARM", "ARMCD", "ACTARM", "ACTARMCD", "EXTRT", "EXDOSE", "DITYPE", "TRT01P", "TRT01A", "RANDNO", "SPDEVID")
WITHHELD = "withheld while the study is blinded"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The account of one file; `places` in the order of :data:`PLACES`."""

    domain: str
    file: str
    read: int
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTable:
    """Accounts of one level, with their total."""

    title: str
    rows: tuple[AccountView, ...]
    total: AccountView


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule and what it found; `arms` are subjects with a finding by arm, empty while blinded."""

    rule: str
    says: str
    severity: str
    severity_label: str
    actions: str
    findings: int
    subjects: int
    arms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding, ready to print."""

    rule: str
    severity: str
    file: str
    row: str
    column: str
    value: str
    subject: str
    message: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentRule:
    """A rule that was not applied, or not everywhere, why, and what it would have found; or one that found nothing."""

    rule: str
    says: str
    reason: str
    findings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """The chapter "Data quality".

    Attributes
    ----------
    sentence : str
        The chapter in one sentence.
    arms : tuple of str
        Heads of the columns by arm; empty while blinded.
    blinded : bool
        True when counts by arm are withheld.
    derived : tuple of (dataset, domain, reason, records)
        What the derivations left out or added.
    quiet : tuple of SilentRule
        Rules that were applied and found nothing.
    waived : tuple of SilentRule
        Rules the study waives, in all domains or some.
    idle : tuple of SilentRule
        Rules for data the study does not have.
    more : int
        Findings not listed.
    """

    sentence: str
    accounts: tuple[AccountTable, ...]
    derived: tuple[tuple[str, str, str, int], ...]
    arms: tuple[str, ...]
    blinded: bool
    rules: tuple[RuleView, ...]
    quiet: tuple[SilentRule, ...]
    waived: tuple[SilentRule, ...]
    idle: tuple[SilentRule, ...]
    listed: tuple[FindingView, ...]
    more: int


def quality_view(plan: Plan, material: Material) -> QualityView:
    """Summarise the ledger.

    Raises
    ------
    ReportError
        If an account does not add up, or the ledger lacks a column.
    """
    _columns(material.accounts, ("level", "domain", "file", "read", *PLACES), "accounts.csv")
    _columns(material.rules, ("rule", "says", "status", "reason", "findings"), "rules.csv")
    _columns(material.findings, ("file", "row", "column", "value", "rule", "severity", "action", "usubjid", "message"), "findings.csv")
    _columns(material.derived, ("dataset", "domain", "reason", "n"), "derivation accounts")
    accounts = tuple(table for level in LEVELS if (table := _accounts(material.accounts, level)) is not None)
    blinded = material.arms is None
    codes = [] if blinded else [a for a, arm in plan.study.arms.items() if not arm.not_an_arm and a in set((material.arms or {}).values())]
    says = {r["rule"]: r for r in material.rules.to_dict("records")}
    found = material.findings
    listed, more = _worst(found, plan, blinded)
    rules = [
        (r["status"], SilentRule(rule=r["rule"], says=r["says"], reason=r["reason"], findings=int(r["findings"]))) for r in says.values()
    ]
    return QualityView(
        sentence=_sentence(accounts, found),
        accounts=accounts,
        derived=tuple((r["dataset"], r["domain"], r["reason"], int(r["n"])) for r in material.derived.to_dict("records")),
        arms=(*(plan.study.arms[a].short for a in codes), OTHER) if codes else (),
        blinded=blinded,
        rules=tuple(_rule(part, says, codes, material.arms or {}) for part in _parts(found)),
        quiet=tuple(r for status, r in rules if status == "applied" and not r.findings),
        waived=tuple(r for status, r in rules if status == "waived" or r.reason),
        idle=tuple(r for status, r in rules if status not in ("applied", "waived")),
        listed=listed,
        more=more,
    )


def _columns(frame: pd.DataFrame, wanted: tuple[str, ...], name: str) -> None:
    lacking = [c for c in wanted if c not in frame.columns]
    if lacking:
        raise ReportError(f"the ledger's {name} has no column {', '.join(lacking)}; ingest the raw files again")


def _accounts(frame: pd.DataFrame, level: str) -> AccountTable | None:
    """Accounts of the files at one level; the rows of whole domains are left out, since a total follows."""
    rows = [_account(r) for r in frame.to_dict("records") if r["level"] == level and r["file"]]
    if not rows:
        return None
    total = AccountView(
        domain="",
        file="All files",
        read=sum(r.read for r in rows),
        places=tuple(sum(p) for p in zip(*(r.places for r in rows), strict=True)),
    )
    return AccountTable(title=LEVELS[level], rows=tuple(rows), total=total)


def _account(row: dict[str, str]) -> AccountView:
    view = AccountView(domain=row["domain"], file=row["file"], read=int(row["read"]), places=tuple(int(row[p]) for p in PLACES))
    if view.read != sum(view.places):
        parts = " + ".join(f"{n} {label.lower()}" for n, label in zip(view.places, PLACES.values(), strict=True))
        where = f"the account of {view.file} ({view.domain})"
        raise ReportError(f"{where} does not add up: {view.read} read ≠ {parts}; do not use these data, ingest them again")
    return view


def _parts(found: pd.DataFrame) -> list[pd.DataFrame]:
    """Findings by rule and severity: the gravest severity first, then the rule's number."""
    keys = sorted(set(zip(found["severity"], found["rule"], strict=True)), key=lambda k: (_gravity(k[0]), k[1]))
    return [found[(found["severity"] == s) & (found["rule"] == r)] for s, r in keys]


def _gravity(severity: str) -> int:
    return list(SEVERITIES).index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _rule(part: pd.DataFrame, says: dict[str, dict], codes: list[str], arms: dict[str, str]) -> RuleView:
    first = part.iloc[0]
    subjects = sorted(set(part["usubjid"]) - {""})
    where = [arms.get(s, "") for s in subjects]
    outside = sum(w not in codes for w in where)
    return RuleView(
        rule=first["rule"],
        says=says.get(first["rule"], {}).get("says", ""),
        severity=first["severity"],
        severity_label=SEVERITIES.get(first["severity"], first["severity"]),
        actions=", ".join(f"{action} ({n})" for action, n in part["action"].value_counts(sort=False).items()),
        findings=len(part),
        subjects=len(subjects),
        arms=(*(where.count(code) for code in codes), outside) if codes else (),
    )


def _worst(found: pd.DataFrame, plan: Plan, blinded: bool) -> tuple[tuple[FindingView, ...], int]:
    """The gravest findings, at most :data:`PER_RULE` of one rule and :data:`LISTED` in all, and how many are not listed."""
    rows = [row for part in _parts(found) for row in part.head(PER_RULE).to_dict("records")][:LISTED]
    codes = [a for a, arm in plan.study.arms.items() if not arm.not_an_arm]
    return tuple(_finding(row, codes if blinded else []) for row in rows), len(found) - len(rows)


def _finding(row: dict[str, str], codes: list[str]) -> FindingView:
    hidden = bool(codes) and (row["column"] in TREATMENT_COLUMNS or any(code in f"{row['value']} {row['message']}" for code in codes))
    return FindingView(
        rule=row["rule"],
        severity=row["severity"],
        file=row["file"],
        row=row["row"].removesuffix(".0"),
        column=row["column"],
        value=WITHHELD if hidden else row["value"],
        subject=row["usubjid"],
        message=WITHHELD if hidden else row["message"],
        action=row["action"],
    )


def _sentence(accounts: tuple[AccountTable, ...], found: pd.DataFrame) -> str:
    if not accounts:
        rows = "The ledger holds no account of rows"
    else:
        total = accounts[0].total
        parts = [f"{n} {label.lower()}" for n, label in zip(total.places, PLACES.values(), strict=True) if n]
        files = len(accounts[0].rows)
        rows = (
            f"Of {total.read} rows read from {files} file{'s' if files != 1 else ''}, every one is accounted for: {_join(parts) or 'none'}"
        )
    if found.empty:
        return f"{rows}; the rules found nothing."
    worded = {
        "E": ("that stops a run", "that stop a run"),
        "Q": ("that sets a record or a value aside", "that set a record or a value aside"),
        "W": ("warning", "warnings"),
    }
    counts = [(words, int((found["severity"] == s).sum())) for s, words in worded.items()]
    parts = [f"{n} {words[n != 1]}" for words, n in counts if n]
    if len(parts) == 1 and parts[0].endswith(("warning", "warnings")):
        return f"{rows}; the rules gave {parts[0]}."
    return f"{rows}; the rules made {len(found)} finding{'s' if len(found) != 1 else ''}: {_join(parts)}."


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""
