"""What is compared with what, and at which sizes.

A case is one thing a user does; its programs do it on the same data, and the first of them is what the others are divided by. To add
a case: one entry here, and for each of its programs one function in ``python_models.py`` or ``r_models.R``.
"""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, int]
"""Subjects, visits."""

TABLE: tuple[Size, ...] = ((200, 4), (1000, 6), (1000, 10), (20000, 6), (20000, 10))
CURVES: tuple[Size, ...] = (*((n, 6) for n in (100, 300, 1000, 3000, 20000)), *((1000, t) for t in (2, 4, 6, 8, 12)))
QUICK_TABLE: tuple[Size, ...] = ((200, 4), (1000, 6))
QUICK_CURVES: tuple[Size, ...] = ((100, 6), (1000, 6), (1000, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One way to do a case.

    Attributes
    ----------
    name : str
        With the case the name of its function: "us/gls-residual".
    label, inference : str
        As printed; inference says what the standard errors and degrees of freedom are.
    packages : tuple of str
        R packages it needs; none: it is a Python program.
    """

    name: str
    label: str
    inference: str = ""
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Attributes
    ----------
    name, title : str
    text : str
        What is timed.
    programs : tuple of Program
        The first is what the others are compared with.
    curves : bool
        Whether it is drawn against size, which takes more sizes.
    least_visits : int
        Below this the covariance has more parameters than the data determine.
    """

    name: str
    title: str
    text: str
    programs: tuple[Program, ...]
    curves: bool = False
    least_visits: int = 2

    def sizes(self, quick: bool) -> list[Size]:
        """Small ones first."""
        table, curves = (QUICK_TABLE, QUICK_CURVES) if quick else (TABLE, CURVES)
        wanted = {size for size in (*table, *(curves if self.curves else ())) if size[1] >= self.least_visits}
        return sorted(wanted, key=lambda size: (size[0] * size[1], size))


NIRLS_SATTERTHWAITE = Program(name="nirls-satterthwaite", label="nirls", inference="Satterthwaite")
NIRLS_KR = Program(name="nirls-kr", label="nirls", inference="Kenward–Roger (linear)")
MIXEDLM = Program(name="mixedlm", label="statsmodels MixedLM", inference="normal; no LS means")
LMER = Program(name="lmer-satterthwaite", label="lme4", inference="Satterthwaite (lmerTest)", packages=("lme4", "lmerTest", "emmeans"))

CASES: tuple[Case, ...] = (
    Case(
        name="us",
        title="Unstructured covariance",
        text="REML fit, LS means by arm and visit, all treatment contrasts by visit.",
        programs=(
            NIRLS_KR,
            NIRLS_SATTERTHWAITE,
            Program(name="mmrm-kr", label="mmrm", inference="Kenward–Roger (linear)", packages=("mmrm", "emmeans")),
            Program(name="mmrm-satterthwaite", label="mmrm", inference="Satterthwaite", packages=("mmrm", "emmeans")),
            Program(name="gls-residual", label="nlme gls", inference="residual df", packages=("nlme", "emmeans")),
            Program(name="gls-satterthwaite", label="nlme gls", inference="approximate Satterthwaite", packages=("nlme", "emmeans")),
            Program(name="glmmtmb", label="glmmTMB", inference="residual df", packages=("glmmTMB", "emmeans")),
        ),
        curves=True,
    ),
    Case(
        name="us-fit",
        title="Unstructured covariance, the fit alone",
        text="REML fit; neither LS means nor degrees of freedom.",
        programs=(
            Program(name="nirls", label="nirls"),
            Program(name="mmrm", label="mmrm", packages=("mmrm",)),
            Program(name="gls", label="nlme gls", packages=("nlme",)),
            Program(name="glmmtmb", label="glmmTMB", packages=("glmmTMB",)),
        ),
    ),
    Case(
        name="cs",
        title="Compound symmetry (random intercept)",
        text="REML fit, LS means by arm and visit, all treatment contrasts by visit.",
        programs=(
            NIRLS_SATTERTHWAITE,
            MIXEDLM,
            LMER,
            Program(name="gls-residual", label="nlme gls", inference="residual df", packages=("nlme", "emmeans")),
        ),
        curves=True,
    ),
    Case(
        name="slope",
        title="Random intercept and slope on actual times",
        text="REML fit, LS means by arm and visit, all treatment contrasts by visit; time is the actual day of each record.",
        programs=(
            NIRLS_SATTERTHWAITE,
            Program(name="nirls-kr", label="nirls", inference="Kenward–Roger (expected information)"),
            MIXEDLM,
            LMER,
            Program(
                name="lmer-kr",
                label="lme4",
                inference="Kenward–Roger (pbkrtest; expected information)",
                packages=("lme4", "lmerTest", "pbkrtest", "emmeans"),
            ),
        ),
        curves=True,
        least_visits=3,
    ),
)
