"""Published cases that an analysis names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nirls.cases import Case
    from nirls.methods.registry import AnalysisData


def chosen_cases(data: AnalysisData, file: str, ids: list[str], limits: tuple[float, float]) -> list[Case]:
    """The cases of the file, or those of `ids`.

    Raises
    ------
    ConfigError
        A case that the file does not hold.
    """
    from nirls.cases import read_cases
    from nirls.errors import ConfigError

    cases = read_cases(data.plan.root / file, file, limits)
    strange = [i for i in ids if i not in cases]
    if strange or not cases:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options: {file} holds no case {', '.join(strange) or 'at all'}; "
            f"its cases are {', '.join(cases) or 'none'}"
        )
    return [cases[i] for i in ids] if ids else list(cases.values())
