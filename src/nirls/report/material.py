"""What the report is made of, read from the files of the stages above."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nirls.report.errors import ReportError
from nirls.tlf.document import Document, FigureDocument, from_json, stem

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.load import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything the page shows.

    Attributes
    ----------
    documents : dict of str to Document
        Display number → document, for every display of the plan.
    drawings : dict of str to str
        Display number → SVG, for every figure.
    ards : dict of str to DataFrame
        Analysis id → its results.
    origins : dict of str to dict
        Analysis id → the provenance written into its file.
    findings, accounts : DataFrame
        The ledger, row by row; all columns as text.
    derived : DataFrame
        What derivations left out or added: dataset, domain, reason, n; all columns as text.
    rules : DataFrame
        Every rule of the ingest: what it says, whether it was applied, waived (and why) or had no data.
    raw : dict of str to str
        Raw file → SHA-256.
    arms : dict of str to str or None
        Subject → arm as randomized; None while the study is blinded.
    """

    documents: dict[str, Document]
    drawings: dict[str, str]
    ards: dict[str, pd.DataFrame]
    origins: dict[str, dict[str, Any]]
    findings: pd.DataFrame
    accounts: pd.DataFrame
    derived: pd.DataFrame
    rules: pd.DataFrame
    raw: dict[str, str]
    arms: dict[str, str] | None


def read_material(plan: Plan, inputs: Any) -> Material:
    """Read the inputs of the rule `report`.

    Parameters
    ----------
    plan : Plan
    inputs : object
        With `displays` and `ards` (lists of paths), `findings`, `accounts`, `rules`, `manifest` and `adsl` (paths), and
        `derived`, the accounts of the derivations.

    Raises
    ------
    ReportError
        If a display or an analysis of the plan has no file, or a file is not what it should be.
    """
    from nirls.ard.io import read_ard, read_provenance

    given = input_files(inputs)
    lacking = [str(path) for path in given if not Path(path).is_file()]
    if lacking:
        raise ReportError(f"these files are not there: {', '.join(lacking)}; run the stages above the report first")
    documents, drawings = _displays(plan, [Path(p) for p in inputs.displays])
    ards = {Path(p).name.removesuffix(".parquet"): Path(p) for p in inputs.ards}
    _all_there(plan.analyses, ards, "analysis", "ard")
    return Material(
        documents=documents,
        drawings=drawings,
        ards={key: read_ard(ards[key]) for key in plan.analyses},
        origins={key: read_provenance(ards[key]) for key in plan.analyses},
        findings=_csv(Path(inputs.findings)),
        accounts=_csv(Path(inputs.accounts)),
        derived=_derived(inputs.derived),
        rules=_csv(Path(inputs.rules)),
        raw=_raw(Path(inputs.manifest)),
        arms=_arms(Path(inputs.adsl)) if plan.study.blinding == "unblinded" else None,
    )


def _displays(plan: Plan, paths: list[Path]) -> tuple[dict[str, Document], dict[str, str]]:
    files = {path.name: path for path in paths}
    documents, drawings = {}, {}
    for key in plan.displays.displays:
        name = f"{stem(key)}.json"
        if name not in files:
            raise ReportError(
                f"the display {key} of displays.yaml has no document {name} among the files given to the report; make it first"
            )
        document = from_json(files[name].read_bytes())
        if document.id != key:
            raise ReportError(f"{files[name]} is the document of {document.id}, not of {key}; delete it and make it again")
        documents[key] = document
        if isinstance(document, FigureDocument):
            if document.svg not in files:
                raise ReportError(f"the figure {key} names the drawing {document.svg}, which is not among the files given to the report")
            drawings[key] = files[document.svg].read_text(encoding="utf-8")
    return documents, drawings


def _all_there(wanted: Iterable[str], have: Iterable[str], what: str, folder: str) -> None:
    lacking = [key for key in wanted if key not in set(have)]
    if lacking:
        raise ReportError(f"no file in {folder}/ for the {what} {', '.join(lacking)}; run it before the report")


def _csv(path: Path) -> pd.DataFrame:
    """A ledger file; everything stays text, so that the region "NA" is not missing and "001" is not 1."""
    import pandas as pd

    return pd.read_csv(path, dtype="str", keep_default_na=False, na_filter=False)


def input_files(inputs: Any) -> list[str]:
    """Every file the report is made from."""
    single = [inputs.findings, inputs.accounts, inputs.rules, inputs.manifest, inputs.adsl]
    return [*inputs.displays, *inputs.ards, *inputs.derived, *single]


def _derived(paths: Iterable[Path | str]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([_csv(Path(path)) for path in paths], ignore_index=True)


def _raw(path: Path) -> dict[str, str]:
    """SHA-256 of the raw files, by name, as :func:`nirls.provenance.write_input_manifest` writes them."""
    given = json.loads(path.read_text(encoding="utf-8"))
    files = given.get("files") if isinstance(given, dict) else None
    found = {}
    for name, value in sorted((files or {}).items()):
        if not isinstance(value, str):
            raise ReportError(f"{path} gives no SHA-256 for {name}; ingest the raw files again")
        found[name] = value
    if not found:
        raise ReportError(f"{path} names no raw file; ingest the raw files again")
    return found


def _arms(path: Path) -> dict[str, str]:
    import pandas as pd

    adsl = pd.read_parquet(path, columns=["USUBJID", "TRT01P"])
    known = adsl[adsl["TRT01P"].notna()]
    return dict(zip(known["USUBJID"].astype("str"), known["TRT01P"].astype("str"), strict=True))
