"""Guesses of the treatment and the indices of blinding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nirls.methods._groups import denominators
from nirls.methods._linear import arms_and_reference, facts
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method
from nirls.plan.base import Id, PlanModel

if TYPE_CHECKING:
    import pandas as pd

    from nirls.stats.blinding import BlindingIndex

POOLED = "Active arms"
"""Column of all arms but the reference together."""
ANSWERS = ("active", "control", "unknown")


class BlindingOptions(PlanModel):
    """Options of `blinding`."""

    guesses: list[Id] = Field(description="PARAMCD of the guesses, one for each respondent; AVALC holds the answer.", min_length=1)
    active: list[str] = Field(description="Answers that mean an active device; two for a scale of five levels.", min_length=1)
    control: list[str] = Field(description="Answers that mean the reference arm.", min_length=1)
    unknown: list[str] = Field(description="Answers that mean 'do not know'.", min_length=1)
    confidence: dict[str, Id] = Field(default_factory=dict, description="PARAMCD of a guess → PARAMCD of the confidence in it.")
    confident: float | None = Field(None, description="Smallest confidence that is counted as confident; none counts nobody.")
    reference: str | None = Field(None, description="Arm whose right answer is `control`; default: the study's reference.")
    level: float = Field(0.95, description="Confidence level.", gt=0.5, lt=1)


@method("blinding", options=BlindingOptions)
def blinding(data: AnalysisData, options: BlindingOptions) -> MethodResult:
    """Guesses by arm, visit and respondent, with the indices of James and of Bang.

    With several active arms the index of James is given for each against the reference, and for all of them together against it;
    the index of Bang for each arm and for the active arms together. Subjects without an answer are counted and enter no index.
    """
    from nirls.ard.build import row, rows

    require(data.frame, ["PARAMCD", "AVISIT", "AVISITN", "AVALC", "AVAL"], data.analysis_id)
    group, arms, reference = arms_and_reference(data, options.reference)
    answers = _answers(data, options)
    columns = [([arm], arm) for arm in arms]
    if len(arms) > 2:
        columns.append(([arm for arm in arms if arm != reference], POOLED))
    found = denominators(data, total=False)
    sizes = {r["group1_level"]: int(r["stat"]) for r in found}
    if len(arms) > 2:
        sizes[POOLED] = sum(sizes[arm] for arm in arms if arm != reference)
        found.append(row("N", sizes[POOLED], group1=group, group1_level=POOLED))
    visits = answers[["AVISIT", "AVISITN"]].drop_duplicates().sort_values("AVISITN", kind="stable")["AVISIT"]
    for param in options.guesses:
        for visit in visits:
            part = answers[(answers["PARAMCD"] == param) & (answers["AVISIT"] == visit)]
            if part.empty:
                continue
            place = {"param": param, "visit": str(visit), "group1": group}
            counts = {}
            for members, name in columns:
                own = part[part[group].isin(members)]
                counts[name] = {a: int((own["answer"] == a).sum()) for a in ANSWERS}
                found += _counted(own, counts[name], sizes[name], options, {**place, "group1_level": name})
                found += _bang(counts[name], name == reference, options.level, {**place, "group1_level": name})
            for name in (n for _, n in columns if n != reference):
                found += _james(counts, name, reference, options.level, place)
    found += rows({"conf_level": options.level}, variable="model")
    texts = {
        "james": "weights 0 right, 0.5 wrong, 1 do not know; standard error by the delta method under multinomial sampling",
        "bang": "(right - wrong) / all answers; 'do not know' counts among all answers",
        "interval": "Wald, two-sided, not cut at the bounds of the index",
    }
    if options.confident is not None:
        texts["confident"] = f"confidence of at least {options.confident:g}"
    return MethodResult(rows=found + facts(texts))


def _answers(data: AnalysisData, options: BlindingOptions) -> pd.DataFrame:
    """Records of guesses with `answer` (active, control, unknown) and `sure` (confidence), checked."""
    from nirls.errors import ConfigError, DataError

    frame = data.frame
    words: dict[str, str] = {}
    for answer in ANSWERS:
        for word in getattr(options, answer):
            if word in words:
                raise ConfigError(f"analyses.yaml: {data.analysis_id}: options: the answer {word!r} is both {words[word]} and {answer}")
            words[word] = answer
    strange = [p for p in options.confidence if p not in options.guesses]
    if strange:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: options.confidence: {', '.join(strange)} not among the guesses "
            f"({', '.join(options.guesses)})"
        )
    wanted = [*options.guesses, *options.confidence.values()]
    absent = [p for p in wanted if not (frame["PARAMCD"] == p).any()]
    if absent:
        raise ConfigError(
            f"analyses.yaml: {data.analysis_id}: the selected records hold no {', '.join(absent)}; they hold "
            f"{', '.join(sorted(frame['PARAMCD'].unique()))}; correct `where` or the options"
        )
    own = frame[frame["PARAMCD"].isin(wanted) & frame["AVISIT"].notna()]
    repeated = own[own.duplicated(["USUBJID", "PARAMCD", "AVISIT"], keep=False)]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(
            f"{data.analysis_id}: {len(repeated)} records repeat a subject, parameter and visit, the first {first['USUBJID']} "
            f"{first['PARAMCD']} {first['AVISIT']}; narrow `where` to ANL01FL == 'Y'"
        )
    guesses = own[own["PARAMCD"].isin(options.guesses)]
    wrong = guesses[~guesses["AVALC"].isin(list(words))]
    if len(wrong):
        first = wrong.iloc[0]
        raise DataError(
            f"{data.analysis_id}: {len(wrong)} guess(es) are not among the answers of the options ({', '.join(words)}), the first "
            f"{first['AVALC']!r} of {first['USUBJID']} at {first['AVISIT']} ({first['PARAMCD']})"
        )
    sure = own[own["PARAMCD"].isin(list(options.confidence.values()))].set_index(["USUBJID", "PARAMCD", "AVISIT"])["AVAL"]
    of = guesses["PARAMCD"].map(options.confidence)
    key = list(zip(guesses["USUBJID"], of, guesses["AVISIT"], strict=True))
    return guesses.assign(answer=guesses["AVALC"].map(words), sure=sure.reindex(key).to_numpy())


def _counted(own: pd.DataFrame, counts: dict[str, int], size: int, options: BlindingOptions, key: dict[str, str]) -> list[dict[str, Any]]:
    """Answers in number and percent of those who answered, and subjects without an answer."""
    from nirls.ard.build import row

    total = len(own)
    found = []

    def share(n: int, variable: str, level: str) -> None:
        where = {"variable": variable, "variable_level": level, **key}
        found.append(row("n", n, **where))
        found.append(row("p", 100 * n / total if total else None, error="" if total else "nobody answered", unit="%", **where))

    for answer in ANSWERS:
        share(counts[answer], "guess", answer)
        words = getattr(options, answer)
        for word in words if len(words) > 1 else ():
            share(int((own["AVALC"] == word).sum()), "answer", word)
        if options.confident is not None and answer != "unknown":
            share(int(((own["answer"] == answer) & (own["sure"] >= options.confident)).sum()), "confident", answer)
    found.append(row("n", total, variable="answered", **key))
    found.append(row("n_missing", size - total, variable="answered", **key))
    return found


def _bang(counts: dict[str, int], reference: bool, level: float, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.stats.blinding import bang

    right, wrong = ("control", "active") if reference else ("active", "control")
    return _index("bang", bang(counts[right], counts[wrong], counts["unknown"]), level, key)


def _james(counts: dict[str, dict[str, int]], name: str, reference: str, level: float, place: dict[str, str]) -> list[dict[str, Any]]:
    import numpy as np

    from nirls.stats.blinding import james

    table = np.array([[counts[name][answer], counts[reference][answer]] for answer in ANSWERS])
    return _index("james", james(table), level, {**place, "group1_level": name, "comparison": f"{name} - {reference}"})


def _index(name: str, index: BlindingIndex, level: float, key: dict[str, str]) -> list[dict[str, Any]]:
    from nirls.ard.build import row

    low, high = index.ci(level)
    values = {name: index.estimate, "std_error": index.std_error, "conf_low": low, "conf_high": high}
    return [row(s, None if index.reason else v, error=index.reason, variable=name, **key) for s, v in values.items()]
