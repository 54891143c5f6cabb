"""Stage 1 in one call: raw files in, SDTM domains and the ledger out; nothing lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nirls.errors import ConfigError, DataError
from nirls.sdtm.check import Checker, Records
from nirls.sdtm.columns import check_columns
from nirls.sdtm.domains import LINEAGE, domain_of
from nirls.sdtm.files import FileProblem, data_dir, spread_sources
from nirls.sdtm.gate import check_files
from nirls.sdtm.ledger import ACCEPTED, ACTIONS, DUPLICATE, QUARANTINED, Ledger, balance, order_findings, order_repairs, report, row_places
from nirls.sdtm.map import Mapped, Tests, map_source
from nirls.sdtm.read import read_table
from nirls.sdtm.rules import check_settings
from nirls.sdtm.schema import canonical, validate
from nirls.sdtm.supp import spread
from nirls.sdtm.withhold import withhold_records, withhold_repairs

if TYPE_CHECKING:
    from nirls.plan.study import Source, Study
    from nirls.sdtm.telemetry import Telemetry

__all__ = ["Ingested", "RejectedError", "check_files", "data_dir", "ingest", "write_ingested", "write_ledger"]


class RejectedError(DataError):
    """Findings of severity E stop the run; `ledger` holds everything found."""

    def __init__(self, message: str, ledger: Ledger) -> None:
        super().__init__(message)
        self.ledger = ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What the ingest hands to the derivations.

    Attributes
    ----------
    domains : dict of str to DataFrame
        Accepted records by two-letter code; text `str`, numbers float64, dates ISO text, SRC_FILE and SRC_ROW (int64).
    ledger : Ledger
    """

    domains: dict[str, pd.DataFrame]
    ledger: Ledger

    def summary(self) -> str:
        """A few lines for the log."""
        return self.ledger.summary()


def ingest(plan: Any, root: Path | str, *, rejected: Path | str | None = None) -> Ingested:
    """Read, map and check every raw file of a study.

    Parameters
    ----------
    plan : Plan
        `plan.study` and `plan.instruments` are used.
    root : path
        Root of the repository; the raw files lie where `study.data` says.
    rejected : path, optional
        Folder the ledger is written to if findings stop the run; the message names it.

    Raises
    ------
    ConfigError
        For unknown rules, thresholds or waivers.
    RejectedError
        A DataError listing every finding of severity E.
    """
    problems = check_settings(plan.study)
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return _ingest(plan.study, plan.instruments, data_dir(plan.study, root))
    except RejectedError as error:
        if rejected is None:
            raise
        write_ledger(error.ledger, Path(rejected))
        raise RejectedError(f"{error}\nThe ledger of this attempt: {rejected}", error.ledger) from None


@dataclass(slots=True)
class _Intake:
    """What the reading of all files yields, problems included."""

    mapped: list[tuple[Source, Mapped]] = field(default_factory=list)
    unusable: list[pd.DataFrame] = field(default_factory=list)
    notes: list[tuple[str, str, pd.DataFrame]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)


def _ingest(study: Study, instruments: dict[str, Any], folder: Path) -> Ingested:
    items = frozenset(item for instrument in instruments.values() for item in instrument.items)
    totals = frozenset(i.recorded_total for i in instruments.values() if i.recorded_total)
    tests = Tests(
        items=items,
        numeric=items | totals | frozenset(p.test or code for code, p in study.parameters.items() if p.values is None and p.domain == "QS"),
    )
    intake = _Intake()
    sources = spread_sources(study, folder)
    for source in sources:
        try:
            _take(intake, source, study, folder, tests)
        except FileProblem as problem:
            intake.unusable.append(_file_finding(source.domain, problem, "R00"))
    if not any(source.domain == "DM" for source in study.sources):
        problem = FileProblem("study.yaml", "no source of domain DM is declared; every subject must be in DM.")
        intake.unusable.append(_file_finding("DM", problem, "R01"))
    records, spans, absent = _assemble(intake.mapped)
    files = {source.domain: source.file for source, _ in reversed(intake.mapped)}
    for domain, name in [(domain, name) for domain, names in absent.items() for name in names]:
        reason = FileProblem(
            files[domain], "the column is not there; rules and derivations that use it are not applied.", row=1, column=name
        )
        intake.notes.append(("R01", domain, _file_finding(domain, reason, "R01", stops=False)))
    checker = Checker(study=study, instruments=instruments, records=records, sources=sources)
    checker.findings += intake.unusable
    for rule_id, domain, part in intake.notes:
        checker.note(rule_id, domain, part, records=False)
    for (source, part), (begin, end) in zip(intake.mapped, spans, strict=True):
        for rule_id, offences in part.offences:
            checker.note(rule_id, source.domain, offences, records=False)
            rows = offences.loc[offences["effect"] == "quarantine", "row"]
            if len(rows):
                numbers = records[source.domain].frame["SRC_ROW"].iloc[begin:end]
                checker.set_aside(rule_id, source.domain, numbers.index[numbers.isin(set(rows))].to_numpy())
    if not intake.unusable:
        checker.run()
    return _finish(checker, intake, spans)


