"""The shape of analysis results data (ARD): one statistic per row, numbers only.

The columns follow the CDISC Analysis Results Standard and pharmaverse's `cards`; everything up to
``stat_name``, labels left out, is the key and is unique within a file.
"""

from __future__ import annotations

from dataclasses import dataclass

KEY = (
    "analysis_id", "estimand_id", "method", "dataset", "analysis_set", "subset", "param",
    "group1", "group1_level", "group2", "group2_level", "group3", "group3_level",
    "comparison", "variable", "variable_level", "visit", "stat_name",
)  # fmt: skip
VALUES = ("stat_label", "stat", "stat_text", "unit", "order", "warning", "error")
COLUMNS = KEY + VALUES
TEXT = tuple(c for c in COLUMNS if c not in ("stat", "order"))


@dataclass(frozen=True, slots=True)
class Stat:
    """One name of the closed vocabulary: its label and its default number of decimals.

    ``digits`` counts decimals; ``relative`` adds them to the decimals of the data
    (a mean of whole numbers has one decimal, its SD two).
    """

    label: str
    digits: int
    relative: bool = False
    kind: str = "number"  # number | count | percent | pvalue | text


STATS: dict[str, Stat] = {
    "N": Stat("Subjects in the column", 0, kind="count"),
    "n": Stat("n", 0, kind="count"),
    "n_missing": Stat("Missing", 0, kind="count"),
    "n_imputed": Stat("Not observed, counted as non-responders", 0, kind="count"),
    "n_events": Stat("Events", 0, kind="count"),
    "n_subjects": Stat("Subjects analysed", 0, kind="count"),
    "n_obs": Stat("Observations analysed", 0, kind="count"),
    "n_excluded": Stat("Subjects not analysed", 0, kind="count"),
    "p": Stat("%", 1, kind="percent"),
    "mean": Stat("Mean", 1, relative=True),
    "sd": Stat("SD", 2, relative=True),
    "se": Stat("SE", 2, relative=True),
    "median": Stat("Median", 1, relative=True),
    "q1": Stat("Q1", 1, relative=True),
    "q3": Stat("Q3", 1, relative=True),
    "min": Stat("Min", 0, relative=True),
    "max": Stat("Max", 0, relative=True),
    "lsmean": Stat("LS mean", 2),
    "lsmean_se": Stat("SE", 3),
    "estimate": Stat("Difference", 2),
    "std_error": Stat("SE", 3),
    "df": Stat("df", 1),
    "statistic": Stat("t", 2),
    "conf_low": Stat("95% CI lower", 2),
    "conf_high": Stat("95% CI upper", 2),
    "conf_level": Stat("Confidence level", 2),
    "p_value": Stat("p", 4, kind="pvalue"),
    "deviance": Stat("-2 log likelihood", 3),
    "aic": Stat("AIC", 3),
    "bic": Stat("BIC", 3),
    "n_parameters": Stat("Covariance parameters", 0, kind="count"),
    "r_squared": Stat("R²", 3),
    "sigma": Stat("Residual SD", 3),
    "covariance": Stat("Covariance (co)variance element", 3),
    "correlation": Stat("Correlation element", 3),
    "iterations": Stat("Iterations", 0, kind="count"),
    "gradient": Stat("Largest scaled gradient", 2),
    "smd": Stat("SMD", 2),
    "text": Stat("Note", 0, kind="text"),
}
