"""What the methods about a rating scale share: the score of an instrument, and records spread by parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nirls.methods._groups import TOTAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from nirls.methods.registry import AnalysisData
    from nirls.plan.instrument import Instrument, Score


def scale_of(data: AnalysisData, code: str) -> tuple[Instrument, Score]:
    """The instrument and definition of a score.

    Raises
    ------
    ConfigError
        If no instrument of the study has it.
    """
    from nirls.errors import ConfigError

    for instrument in data.plan.instruments.values():
        if code in instrument.scores:
            return instrument, instrument.scores[code]
    known = ", ".join(c for instrument in data.plan.instruments.values() for c in instrument.scores)
    raise ConfigError(f"analyses.yaml: {data.analysis_id}: {code!r} is not a score of an instrument of the study ({known or 'none'})")


def wide(data: AnalysisData, params: Sequence[str], frame: pd.DataFrame | None = None, value: str = "AVAL") -> pd.DataFrame:
    """One row per subject, one column per parameter; a parameter without a record is an error, as is a second record of a subject."""
    from nirls.errors import ConfigError, DataError

    frame = data.frame if frame is None else frame
    absent = [p for p in params if not (frame["PARAMCD"] == p).any()]
    if absent:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: the selected records hold no {', '.join(absent)}; correct `where` or the options"
        )
    own = frame[frame["PARAMCD"].isin(list(params))]
    repeated = own[own.duplicated(["USUBJID", "PARAMCD"], keep=False)]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(
            f"{data.analysis_id}: {len(repeated)} records repeat a subject and parameter, the first {first['USUBJID']} {first['PARAMCD']}; "
            "narrow `where` to one visit and ANL01FL == 'Y'"
        )
    return own.pivot(index="USUBJID", columns="PARAMCD", values=value).reindex(columns=list(params))


def label_of(data: AnalysisData, code: str) -> str:
    """Name of a parameter in words."""
    parameter = data.plan.study.parameters.get(code)
    return parameter.label if parameter is not None else code


def account(data: AnalysisData, analysed: int, reasons: dict[str, int]) -> list[dict[str, Any]]:
    """Rows that say how many subjects of the set are analysed, and why the others are not."""
    from nirls.ard.build import row

    found = [row("n_subjects", analysed, variable="model"), row("n_excluded", sum(reasons.values()), variable="model")]
    key = {"variable": "exclusion", "group1": data.spec.group or "", "group1_level": TOTAL}
    return found + [row("n", n, variable_level=reason, **key) for reason, n in reasons.items() if n]
