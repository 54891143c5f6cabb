"""ADLB and ADVS: parameters of LB and VS with reference ranges."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from nirls.adam.adqs import derive_adqs, derive_findings
from nirls.adam.adsl import derive_adsl
from nirls.adam.derive import derive
from nirls.adam.spec import variables
from nirls.errors import DataError
from nirls.plan.ranges import Limits, ReferenceRange
from nirls.plan.study import AdqsParam
from tests.adam.test_adsl import change, domains, findings, plan  # noqa: F401 - fixtures

NA = np.nan


def ranged(**given):
    return ReferenceRange(source="s", **given)


@pytest.fixture
def measured(domains, plan):  # noqa: F811
    """Ferritin of A (F) and B (M), one value each without and with limits of the laboratory; a skin grade of A; blood pressure."""
    lb = [
        ("A", 2.0, "2025-03-05", 20.0, NA, NA), ("A", 3.0, "2025-03-12", 14.0, NA, NA), ("A", 3.0, "2025-03-13", 15.0, NA, NA),
        ("B", 2.0, "2025-03-05", 20.0, NA, NA), ("B", 3.0, "2025-03-12", 20.0, 10.0, 19.0), ("B", 9.0, "2025-03-14", 5.0, NA, 400.0),
        ("E", 2.0, "2025-02-02", 9.0, NA, NA),
    ]  # fmt: skip
    lb = pd.DataFrame(lb, columns=["USUBJID", "VISITNUM", "LBDTC", "LBSTRESN", "LBSTNRLO", "LBSTNRHI"]).assign(LBTESTCD="FERRITIN")
    other = lb.head(1).assign(LBTESTCD="ZINC")
    lb = pd.concat([lb, other], ignore_index=True).assign(LBSTRESC=lambda d: d["LBSTRESN"].map("{:g}".format), VISIT="v", SRC_FILE="l.csv")
    vs = [("A", 2.0, "2025-03-05", "SKIN", "0"), ("A", 3.0, "2025-03-12", "SKIN", "2"), ("A", 3.0, "2025-03-12", "SYSBP", "120")]
    vs = pd.DataFrame(vs, columns=["USUBJID", "VISITNUM", "VSDTC", "VSTESTCD", "VSSTRESC"])
    vs = vs.assign(VSSTRESN=vs["VSSTRESC"].astype(float), VISIT="v", SRC_FILE="v.csv", SRC_ROW=range(2, 2 + len(vs)))
    limits = {"F": Limits(low=15, high=150), "M": Limits(low=30, high=300)}
    parameters = {
        "FERRITIN": AdqsParam(label="Ferritin", domain="LB", change=True, range=ranged(by_sex=limits)),
        "SKIN": AdqsParam(label="Skin", domain="VS", values={str(i): i for i in range(5)}),
        "SYSBP": AdqsParam(label="Systolic", domain="VS", change=True, range=ranged(all=Limits(low=90, high=140))),
    }
    domains = {**domains, "LB": lb.assign(SRC_ROW=range(2, 2 + len(lb))), "VS": vs}
    return domains, change(plan, parameters=parameters)


def of(measured, findings, dataset):  # noqa: F811
    data, wanted = measured
    return derive_findings(dataset, data, derive_adsl(data, wanted, findings), wanted)


def test_laboratory(measured, findings):  # noqa: F811
    frame, accounts = of(measured, findings, "ADLB")
    got = frame[["USUBJID", "AVISIT", "ADT", "AVAL", "BASE", "CHG", "ABLFL", "ANL01FL", "ONTRTFL", "ANRLO", "ANRHI", "ANRIND", "BNRIND"]]
    expected = [
        ["A", "Baseline", "2025-03-05", 20.0, 20.0, NA, "Y", "Y", NA, 15.0, 150.0, "NORMAL", "NORMAL"],
        ["A", "Week 1", "2025-03-12", 14.0, 20.0, -6.0, NA, "Y", "Y", 15.0, 150.0, "LOW", "NORMAL"],
        [
            "A",
            "Week 1",
            "2025-03-13",
            15.0,
            20.0,
            -5.0,
            NA,
            NA,
            "N",
            15.0,
            150.0,
            "NORMAL",
            "NORMAL",
        ],  # on the limit; 3 days after the last
        ["B", "Baseline", "2025-03-05", 20.0, 20.0, NA, "Y", "Y", NA, 30.0, 300.0, "LOW", "LOW"],
        ["B", "Week 1", "2025-03-12", 20.0, 20.0, 0.0, NA, "Y", "Y", 10.0, 19.0, "HIGH", "LOW"],  # the range of the laboratory
        ["B", "Week 1", "2025-03-14", 5.0, 20.0, -15.0, NA, NA, "Y", NA, 400.0, "NORMAL", "LOW"],  # it gives no lower limit: none is added
    ]
    wanted = pd.DataFrame(expected, columns=got.columns)
    pd.testing.assert_frame_equal(got, wanted.astype({c: got[c].dtype for c in got}))
    reasons = dict(zip(accounts["reason"], accounts["n"], strict=True))
    assert reasons == {"test ZINC is not a parameter of the plan": 1, "subject not randomized": 1}
    assert set(accounts["dataset"]) == {"ADLB"} and set(accounts["domain"]) == {"LB"}


def test_vital_signs(measured, findings):  # noqa: F811
    frame, _ = of(measured, findings, "ADVS")
    assert frame["PARAMCD"].tolist() == ["SKIN", "SKIN", "SYSBP"]
    skin, pressure = frame[frame["PARAMCD"] == "SKIN"], frame[frame["PARAMCD"] == "SYSBP"]
    assert skin["AVAL"].tolist() == [0, 2] and skin["AVALC"].tolist() == ["0", "2"]
    assert skin[["BASE", "ANRLO", "ANRIND", "BNRIND"]].isna().all(axis=None)
    assert pressure["ANRIND"].tolist() == ["NORMAL"] and pressure["BNRIND"].isna().all()  # without a baseline value there is none


def test_the_scales_are_left_alone(measured, domains, plan, findings):  # noqa: F811
    """Parameters of LB and VS are not in ADQS, nor its variables in theirs."""
    data, wanted = measured
    with_lb = {**domains, "LB": data["LB"]}  # the baseline ferritin of ADSL
    adqs = [derive_adqs(d, derive_adsl(d, p, findings), p)[0] for d, p in ((data, wanted), (with_lb, plan))]
    pd.testing.assert_frame_equal(*adqs)
    names = {d: [v.name for v in variables(d, wanted)] for d in ("ADQS", "ADLB", "ADVS")}
    assert "AVALREC" in names["ADQS"] and "AVALREC" not in names["ADLB"] and "ANRIND" not in names["ADQS"]
    assert "AVALC" in names["ADVS"] and "AVALC" not in names["ADLB"] and "AVALC" not in names["ADQS"]
    assert next(v for v in variables("ADLB", wanted) if v.name == "AVAL").derivation.startswith("LB.LBSTRESN")


def test_by_name(measured, findings):  # noqa: F811
    data, wanted = measured
    adsl = derive_adsl(data, wanted, findings)
    made = derive("ADLB", {**data, "ADSL": adsl}, wanted)
    pd.testing.assert_frame_equal(made.frame, of(measured, findings, "ADLB")[0])
    with pytest.raises(DataError, match="ADVS needs the domain VS"):
        derive("ADVS", {k: v for k, v in data.items() if k != "VS"} | {"ADSL": adsl}, wanted)
    with pytest.raises(DataError, match=r"no parameter of study\.yaml comes from the domain LB"):
        derive("ADLB", {**data, "ADSL": adsl}, change(wanted, parameters={}))


def test_ranges_that_cannot_be():
    with pytest.raises(ValidationError, match="must be below `high`"):
        Limits(low=3, high=3)
    with pytest.raises(ValidationError, match="needs `low`, `high` or both"):
        Limits()
