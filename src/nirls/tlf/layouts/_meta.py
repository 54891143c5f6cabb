"""What the table and the figure of a meta-analysis share: names of studies, lines of the pool, notes."""

from __future__ import annotations

from nirls.tlf.context import DisplayContext
from nirls.tlf.errors import DisplayError
from nirls.tlf.formats import count, join, number
from nirls.tlf.layouts._common import capital, digits
from nirls.tlf.lookup import Ard, Found
from nirls.tlf.notes import Notes

OWN = "THIS TRIAL"
SET = {"group2": "SET"}
RANDOM = {"REML": "restricted maximum likelihood", "DL": "DerSimonian and Laird", "PM": "Paule and Mandel", "ML": "maximum likelihood"}


def check(ard: Ard) -> None:
    """Refuse results of another method."""
    if not ard.has("pooled"):
        raise DisplayError(f"{ard.display_id}: analysis {ard.analysis_id!r} pools no studies; use the method 'meta_analysis'")


def studies(ard: Ard) -> list[str]:
    """Ids of the studies that are pooled, this trial first."""
    return ard.values("variable_level", variable="study")


def said(ard: Ard, study: str, what: str, variable: str = "study") -> str:
    """A text of a study; empty where there is none."""
    found = ard.find("text", variable=variable, variable_level=study, group2="TEXT", group2_level=what)
    return found.text if found is not None else ""


def title(ard: Ard, study: str, variable: str = "study") -> str:
    """Name of a study in displays."""
    what = capital(said(ard, study, "comparator", variable))
    return what if study == OWN else f"{study}: {what}"


def in_set(ard: Ard, stat: str, estimator: str, of_set: str = "all", variable: str = "pooled") -> Found:
    """A statistic of the pool of a set of studies."""
    return ard.get(stat, variable=variable, variable_level=estimator, **SET, group2_level=of_set)


def size(ard: Ard, of_set: str = "all") -> Found:
    """Number of studies in a set."""
    return ard.get("n", variable="pooled", **SET, group2_level=of_set)


def shown(ard: Ard, of_set: str = "all") -> str:
    """The estimator that comes first for a set of studies; "none" where nothing is pooled."""
    return ard.get("text", variable="pooled", variable_level="shown", **SET, group2_level=of_set).text


def sets(ard: Ard) -> list[str]:
    """The sets of studies that are pooled."""
    return ard.values("group2_level", variable="pooled", group2="SET")


def population(ard: Ard) -> str:
    """How many studies are shown, and how many are named as left out."""
    k, left = size(ard), len(ard.values("variable_level", variable="left out"))
    shown = f"Shows {count(k.value)} {'study' if k.value == 1 else 'studies'}"
    return f"{shown}; {left} more {'is' if left == 1 else 'are'} left out, with the reason." if left else f"{shown}."


def set_label(ard: Ard, of_set: str) -> str:
    """A set of studies in words."""
    if of_set == "all":
        return "All studies"
    if of_set.startswith("r = "):
        return f"Standard errors of changes, correlation {of_set.removeprefix('r = ')} imputed"
    if of_set == "shared control split":
        return "Every comparison with a shared control arm, which is split"
    return capital(of_set)


def reported_notes(ard: Ard, notes: Notes) -> None:
    """What the sets with other standard errors change."""
    for of_set, text in (
        ("r = ", "Correlation imputed: of baseline and final value in {}, whose standard error is else that of its row in the file."),
        (
            "shared control split",
            "Shared control split: {} are in the pool, with errors of final values and each with its part of the control patients.",
        ),
    ):
        for one in [s for s in sets(ard) if s.startswith(of_set)][:1]:
            studies_of = ard.get("text", variable="pooled", variable_level="changed", **SET, group2_level=one).text
            notes.general(text.format(join(studies_of.split(", "))))
            for study in studies_of.split(", "):  # derived figures of those pooled otherwise have their note already
                if derived := said(ard, study, "derived", "left out"):
                    notes.general(f"{study}: {derived.rstrip('.')}.")


def estimator_label(ard: Ard, estimator: str) -> str:
    """An estimator of the pool in words."""
    return {
        "common effect": "Common effect",
        "random effects": f"Random effects ({ard.facts['tau2']}), normal",
        "HKSJ": f"Random effects ({ard.facts['tau2']}), HKSJ",
        "modified HKSJ": f"Random effects ({ard.facts['tau2']}), HKSJ, ratio ≥ 1",
    }[estimator]


def heterogeneity(ard: Ard, context: DisplayContext) -> tuple[str, list[Found]]:
    """τ², I² by both definitions and Q on one line, and the rows behind it."""

    def of(stat: str, level: str) -> Found:
        return in_set(ard, stat, level, variable="heterogeneity")

    tau2, low, high = of("tau2", "tau2"), of("conf_low", "tau2"), of("conf_high", "tau2")
    i2, i2_q, q, df, p = of("i_squared", "I2, tau2"), of("i_squared", "I2, Q"), of("q_statistic", "Q"), of("df", "Q"), of("p_value", "Q")
    every = [tau2, low, high, i2, i2_q, q, df, p]
    if tau2.error:
        return f"Heterogeneity: NE, {tau2.error}", every
    d, di = digits(context, "tau2"), digits(context, "i_squared")
    from nirls.tlf.formats import interval, p_value

    line = (
        f"τ² {number(tau2.value, d)} {interval(low.value, high.value, d)}; "
        f"I² {number(i2.value, di)}% by τ², {number(i2_q.value, di)}% by Q; "
        f"Q {number(q.value, 2)}, {count(df.value)} df, p {p_value(p.value, context.p_style)}"
    )
    return line, every


def notes_of(ard: Ard, notes: Notes) -> None:
    """What both displays say beneath."""
    facts = ard.facts
    derived = [s for s in studies(ard) if said(ard, s, "derived")]
    for study in studies(ard):
        if study != OWN:
            text = said(ard, study, "derived")
            notes.general(
                f"{study}: {said(ard, study, 'citation')} ({said(ard, study, 'read')})."
                + (f" Derived: {text.rstrip('.')}." if text else "")
            )
    if derived:
        notes.general(f"{join(derived)}: not printed in the source but derived from what is.")
    notes.general("n: patients of the comparison, or of the whole trial where the source gives only that.")
    notes.general(
        f"Random effects: τ² by {RANDOM[facts['tau2']]}; HKSJ: interval of Hartung, Knapp, Sidik and Jonkman, t with k − 1 df; "
        "ratio ≥ 1: never narrower than the normal interval."
    )
    notes.general(
        "τ² (interval by Q profile): variance between studies. I² by τ²: τ² over τ² plus the typical variance within studies; by Q: "
        "(Q − df)/Q."
    )
    if size(ard).value > 2:
        notes.general("Prediction interval: where the effect of another study is expected, t with k − 2 degrees of freedom.")
    else:
        notes.general(f"No prediction interval: {in_set(ard, 'conf_low', 'prediction').error}.")
    funnel = ard.get("p_value", variable="funnel")
    if funnel.error:
        notes.general(f"No test of small-study effects: {funnel.error}.")
    if "without this trial" in sets(ard):
        notes.general("What was known before this trial is the pool without it; this trial is never part of its own prior.")
    for text in ard.footnotes:
        notes.general(text)
