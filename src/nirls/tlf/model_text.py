"""What a model's results say, in words: comparisons, confidence level and the model footnote."""

from __future__ import annotations

from nirls.ard.schema import NOT_ANALYSED
from nirls.tlf.context import DisplayContext
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, fixed
from nirls.tlf.lookup import Ard

TREND = "dose trend"
"""Comparison of the slope over dose, estimated over all arms."""
SLOPE = 4
"""Decimals of a slope per unit of dose."""
_SENTENCES = {
    "formula": "Model: {}.",
    "covariance": "Covariance of repeated measurements: {}.",
    "path": "Covariance structures tried: {}.",
    "ddf": "Denominator degrees of freedom: {}.",
    "variance": "Standard errors: {}.",
    "weights": "LS means: margins {}.",
    "estimator": "Estimation: {}.",
    "dose_trend": "Dose trend: {}.",
}
LABELS = {
    "formula": "Model",
    "covariance": "Covariance of repeated measurements",
    "path": "Covariance structures tried",
    "ddf": "Degrees of freedom",
    "variance": "Standard errors",
    "weights": "Margins of LS means",
    "estimator": "Estimation",
    "dose_trend": "Dose trend",
}
_DDF = {
    "kr": "Kenward–Roger",
    "kenward-roger": "Kenward–Roger",
    "kr-linear": "Kenward–Roger (linear)",
    "satterthwaite": "Satterthwaite",
    "residual": "residual",
    "between-within": "between–within",
}
_WORDS = {
    "equal": "equal over the levels of factors",
    "proportional": "in proportion to the analysed sample",
    "model": "model-based",
    "robust": "robust (sandwich)",
}


def contrast(ard: Ard, arm: str, reference: str) -> str:
    """The comparison of `arm` with `reference` as the results name it."""
    wanted = f"{arm} - {reference}"
    if wanted not in ard.comparisons:
        raise DisplayError(
            f"{ard.display_id}: analysis {ard.analysis_id!r} has no comparison {wanted!r}; it has {', '.join(ard.comparisons) or 'none'}"
        )
    return wanted


def response(ard: Ard, variable: str | None) -> str:
    """The response the LS means are of: the one asked for, else the only analysed variable."""
    have = [v for v in ard.variables if v not in NOT_ANALYSED]
    if variable is not None:
        if variable not in have:
            raise DisplayError(
                f"{ard.display_id}: options.variable: {variable!r} is not in analysis {ard.analysis_id!r}, which has "
                f"{', '.join(have) or 'none'}"
            )
        return variable
    if len(have) != 1:
        raise DisplayError(
            f"{ard.display_id}: analysis {ard.analysis_id!r} has the responses {', '.join(have) or 'none'}; set "
            f"options.variable to one of them"
        )
    return have[0]


def level_text(ard: Ard) -> str:
    """ "95% CI", at the confidence level of the results."""
    for key in ({"variable": "model"}, {}):
        found = ard.find("conf_level", **key)
        if found is not None:
            percent = found.value * 100
            return f"{fixed(percent, 0 if percent == int(percent) else 1)}% CI"
    return "95% CI"


def facts(ard: Ard) -> list[tuple[str, str]]:
    """(name, text) of the model facts worth printing, in reading order."""
    out = []
    for name in _SENTENCES:
        text = ard.facts.get(name, "").strip().rstrip(".")
        if name == "estimator" and not text and "reml" in ard.facts:
            text = {"true": "REML", "yes": "REML", "false": "maximum likelihood", "no": "maximum likelihood"}.get(
                ard.facts["reml"].strip().lower(), ard.facts["reml"]
            )
        if not text:
            continue
        text = (
            _DDF.get(text.lower(), text) if name == "ddf" else _WORDS.get(text.lower(), text) if name in ("weights", "variance") else text
        )
        out.append((name, text))
    return out


def footnotes(ard: Ard, context: DisplayContext) -> list[str]:
    """Footnotes on the model, from its facts."""
    given = facts(ard)
    lines = [_SENTENCES[name].format(text) for name, text in given if name == "formula"]
    rest = " ".join(_SENTENCES[name].format(text) for name, text in given if name != "formula")
    lines += [rest] if rest else []
    obs, subjects = ard.find("n_obs", variable="model"), ard.find("n_subjects", variable="model")
    if obs is not None and subjects is not None:
        lines.append(f"{count(obs.value)} observations of {count(subjects.value)} subjects were analysed.")
    return lines