def _take(intake: _Intake, source: Source, study: Study, folder: Path, tests: Tests) -> None:
    """Read and map one source; if its columns do not fit, say why instead."""
    if source.samples is not None:
        _take_samples(intake, source, study, folder, tests)
        return
    text = {"encoding": source.encoding, "delimiter": source.delimiter}
    raw = read_table(folder, source.file, format=source.format, may_be_empty=source.may_be_empty, **text)
    last = raw.attrs.pop("open_end", None)
    if last is not None:
        reason = FileProblem(source.file, "the file does not end with a line break; make sure that its last line is whole.", row=last)
        intake.notes.append(("R00", source.domain, _file_finding(source.domain, reason, "R00", stops=False)))
    supp = None
    if source.supp is not None:
        rows = read_table(folder, source.supp.file, format=source.supp.format)
        if "USUBJID" in raw.columns:
            supp, found, account = spread(raw, rows, source)
            intake.notes += [(rule_id, source.domain, part) for rule_id, part in found]
            intake.accounts.append(_account("rows", source.domain, source.supp.file, **account))
    columns = [c for c in raw.columns if c not in LINEAGE]
    problems = check_columns(source, columns, study, supplied=supp.columns if supp is not None else ())
    for problem in problems:
        reason = FileProblem(source.file, problem.message, row=1, column=problem.column)
        if problem.stops:
            intake.unusable.append(_file_finding(source.domain, reason, "R01"))
        else:
            intake.notes.append(("R01", source.domain, _file_finding(source.domain, reason, "R01", stops=False)))
    if not any(problem.stops for problem in problems):
        intake.mapped.append((source, map_source(raw, source, tests, supp)))


def _take_samples(intake: _Intake, source: Source, study: Study, folder: Path, tests: Tests) -> None:
    """Samples of telemetry become the session log, which is then mapped like one that was exported."""
    from nirls.sdtm.telemetry import sessions_of

    log = sessions_of(folder, source)
    intake.notes += [(rule_id, source.domain, part) for rule_id, part in log.found]
    columns = [c for c in log.sessions.columns if c not in LINEAGE]
    for problem in check_columns(source, columns, study):
        reason = FileProblem(source.file, problem.message, row=1, column=problem.column)
        (intake.unusable if problem.stops else intake.notes).append(
            _file_finding(source.domain, reason, "R01")
            if problem.stops
            else ("R01", source.domain, _file_finding(source.domain, reason, "R01", stops=False))
        )
    intake.mapped.append((source, replace(map_source(log.sessions, source, tests), samples=log)))


def _file_finding(domain: str, problem: FileProblem, rule_id: str, *, stops: bool = True) -> pd.DataFrame:
    """A finding about a whole file, in the form of an offence that already knows its rule."""
    finding = {
        "domain": domain,
        "file": problem.file,
        "row": problem.row,
        "column": problem.column or None,
        "value": problem.value or None,
        "rule": rule_id,
        "severity": "E" if stops else "W",
        "effect": "stop" if stops else "none",
        "action": ACTIONS["stop" if stops else "none"],
        "usubjid": None,
        "visitnum": np.nan,
        "message": problem.what,
    }
    return pd.DataFrame([finding]).astype({"row": "Int64", "column": "str", "value": "str", "usubjid": "str", "visitnum": "float64"})


def _assemble(mapped: list[tuple[Source, Mapped]]) -> tuple[dict[str, Records], list[tuple[int, int]], dict[str, list[str]]]:
    """Records by domain, where the records of each source stand in its domain, and expected variables that no file has."""
    parts: dict[str, list[pd.DataFrame]] = {}
    spans = []
    sizes: dict[str, int] = {}
    for source, part in mapped:
        begin = sizes.get(source.domain, 0)
        sizes[source.domain] = begin + len(part.frame)
        spans.append((begin, begin + len(part.frame)))
        parts.setdefault(source.domain, []).append(part.frame)
    records, absent = {}, {}
    for domain, frames in parts.items():
        frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0].reset_index(drop=True)
        absent[domain] = [name for name in domain_of(domain).expected if name not in frame.columns]
        records[domain] = Records(frame=canonical(frame, domain))
    return records, spans, absent


def _account(level: str, domain: str, file: str, **places: int) -> dict[str, Any]:
    return {
        "level": level,
        "domain": domain,
        "file": file,
        "read": 0,
        "accepted": 0,
        "quarantined": 0,
        "duplicate": 0,
        "not_selected": 0,
        "blank": 0,
        **places,
    }


