"""Samples of device telemetry to the log of sessions, in memory that depends on the number of sessions and not of samples.

A file is read a piece at a time. In a piece the samples of one session that stand together are a run, of which only sums are kept; runs of
a session that follow each other in time are joined. Sessions whose runs overlap in time (the same upload twice, samples out of order) are
read once more, sorted, and repeats taken out, a share of the sessions at a time.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl

from nirls.sdtm.files import FileProblem, matching
from nirls.sdtm.offence import as_text
from nirls.sdtm.telemetry_read import pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nirls.plan.study import Samples, Source

SHARE = 4_000_000
"""Samples sorted at a time."""
SHOWN = 20
"""Findings listed of one file and column; the rest is counted."""
KEY = ["device", "session"]
SUMS = ["dose", "on", "touch", "touched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What the samples of a source yield.

    Attributes
    ----------
    sessions : DataFrame
        One row per session, as text: SPDEVID, SESSION_ID, USUBJID (where the samples have it), START_UTC, END_UTC, ON_SEC, IRR_MEAN,
        IRR_MAX, FLUENCE, TEMP_SKIN, CONTACT, SRC_FILE and SRC_ROW (of the first sample).
    rows : DataFrame
        `session` (position), `file`, `n`: samples that make each session.
    accounts : DataFrame
        By `file`: read, quarantined (samples) and duplicate.
    found : list of (rule, DataFrame)
        Findings: file, row, column, value, usubjid, severity, effect, message.
    """

    sessions: pd.DataFrame
    rows: pd.DataFrame
    accounts: pd.DataFrame
    found: list[tuple[str, pd.DataFrame]]


def sessions_of(folder: Path, source: Source) -> Telemetry:
    """Read the samples of a source.

    ON_SEC is the time between neighbouring samples at most `longest_gap_s` apart, FLUENCE the integral of the irradiance over that time by
    the trapezoidal rule, IRR_MEAN their ratio; CONTACT is the mean over that time.

    Raises
    ------
    FileProblem
        For a file that cannot be read faithfully.
    """
    samples = source.samples
    assert samples is not None
    paths = matching(folder, source.file)
    names = [path.name for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise FileProblem(name, f"several folders have a file of this name ({source.file}); findings could not say which. Rename one.")
    runs, rows, bad = [], [], []
    for path in paths:
        read = aside = 0
        for piece in pieces(path, samples, source.format, source.delimiter):
            read += piece.read
            aside += piece.bad["row"].n_unique()
            bad.append(piece.bad.to_pandas().assign(file=path.name))
            if len(piece.frame):
                runs.append(_runs(piece.frame, samples.longest_gap_s).assign(file=path.name))
        if not read:
            raise FileProblem(path.name, "there is no sample in the file. Export it again.")
        rows.append({"file": path.name, "read": read, "quarantined": aside, "duplicate": 0})
    account = pd.DataFrame(rows).set_index("file")
    table = pd.concat(runs, ignore_index=True) if runs else _runs(pl.DataFrame(schema=SCHEMA), 1.0).assign(file="")
    table["id"] = table.groupby(KEY, sort=False).ngroup()
    unclear = _unclear(table)
    found = [("R01", _unusable(pd.concat(bad, ignore_index=True)))] if any(len(part) for part in bad) else []
    if len(unclear):
        again, more = _sorted_sessions(paths, source, table[table["id"].isin(unclear)], account)
        found += more
        table = pd.concat([table[~table["id"].isin(unclear)], again], ignore_index=True)
    joined, rows_of = _joined(table, samples.longest_gap_s)
    table, clash = _one_subject(joined)
    if len(clash):
        found.append(("R28", clash))
        lost = rows_of[rows_of["id"].isin(joined.loc[~joined["id"].isin(table["id"]), "id"])].groupby("file")["n"].sum()
        account["quarantined"] = account["quarantined"].add(lost, fill_value=0).astype(int)
    order = table.sort_values(["file", "row"], kind="stable").reset_index(drop=True)
    place = pd.Series(order.index, index=order["id"])
    rows_of = rows_of[rows_of["id"].isin(order["id"])]
    used = pd.DataFrame({"session": rows_of["id"].map(place).to_numpy(), "file": rows_of["file"].to_numpy(), "n": rows_of["n"].to_numpy()})
    return Telemetry(sessions=_as_log(order, samples), rows=used, accounts=account.reset_index(), found=found)


SCHEMA = {
    "device": pl.String, "session": pl.String, "subject": pl.String, "ms": pl.Float64, "irradiance": pl.Float64, "temperature": pl.Float64,
    "contact": pl.Float64, "row": pl.Int64,
}  # fmt: skip


def _runs(frame: pl.DataFrame, gap: float) -> pd.DataFrame:
    """Sums of each stretch of samples of one session and subject.

    Returns
    -------
    DataFrame
        device, session, subject, n, row (first), ms/irradiance/contact of the first and last sample (`0` and `1`), dose (mW·s/cm²),
        on (s), touch (contact × s) and touched (s with contact known), most (irradiance), hot (temperature), ordered.
    """
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in ("device", "session", "subject"))
    change = ~frame.select(same.fill_null(False).alias("same"))["same"].to_numpy()
    if len(change):
        change[0] = True
    start = np.flatnonzero(change)
    end = np.append(start[1:], len(frame))[: len(start)] - 1
    ms, light, warm, touch = (frame[name].to_numpy().astype("float64") for name in ("ms", "irradiance", "temperature", "contact"))
    inside = ~change
    step = np.where(inside, np.diff(ms, prepend=ms[:1]) / 1000, 0.0)
    pair = {
        "dose": _trapezoid(step, light, gap),
        "on": np.where((step > 0) & (step <= gap), step, 0.0),
        "touch": _trapezoid(step, touch, gap),
    }
    pair["touched"] = np.where(np.isfinite(pair["touch"]), pair["on"], 0.0)
    pair["touch"] = np.nan_to_num(pair["touch"])
    first = frame[start]
    sums = {name: np.add.reduceat(values, start) if len(start) else np.zeros(0) for name, values in pair.items()}
    most, hot = (np.fmax.reduceat(v, start) if len(start) else np.zeros(0) for v in (light, warm))
    backward = np.add.reduceat(inside & (step <= 0), start) if len(start) else np.zeros(0)
    ends = {
        f"{name}{k}": values[at] for name, values in (("ms", ms), ("light", light), ("contact", touch)) for k, at in ((0, start), (1, end))
    }
    names = {name: first[name].to_pandas().astype("str") for name in ("device", "session", "subject")}
    return pd.DataFrame(
        {**names, "row": first["row"].to_numpy(), "n": end - start + 1, **ends, **sums, "most": most, "hot": hot, "ordered": backward == 0}
    )


