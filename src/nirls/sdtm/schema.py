"""The canonical form of a domain: column order and types, checked with pandera before a frame is handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nirls.errors import DataError
from nirls.sdtm.domains import LINEAGE, domain_of

if TYPE_CHECKING:
    import pandera.pandas as pa


def canonical(frame: pd.DataFrame, code: str) -> pd.DataFrame:
    """Expected columns that no file has, added as missing; key and required variables first, lineage last."""
    domain = domain_of(code)
    new = {}
    for name in (*domain.required, *domain.expected):
        if name not in frame.columns:
            new[name] = np.full(len(frame), np.nan) if domain.is_number(name) else pd.Series(np.nan, index=frame.index, dtype="str")
    frame = frame.assign(**new)
    known = [*domain.key, *domain.required, *domain.expected, *domain.permissible]
    first = [name for name in dict.fromkeys(["STUDYID", "DOMAIN", "USUBJID", *known]) if name in frame.columns]
    rest = [name for name in frame.columns if name not in first and name not in LINEAGE]
    return frame[[*first, *rest, *LINEAGE]]


def schema(code: str, columns: list[str]) -> pa.DataFrameSchema:
    """The pandera schema of a domain with these columns: types of all, no missing value in the lineage."""
    import pandera.pandas as pa

    domain = domain_of(code)
    checks = {
        name: pa.Column("int64" if name == "SRC_ROW" else "float64" if domain.is_number(name) else "str", nullable=name not in LINEAGE)
        for name in dict.fromkeys((*domain.required, *domain.expected, *columns, *LINEAGE))
    }
    return pa.DataFrameSchema(checks, strict=True, name=code)


def validate(frame: pd.DataFrame, code: str) -> pd.DataFrame:
    """The frame, if it is canonical; otherwise a DataError (a defect of the program, not of the data)."""
    import pandera.errors

    try:
        return schema(code, list(frame.columns)).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = (
            error.failure_cases[["column", "check", "failure_case"]].drop_duplicates().head(10).astype(str).agg(" ".join, axis=1).tolist()
        )
        raise DataError(f"{code} is not in canonical form (a defect of the program): {'; '.join(cases)}") from None