def _finish(checker: Checker, intake: _Intake, spans: list[tuple[int, int]]) -> Ingested:
    accounts = intake.accounts
    for (source, part), (begin, end) in zip(intake.mapped, spans, strict=True):
        records = checker.records[source.domain]
        fate, rows = records.fate[begin:end], records.frame["SRC_ROW"].to_numpy()[begin:end]
        if part.samples is not None:
            accounts += _sample_accounts(part.samples, source, fate)
        else:
            places = {"not_selected": part.read - part.selected, "blank": part.empty_rows, **row_places(rows, fate)}
            accounts.append(_account("rows", source.domain, source.file, read=part.read, **places))
        counts = {
            name: int((fate == place).sum())
            for name, place in (("accepted", ACCEPTED), ("quarantined", QUARANTINED), ("duplicate", DUPLICATE))
        }
        accounts.append(_account("records", source.domain, source.file, read=part.cells, blank=part.blank, **counts))
    findings = order_findings(checker.findings)
    quarantine = {}
    for domain, records in checker.records.items():
        aside = records.frame[records.fate == QUARANTINED]
        rules = pd.Series([checker.shown(records.why[i]) for i in aside.index], index=aside.index, dtype="str")
        quarantine[domain] = withhold_records(pd.concat([rules.rename("RULES"), aside], axis=1), checker.study)
    ledger = Ledger(
        findings=findings,
        accounts=balance(accounts),
        rules=checker.summary(findings),
        quarantine=quarantine,
        repairs=withhold_repairs(order_repairs(checker.repairs), checker.study),
        alerts=order_findings(checker.alerts),
    )
    if len(ledger.errors):
        raise RejectedError(report(findings), ledger)
    domains = {domain: validate(records.accepted.reset_index(drop=True), domain) for domain, records in checker.records.items()}
    _all_there(domains, ledger)
    return Ingested(domains=domains, ledger=ledger)


def _sample_accounts(log: Telemetry, source: Source, fate: np.ndarray) -> list[dict[str, Any]]:
    """Where the samples of each file went: with their session, or aside by themselves."""
    rows = log.rows.assign(fate=fate[log.rows["session"].to_numpy()])
    found = []
    for line in log.accounts.to_dict("records"):
        own = rows[rows["file"] == line["file"]].groupby("fate")["n"].sum()
        n = {place: int(own.get(place, 0)) for place in (ACCEPTED, QUARANTINED, DUPLICATE)}
        places = {
            "accepted": n[ACCEPTED],
            "quarantined": line["quarantined"] + n[QUARANTINED],
            "duplicate": line["duplicate"] + n[DUPLICATE],
        }
        found.append(_account("rows", source.domain, line["file"], read=line["read"], **places))
    return found


def _all_there(domains: dict[str, pd.DataFrame], ledger: Ledger) -> None:
    """The frames handed on hold exactly what the accounts say."""
    totals = ledger.accounts[(ledger.accounts["level"] == "records") & (ledger.accounts["file"] == "")].set_index("domain")
    for domain, frame in domains.items():
        said = int(totals.loc[domain, "accepted"])
        if len(frame) != said:
            raise DataError(
                f"{domain}: {said} records accepted but {len(frame)} handed on (a defect of the program; do not use these data)"
            )


def write_ledger(ledger: Ledger, folder: Path) -> None:
    """Write findings.csv, accounts.csv, rules.csv, repairs.csv and quarantine/<domain>.csv; each always, with its header.

    restricted/alerts.csv is for the unblinded role: only the owner of the file may read it.
    """
    aside, restricted = folder / "quarantine", folder / "restricted"
    aside.mkdir(parents=True, exist_ok=True)
    restricted.mkdir(exist_ok=True)
    restricted.chmod(0o700)  # also where something made the folder before
    alerts = restricted / "alerts.csv"
    alerts.touch(mode=0o600)
    alerts.chmod(0o600)
    ledger.alerts.to_csv(alerts, index=False, lineterminator="\n")
    for name in ("findings", "accounts", "rules", "repairs"):
        getattr(ledger, name).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    for domain, frame in ledger.quarantine.items():
        frame.to_csv(aside / f"{domain.lower()}.csv", index=False, lineterminator="\n")


def write_ingested(ingested: Ingested, outdir: Path | str) -> None:
    """Write one Parquet file per domain and the ledger; the same input gives the same bytes.

    Parameters
    ----------
    ingested : Ingested
    outdir : path
        Receives `<domain>.parquet` and `_ledger/`.
    """
    folder = Path(outdir)
    folder.mkdir(parents=True, exist_ok=True)
    for domain, frame in ingested.domains.items():
        frame.to_parquet(folder / f"{domain.lower()}.parquet", index=False, compression="zstd")
    write_ledger(ingested.ledger, folder / "_ledger")