def _trapezoid(step: NDArray[np.float64], values: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Areas between neighbouring samples, in the order of the samples; 0 where they are too far apart."""
    mean = (values + np.concatenate([values[:1], values[:-1]])) / 2
    return np.where((step > 0) & (step <= gap), step * mean, 0.0)


def _unclear(table: pd.DataFrame) -> NDArray[np.int64]:
    """Sessions with a run out of order, or with runs that overlap in time."""
    order = table.sort_values(["id", "ms0"], kind="stable")
    latest = order.groupby("id")["ms1"].cummax().groupby(order["id"]).shift()
    return np.asarray(order.loc[~order["ordered"] | (order["ms0"] <= latest), "id"].unique(), dtype=np.int64)


def _joined(table: pd.DataFrame, gap: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per session, the stretch between its runs included; and the samples of each session by file."""
    order = table.sort_values(["id", "ms0"], kind="stable").reset_index(drop=True)
    before = order.groupby("id")[["ms1", "light1", "contact1"]].shift()
    step = (order["ms0"] - before["ms1"]) / 1000
    near = (step > 0) & (step <= gap)
    bridge = {
        "dose": step * (order["light0"] + before["light1"]) / 2, "on": step, "touch": step * (order["contact0"] + before["contact1"]) / 2,
        "touched": step.where((order["contact0"] + before["contact1"]).notna()),
    }  # fmt: skip
    order = order.assign(**{name: order[name] + values.where(near).fillna(0) for name, values in bridge.items()})
    by = order.groupby("id", sort=False)
    out = by.agg(
        {
            **dict.fromkeys([*KEY, "file", "row"], "first"),
            "ms0": "min",
            "ms1": "max",
            **dict.fromkeys(SUMS, "sum"),
            "most": "max",
            "hot": "max",
        }
    )
    out["subject"], out["subjects"] = by["subject"].first(), by["subject"].nunique()
    return out.reset_index(), order.groupby(["id", "file"], sort=False, as_index=False)["n"].sum()


def _one_subject(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sessions of one subject, and findings of those whose samples name several."""
    wrong = table["subjects"] > 1
    message = "the samples of the session name several subjects; the session is left out. Correct them."
    return table[~wrong], _findings(table[wrong], "subject", table.loc[wrong, "session"], "Q", "quarantine", message)


def _sorted_sessions(
    paths: list[Path], source: Source, runs: pd.DataFrame, account: pd.DataFrame
) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]]]:
    """Sessions whose samples are not in order or given twice: sorted by time, repeats out; `account` is brought up to date."""
    samples = source.samples
    assert samples is not None
    ids = runs.drop_duplicates("id")[[*KEY, "id"]]
    parts = int(np.ceil(runs["n"].sum() / SHARE))
    wanted = pl.DataFrame({"device": ids["device"].to_numpy(), "session": ids["session"].to_numpy(), "id": ids["id"].to_numpy()})
    concerned = set(runs["file"])
    done, found = [], []
    with tempfile.TemporaryDirectory(prefix="nirls-telemetry-") as scratch:
        for k, path in enumerate(paths):
            if path.name not in concerned:
                continue
            for j, piece in enumerate(pieces(path, samples, source.format, source.delimiter)):
                own = piece.frame.join(wanted, on=KEY, how="inner", maintain_order="left").with_columns(place=pl.lit(k, dtype=pl.Int32))
                for p in range(parts) if len(own) else ():
                    own.filter(pl.col("id") % parts == p).write_parquet(Path(scratch) / f"{p}-{k:06d}-{j:06d}.parquet")
        for p in range(parts):
            files = sorted(Path(scratch).glob(f"{p}-*.parquet"))
            if not files:
                continue
            frame = pl.concat([pl.read_parquet(f) for f in files])
            made, more = _without_repeats(frame, [path.name for path in paths], samples, account)
            done.append(made)
            found += more
    return pd.concat(done, ignore_index=True), found


def _without_repeats(
    frame: pl.DataFrame, names: list[str], samples: Samples, account: pd.DataFrame
) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]]]:
    """Runs of sessions from all their samples; samples given twice count once, contradicting ones set the session aside."""
    found: list[tuple[str, pd.DataFrame]] = []
    given = frame.sort(["id", "place", "row"], maintain_order=True)
    back = given.filter((pl.col("ms") < pl.col("ms").shift().over(["id", "place"])).fill_null(False)).unique(
        ["id", "place"], keep="first", maintain_order=True
    )
    frame = frame.sort(["id", "ms", "place", "row"], maintain_order=True)
    values = ["subject", "irradiance", "temperature", "contact"]
    repeat = pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).shift()) for c in ("id", "ms"))
    equal = pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).shift()) for c in values)
    frame = frame.with_columns(repeat=repeat.fill_null(False), equal=equal.fill_null(False))
    clash = frame.filter(pl.col("repeat") & ~pl.col("equal")).unique("id", keep="first", maintain_order=True)
    extra = frame.filter(pl.col("repeat") & pl.col("equal") & ~pl.col("id").is_in(clash["id"].implode()))
    if len(clash):
        lost = frame.filter(pl.col("id").is_in(clash["id"].implode()))
        _add(account, "quarantined", lost, names)
        message = "a sample of the session has other values at the same time; the session is left out. Keep the right one."
        found.append(("R33", _findings(_placed(clash, names), samples.session, clash["session"].to_pandas(), "Q", "quarantine", message)))
    if len(extra):
        _add(account, "duplicate", extra, names)
        n = extra.group_by(["id", "place"], maintain_order=True).agg(
            pl.len().alias("n"), pl.first("row"), pl.first("session"), pl.first("subject")
        )
        message = [f"{k} samples of the session from here on are given twice; one of each is kept." for k in n["n"]]
        found.append(("R33", _findings(_placed(n, names), samples.session, n["session"].to_pandas(), "W", "duplicate", message)))
    back = back.filter(~pl.col("id").is_in(clash["id"].implode())) if len(clash) else back
    if len(back):
        message = "the time goes back here within the session; its samples are sorted by time."
        found.append(("R43", _findings(_placed(back, names), samples.time, back["session"].to_pandas(), "W", "none", message)))
    keep = frame.filter(~pl.col("repeat"))
    keep = keep.filter(~pl.col("id").is_in(clash["id"].implode())) if len(clash) else keep
    runs = []
    for place, part in keep.group_by("place", maintain_order=True):
        # which file a sample came from does not change the sum: a session is one run, its samples are counted by file
        counts = part.group_by("id", maintain_order=True).agg(pl.len().alias("n"))
        runs.append(pd.DataFrame({"id": counts["id"].to_numpy(), "file": names[int(place[0])], "n": counts["n"].to_numpy()}))
    table = _runs(keep.drop("id", "place", "repeat", "equal"), samples.longest_gap_s)
    if not len(table):
        return table.assign(file="", id=0), found
    first = keep.unique("id", keep="first", maintain_order=True)
    table["id"] = keep["id"].to_numpy()[np.append(0, np.cumsum(table["n"].to_numpy())[:-1])]
    table["file"] = table["id"].map(dict(zip(first["id"].to_list(), [names[k] for k in first["place"].to_list()], strict=True)))
    by_file = pd.concat(runs, ignore_index=True)
    # the sums stand in one run; the other files of the session have their number of samples only
    mine = by_file.merge(table[["id", "file"]].drop_duplicates(), on=["id", "file"])
    table["n"] = table["id"].map(mine.set_index("id")["n"]).where(~table["id"].duplicated(), 0).astype(int)
    rest = by_file.merge(table[["id", "file"]].drop_duplicates(), on=["id", "file"], how="left", indicator=True)
    rest = rest[rest["_merge"] == "left_only"].drop(columns="_merge")
    if len(rest):
        blank = table.drop_duplicates("id").set_index("id").loc[rest["id"]].reset_index()
        last = table.groupby("id")["ms1"].max().loc[rest["id"]].to_numpy()
        blank = blank.assign(file=rest["file"].to_numpy(), n=rest["n"].to_numpy(), **dict.fromkeys(SUMS, 0.0), ms0=last, ms1=last)
        table = pd.concat([table, blank], ignore_index=True)
    return table, found


def _placed(frame: pl.DataFrame, names: list[str]) -> pd.DataFrame:
    return frame.to_pandas().assign(file=[names[k] for k in frame["place"].to_list()])


def _add(account: pd.DataFrame, what: str, rows: pl.DataFrame, names: list[str]) -> None:
    for place, n in rows.group_by("place", maintain_order=True).agg(pl.len().alias("n")).iter_rows():
        account.loc[names[place], what] += n


def _unusable(bad: pd.DataFrame) -> pd.DataFrame:
    """Findings of samples set aside: the first of each file, column and reason in full, the others as a number."""
    group = ["file", "column", "what"]
    place = bad.groupby(group, sort=False).cumcount()
    shown = bad[place < SHOWN]
    first = bad[place == SHOWN]
    more = bad.groupby(group, sort=False).size().loc[pd.MultiIndex.from_frame(first[group])].to_numpy() - SHOWN if len(first) else []
    rest = first.assign(value=None, what=[f"{n} more samples from here on: {text}" for n, text in zip(more, first["what"], strict=True)])
    table = pd.concat([shown, rest], ignore_index=True)
    return _findings(table, table["column"], table["value"], "Q", "quarantine", table["what"])


def _findings(
    frame: pd.DataFrame, column: str | pd.Series, value: pd.Series, severity: str, effect: str, message: str | list[str] | pd.Series
) -> pd.DataFrame:
    n = len(frame)
    who = frame["subject"].to_numpy() if "subject" in frame.columns else [None] * n
    texts = {
        "file": frame["file"].to_numpy(), "column": column if isinstance(column, str) else column.to_numpy(), "value": value.to_numpy(),
        "usubjid": who, "severity": severity, "effect": effect, "message": message if isinstance(message, str) else list(message),
    }  # fmt: skip
    out = pd.DataFrame(texts, index=pd.RangeIndex(n)).astype("str")
    return out.assign(row=pd.array(frame["row"].to_numpy(), dtype="Int64"), visitnum=np.nan, repaired=None)


def _as_log(table: pd.DataFrame, samples: Samples) -> pd.DataFrame:
    """The columns of the session log, as text."""
    start, end = (
        pd.to_datetime(table[name].round(), unit="ms", utc=True).dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
        for name in ("ms0", "ms1")
    )
    text = {"SPDEVID": table["device"], "SESSION_ID": table["session"], "START_UTC": start, "END_UTC": end}
    if samples.subject is not None:
        text["USUBJID"] = table["subject"]
    number = {
        "ON_SEC": table["on"], "IRR_MEAN": table["dose"] / table["on"].where(table["on"] > 0), "IRR_MAX": table["most"],
        "FLUENCE": table["dose"] / 1000,
    }  # fmt: skip
    if samples.temperature is not None:
        number["TEMP_SKIN"] = table["hot"]
    if samples.contact is not None:
        number["CONTACT"] = table["touch"] / table["touched"].where(table["touched"] > 0)
    out = pd.DataFrame({**text, **{name: as_text(values) for name, values in number.items()}}).astype("str")
    return out.assign(SRC_FILE=table["file"].astype("str").to_numpy(), SRC_ROW=table["row"].to_numpy().astype("int64"))
