"""The registry of data rules: one decorated function is one rule.

A rule looks at the records of one domain that are still accepted and returns the offending ones
(:func:`nirls.sdtm.offence.offences`). Its severity says what happens: E stops the run, Q sets the
record aside (or removes one value), W is noted. Rules of a lower phase act first.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from nirls.sdtm.domains import DOMAINS, domain_of
from nirls.sdtm.files import near

if TYPE_CHECKING:
    import pandas as pd

    from nirls.plan.study import Study
    from nirls.sdtm.context import Context

Check = Callable[["pd.DataFrame", "Context"], "pd.DataFrame"]

IDENTITY, CONFLICT, SUBJECT, DATES, VALUES, SCALES, VISITS, BASELINE = range(8)
"""Phases: within one, rules see the same records; what they set aside, later phases do not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A data rule.

    Attributes
    ----------
    id : str
    says : str
        What must hold, in words.
    severity : str
        E, Q or W; several where it depends on the domain or the case.
    domains : str or tuple of str
        Two-letter codes; "*" for all, "subjects" for all that have subjects.
    except_for : tuple of str
        Domains left out.
    phase : int
    tells : bool
        True when an offence by itself shows what a device emits. While a study is blinded such findings stand, in full, only in the
        file for the unblinded role; the ledger says at which place of the file there is one.
    limits : dict
        Thresholds with their defaults; `rules:` of study.yaml changes them.
    check : callable or None
        None when the reader or the mapping finds the offences.
    """

    id: str
    says: str
    severity: str
    domains: str | tuple[str, ...]
    except_for: tuple[str, ...] = ()
    phase: int = IDENTITY
    tells: bool = False
    limits: dict[str, Any] = field(default_factory=dict)
    check: Check | None = None

    def applies_to(self, domain: str) -> bool:
        """Whether the rule looks at a domain."""
        if domain in self.except_for:
            return False
        if self.domains == "*":
            return True
        if self.domains == "subjects":
            return domain_of(domain).subject != "none"
        return domain in self.domains


RULES: dict[str, Rule] = {
    "R00": Rule(id="R00", says="the file can be read", severity="E/W", domains="*"),
    "R01": Rule(id="R01", says="columns, numbers and dates are as declared", severity="E/Q/W", domains="*"),
}


def rule(
    id: str,
    says: str,
    *,
    severity: str,
    domains: str | tuple[str, ...],
    phase: int,
    except_for: tuple[str, ...] = (),
    tells: bool = False,
    **limits: Any,
) -> Callable[[Check], Check]:
    """Declare a rule; the function gets the accepted records of a domain and the context, and returns offences."""

    def register(check: Check) -> Check:
        if id in RULES and getattr(RULES[id].check, "__module__", None) != check.__module__:
            raise ValueError(f"the rule {id} is declared twice")
        RULES[id] = Rule(
            id=id,
            says=says,
            severity=severity,
            domains=domains,
            except_for=except_for,
            phase=phase,
            tells=tells,
            limits=limits,
            check=check,
        )
        return check

    return register


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by id, in the order of the ids."""
    package = importlib.import_module("nirls.sdtm.rulebook")
    for info in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"nirls.sdtm.rulebook.{info.name}")
    return dict(sorted(RULES.items()))


def waiver(study: Study, rule_id: str, domain: str) -> str | None:
    """Why a rule does not apply to a domain of this study, if it is waived."""
    return study.waived.get(f"{rule_id}:{domain}") or study.waived.get(rule_id)


def check_settings(study: Study) -> list[str]:
    """Problems of `rules:` and `waived:` of a study: unknown rules, thresholds and domains."""
    rules = all_rules()
    problems = []
    for rule_id, limits in study.rules.items():
        if rule_id not in rules:
            problems.append(f"study.yaml: rules: there is no rule {rule_id!r}{near(rule_id, list(rules))}")
            continue
        for name in limits:
            if name not in rules[rule_id].limits:
                known = ", ".join(rules[rule_id].limits) or "none"
                problems.append(f"study.yaml: rules.{rule_id}: there is no threshold {name!r} (known: {known})")
    for key in study.waived:
        rule_id, _, domain = key.partition(":")
        if rule_id not in rules:
            problems.append(f"study.yaml: waived: there is no rule {rule_id!r}{near(rule_id, list(rules))}")
        elif rule_id in ("R00", "R01"):
            problems.append(f"study.yaml: waived: {rule_id} cannot be waived; data that cannot be read cannot be used")
        elif domain and domain not in DOMAINS and domain not in {source.domain for source in study.sources}:
            problems.append(f"study.yaml: waived: {key!r} names an unknown domain {domain!r}")
    return problems
