"""The derivation of each ADaM data set by name, as the workflow asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nirls.adam.adae import derive_adae
from nirls.adam.adde import derive_adde
from nirls.adam.addiary import derive_addiary
from nirls.adam.addv import derive_addv
from nirls.adam.adex import derive_adex
from nirls.adam.adexsum import derive_adexsum
from nirls.adam.adice import derive_adice
from nirls.adam.adqs import derive_adqs, derive_findings
from nirls.adam.adrisk import derive_adrisk
from nirls.adam.adsl import derive_adsl
from nirls.adam.adtte import derive_adtte
from nirls.adam.covariates import later_terms
from nirls.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nirls.plan.load import Plan

FINDINGS, ADSL, ADQS, ADICE, ADEX, ADRISK = "FINDINGS", "ADSL", "ADQS", "ADICE", "ADEX", "ADRISK"
ASIDE = "ASIDE"
"""Before the domain: records that the ledger set aside (ASIDE DX)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A derived data set and what was left out on the way.

    Attributes
    ----------
    frame : DataFrame
        The data set, with the variables and order of :func:`nirls.adam.spec.variables`.
    accounts : DataFrame
        Columns dataset, domain, reason, n.
    """

    frame: pd.DataFrame
    accounts: pd.DataFrame


def _adsl(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    domains = _domains(inputs)
    frame = derive_adsl(domains, plan, inputs.get(FINDINGS))
    return Derivation(frame=frame, accounts=later_terms(frame, domains, plan))


def _adqs(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adqs(_domains(inputs), _need(inputs, "ADQS"), plan)
    return Derivation(frame=frame, accounts=table)


def _addv(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_addv(_domains(inputs), _need(inputs, "ADDV"), plan, inputs.get(FINDINGS))
    return Derivation(frame=frame, accounts=table)


def _adice(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adice(_domains(inputs), _need(inputs, "ADICE"), _need(inputs, "ADICE", ADQS), plan)
    return Derivation(frame=frame, accounts=table)


def _adex(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adex(_domains(inputs), _need(inputs, "ADEX"), plan, inputs.get(f"{ASIDE} DX"), inputs.get(FINDINGS))
    return Derivation(frame=frame, accounts=table)


def _adexsum(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adexsum(_domains(inputs), _need(inputs, "ADEXSUM"), _need(inputs, "ADEXSUM", ADEX), plan)
    return Derivation(frame=frame, accounts=table)


def _addiary(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_addiary(_domains(inputs), _need(inputs, "ADDIARY"), _need(inputs, "ADDIARY", ADEX), plan)
    return Derivation(frame=frame, accounts=table)


def _adtte(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adtte(_need(inputs, "ADTTE"), _need(inputs, "ADTTE", ADQS), _need(inputs, "ADTTE", ADICE), plan)
    return Derivation(frame=frame, accounts=table)


def _adrisk(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adrisk(_need(inputs, "ADRISK"), inputs.get(ADEX), plan)
    return Derivation(frame=frame, accounts=table)


def _adae(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adae(_domains(inputs), _need(inputs, "ADAE"), _need(inputs, "ADAE", ADRISK), inputs.get(ADEX), plan)
    return Derivation(frame=frame, accounts=table)


def _adde(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_adde(_domains(inputs), _need(inputs, "ADDE"), plan)
    return Derivation(frame=frame, accounts=table)


def _adlb(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_findings("ADLB", _domains(inputs), _need(inputs, "ADLB"), plan)
    return Derivation(frame=frame, accounts=table)


def _advs(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    frame, table = derive_findings("ADVS", _domains(inputs), _need(inputs, "ADVS"), plan)
    return Derivation(frame=frame, accounts=table)


DERIVATIONS: dict[str, Callable[[Mapping[str, pd.DataFrame], Plan], Derivation]] = {
    "ADSL": _adsl,
    "ADQS": _adqs,
    "ADDV": _addv,
    "ADICE": _adice,
    "ADEX": _adex,
    "ADEXSUM": _adexsum,
    "ADDIARY": _addiary,
    "ADTTE": _adtte,
    "ADRISK": _adrisk,
    "ADAE": _adae,
    "ADDE": _adde,
    "ADLB": _adlb,
    "ADVS": _advs,
}
"""Data set → its derivation."""


def derive(dataset: str, inputs: Mapping[str, pd.DataFrame], plan: Plan) -> Derivation:
    """Derive one ADaM data set.

    Parameters
    ----------
    dataset : str
        One of :data:`DERIVATIONS`.
    inputs : mapping of str to DataFrame
        SDTM domains by two-letter code; ADSL for the other data sets, ADQS for ADICE and ADTTE, ADICE for ADTTE, ADEX for ADEXSUM,
        ADDIARY, ADRISK and ADAE, ADRISK for ADAE; FINDINGS,
        the ledger's findings; ASIDE DX, the sessions it set aside (see :func:`read_inputs`).
    plan : Plan
        The study's plan.
    """
    if dataset not in DERIVATIONS:
        raise DataError(f"there is no derivation of {dataset!r} (known: {', '.join(DERIVATIONS)})")
    return DERIVATIONS[dataset](inputs, plan)


def read_inputs(paths: Iterable[Path | str]) -> dict[str, pd.DataFrame]:
    """Read what :func:`derive` needs: `<domain>.parquet`, `adsl.parquet` and `findings.csv`, keyed by upper-case stem.

    Of a folder `quarantine` the session log is read.
    """
    found: dict[str, pd.DataFrame] = {}
    for path in map(Path, paths):
        key = path.name.split(".")[0].upper()
        if path.is_dir():
            path, key = path / "dx.csv", f"{ASIDE} DX"
        if path.suffix == ".csv":
            found[key] = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
        else:
            found[key] = pd.read_parquet(path)
    return found


def _domains(inputs: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {key: frame for key, frame in inputs.items() if len(key) == 2}


def _need(inputs: Mapping[str, pd.DataFrame], dataset: str, other: str = ADSL) -> pd.DataFrame:
    if other not in inputs:
        raise DataError(f"{dataset} needs {other}; derive it first")
    return inputs[other]
