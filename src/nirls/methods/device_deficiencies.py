"""Device deficiencies, kept apart from adverse events, per 100 sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from nirls.methods._linear import facts
from nirls.methods._safety import ComparedColumns, all_treated, counted_by, kinds_of, parts, ratio_by_subject, reference_part, sizes
from nirls.methods.describe import require
from nirls.methods.registry import AnalysisData, MethodResult, method

if TYPE_CHECKING:
    from nirls.plan.analysis import Analysis
    from nirls.plan.load import Plan

CATEGORY = "category"


class DeviceDeficienciesOptions(ComparedColumns):
    """Options of `device_deficiencies`."""

    categories: dict[str, str | None] = Field(description="Kind of deficiency → condition over ADDE; none for all of them.", min_length=1)

    def cross_check(self, spec: Analysis, plan: Plan) -> Iterator[str]:
        """Besides the columns: the data set is ADDE."""
        yield from super().cross_check(spec, plan)
        if spec.dataset != "ADDE":
            yield f"the data set must be ADDE, not {spec.dataset}"


@method("device_deficiencies", options=DeviceDeficienciesOptions, beside=("ADRISK",))
def device_deficiencies(data: AnalysisData, options: DeviceDeficienciesOptions) -> MethodResult:
    """Deficiencies, subjects with one, and the rate per 100 sessions with exact limits and with limits by subject."""
    import numpy as np
    from scipy.special import ndtri

    from nirls.ard.build import row
    from nirls.stats.rates import poisson_interval

    require(data.frame, ["DECAT", "DESADE"], data.analysis_id)
    group, columns = parts(data, options)
    reference = reference_part(data, options, group)
    sessions = data.adsl["USUBJID"].map(data.beside["ADRISK"].set_index("USUBJID")["NSESS"]).fillna(0)
    people = data.adsl.assign(NSESS=sessions)
    found = sizes(data, group, columns)
    for part in columns:
        own = part.of(people, group)
        key = {"group1": group, "group1_level": part.name}
        found.append(row("exposure", float(own["NSESS"].sum()), variable="sessions", **key))
    z = float(ndtri(0.5 + options.level / 2))
    for label, some in kinds_of(data.frame, options.categories).items():
        counts = people["USUBJID"].map(some["USUBJID"].value_counts()).fillna(0)
        counted = people.assign(COUNT=counts)
        for part in columns:
            own = part.of(counted, group)
            if part.name in options.compare:
                of = {"group2": CATEGORY, "group2_level": label}
                found += ratio_by_subject(counted, part, reference, group, of, options.level)
            key = {"variable": CATEGORY, "variable_level": label, "group1": group, "group1_level": part.name}
            x, t = float(own["COUNT"].sum()), float(own["NSESS"].sum())
            found += [row("n", int((own["COUNT"] > 0).sum()), **key), row("n_events", x, **key)]
            if not t > 0:
                found.append(row("estimate", None, error="no session was delivered in this column", **key))
                continue
            low, high = poisson_interval(x, t, options.level)
            found += [row(n, 100 * v, **key) for n, v in {"estimate": x / t, "conf_low": low, "conf_high": high}.items()]
            # the sandwich of an intercept alone: Σ(x − rate·t)² over subjects, on the log scale divided by (Σx)²
            if x > 0:
                error = float(np.sqrt(((own["COUNT"] - x / t * own["NSESS"]) ** 2).sum())) / x
                found += [
                    row("robust_low", 100 * x / t * np.exp(-z * error), **key),
                    row("robust_high", 100 * x / t * np.exp(z * error), **key),
                ]
            else:
                found += [row(n, None, error="no event", **key) for n in ("robust_low", "robust_high")]
    found += all_treated(data, group)
    found.append(row("conf_level", options.level, variable="model"))
    texts = {
        "interval": "exact (Poisson), as if all deficiencies were independent; by subject: sandwich on the log scale; ratios: negative "
        "binomial regression of the subject's deficiencies, offset log of the sessions delivered, Wald limits on the log scale",
        **counted_by(data, group),
        "apart": "A deficiency is no adverse event: inadequate identity, quality, durability, reliability, safety or performance of the "
        "device, use error and labelling included (ISO 14155). One of which it is not said counts as able to lead to a serious adverse "
        "device effect. Counted in subjects who were treated; those of others are listed, those of devices nobody had are in the accounts.",
    }
    return MethodResult(rows=found + facts(texts))
