"""The gate before any job: can the raw files be used at all? Reads headers only, without pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nirls.errors import DataError
from nirls.sdtm.columns import check_columns
from nirls.sdtm.files import FileProblem, data_dir, existing, file_format, header, matching, place, spread_sources

if TYPE_CHECKING:
    from nirls.plan.study import Source, Study

__all__ = ["check_files", "data_dir"]


def check_files(plan: Any, root: Path | str) -> list[str]:
    """Problems of the raw files that can be seen from their headers.

    Finds missing and empty files, headers that do not decode, repeated column names, and columns
    that are required (by the domain, the source or the plan) and not there.

    Parameters
    ----------
    plan : Plan
        Only `plan.study` is used.
    root : path
        Root of the repository.

    Returns
    -------
    list of str
        One sentence per problem, naming the file; empty when there is none.
    """
    study = plan.study
    try:
        folder = data_dir(study, root)
    except DataError as error:
        return [str(error)]
    problems: list[str] = []
    seen: set[tuple[str, str, str | None]] = set()
    for source in spread_sources(study, folder):
        problems += [text for text in (_check_samples if source.samples else _check_source)(source, study, folder) if text not in problems]
        seen.add((source.domain, source.file, source.keep))
    if not any(source.domain == "DM" for source in study.sources):
        problems.append("study.yaml: no source of domain DM is declared; every subject must be in DM.")
    return problems


def _check_samples(source: Source, study: Study, folder: Path) -> list[str]:
    from nirls.sdtm.telemetry_read import check_samples

    problems = []
    assert source.samples is not None
    try:
        paths = matching(folder, source.file)
    except FileProblem as error:
        return [str(error)]
    for path in paths:
        try:
            check_samples(path, source.samples, source.format, source.encoding, source.delimiter)
        except FileProblem as error:
            problems.append(str(error))
    return problems


def _check_source(source: Source, study: Study, folder: Path) -> list[str]:
    problems: list[str] = []
    supplied: list[str] | None = []
    if source.supp:
        try:
            path = existing(folder, source.supp.file)
            columns = header(path, format=file_format(source.supp.file, source.supp.format))
            lacking = [c for c in ("USUBJID", "QNAM", "QVAL") if columns and c not in columns]
            problems += [
                f"{place(source.supp.file, 1, c)}: the column is missing; supplemental qualifiers need USUBJID, QNAM and QVAL."
                for c in lacking
            ]
        except FileProblem as error:
            problems.append(str(error))
        supplied = None  # which variables it adds is known only when its rows are read
    try:
        path = existing(folder, source.file)
        kind = file_format(source.file, source.format)
        columns = header(path, format=kind, encoding=source.encoding, delimiter=source.delimiter)
    except FileProblem as error:
        return [*problems, str(error)]
    if not columns:  # no header that can be seen without reading the file
        return problems
    if supplied is None:
        from nirls.sdtm.columns import needed

        supplied = list(needed(study, source.domain))
    found = check_columns(source, columns, study, supplied=supplied)
    return problems + [f"{place(source.file, 1, p.column)}: {p.message} [R01]" for p in found if p.stops]
