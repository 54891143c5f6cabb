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
# Values of `variable` that are no analysed variable: facts of the model, its terms, why subjects are not analysed, values that a strategy
# for intercurrent events sets aside or replaces, what is missing and after which event, where a conclusion changes, footnotes; contrasts
# and joint tests of arms; decisions on a margin, indirect comparisons and their match; fits of dose–response models, their target doses
# and curves; weights and histories of subjects, clock times; what an early change foretells, signs of augmentation; times to an event;
# studies, their pool and its heterogeneity; cases and what they are set against; paths and effects through a mediator; shifts.
NOT_ANALYSED = (
    "model", "term", "exclusion", "intercurrent", "imputed", "event", "pattern", "tipping", "footnote", "subjects",
    "contrast", "joint", "noninferiority", "equivalence", "indirect", "balance", "fit", "target", "curve", "weights",
    "adherence", "clock time", "early response", "augmentation",
    "at risk", "event type", "competing event", "censored", "risk", "event-free", "quantile", "restricted mean",
    "hazard ratio", "log-rank", "log-rank, permutation", "proportional hazards", "hazard ratio, visits", "incidence",
    "study", "left out", "pooled", "heterogeneity", "funnel", "single case", "case",
    "benchmark", "benchmark curve", "case series", "regression to the mean",
    "path", "mediation", "check", "error correlation", "shift",
)  # fmt: skip
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
    "num_df": Stat("Numerator df", 0, kind="count"),
    "den_df": Stat("Denominator df", 1),
    "f_statistic": Stat("F", 2),
    "conf_low": Stat("95% CI lower", 2),
    "conf_high": Stat("95% CI upper", 2),
    "conf_level": Stat("Confidence level", 2),
    "p_value": Stat("p", 4, kind="pvalue"),
    "p_repeated": Stat("Repeated p", 4, kind="pvalue"),
    "p_adjusted": Stat("Adjusted p", 4, kind="pvalue"),
    "alpha": Stat("Level", 5),
    "weight": Stat("Weight", 3),
    "weight_percent": Stat("Weight (%)", 1),
    "tau2": Stat("Variance between studies", 2),
    "i_squared": Stat("I² (%)", 1),
    "q_statistic": Stat("Cochran's Q", 2),
    "transition": Stat("Transition", 3),
    "step": Stat("Step", 0, kind="count"),
    "rejected": Stat("Rejected", 0, kind="count"),
    "deviance": Stat("-2 log likelihood", 3),
    "aic": Stat("AIC", 3),
    "bic": Stat("BIC", 3),
    "n_parameters": Stat("Covariance parameters", 0, kind="count"),
    "r_squared": Stat("R²", 3),
    "sigma": Stat("Residual SD", 3),
    "covariance": Stat("Covariance (co)variance element", 3),
    "correlation": Stat("Correlation element", 3),
    "covariance_parameter": Stat("Covariance parameter", 4),
    "iterations": Stat("Iterations", 0, kind="count"),
    "gradient": Stat("Largest scaled gradient", 2),
    "mc_error": Stat("Monte-Carlo error", 3),
    "missing_information": Stat("Share of missing information", 3),
    "n_draws": Stat("Random draws", 0, kind="count"),
    "n_redrawn": Stat("Bootstrap samples drawn again", 0, kind="count"),
    "delta": Stat("Delta", 2),
    "james": Stat("James index", 2),
    "bang": Stat("Bang index", 2),
    "cronbach_alpha": Stat("Cronbach's alpha", 3),
    "omega": Stat("McDonald's omega", 3),
    "icc": Stat("Intraclass correlation", 3),
    "sem": Stat("Standard error of measurement", 2),
    "sdc": Stat("Smallest detectable change", 2),
    "change": Stat("Minimal important change", 2),
    "auc": Stat("Area under the ROC curve", 3),
    "sensitivity": Stat("Sensitivity", 2),
    "specificity": Stat("Specificity", 2),
    "dose": Stat("Dose", 1),
    "coefficient": Stat("Coefficient", 3),
    "critical_value": Stat("Critical value", 3),
    "gaic": Stat("gAIC", 2),
    "share": Stat("Share of draws", 3),
    "smd": Stat("SMD", 2),
    "margin": Stat("Margin", 2),
    "retained": Stat("Part of the effect retained", 2),
    "ar_low": Stat("Anderson–Rubin lower", 3),
    "ar_high": Stat("Anderson–Rubin upper", 3),
    "effective_size": Stat("Effective sample size", 0),
    "probability": Stat("Probability", 3),
    "circular_mean": Stat("Circular mean (h)", 1),
    "resultant": Stat("Mean resultant length", 2),
    "specified": Stat("As specified", 0, relative=True),
    "equivalence_low": Stat("Lower limit of equivalence interval", 3),
    "equivalence_high": Stat("Upper limit of equivalence interval", 3),
    "p_equivalence": Stat("p of equivalence", 4, kind="pvalue"),
    "shown": Stat("Shown", 0, kind="count"),
    "week": Stat("Week", 2),
    "n_positive": Stat("Early fall", 0, kind="count"),
    "cut_low": Stat("Smallest cut", 1),
    "cut_high": Stat("Largest cut", 1),
    "n_censored": Stat("Censored", 0, kind="count"),
    "n_reference": Stat("Subjects of the reference", 0, kind="count"),
    "tau": Stat("SD between effects", 2),
    "root_low": Stat("Lower Johnson–Neyman value", 2),
    "root_high": Stat("Upper Johnson–Neyman value", 2),
    "band_low": Stat("Simultaneous band lower", 2),
    "band_high": Stat("Simultaneous band upper", 2),
    "exposure": Stat("Exposure", 1),
    "robust_low": Stat("Lower limit by subject", 2),
    "robust_high": Stat("Upper limit by subject", 2),
    "dispersion": Stat("Dispersion", 2),
    "value": Stat("Value", 0, relative=True),
    "patients": Stat("Patients until one such case is expected", 0),
    "mediated": Stat("Proportion mediated", 2),
    "rho": Stat("Correlation of the errors", 2),
    "r_squared_product": Stat("Product of shares of variance", 3),
    "text": Stat("Note", 0, kind="text"),
}
