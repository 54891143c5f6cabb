"""Results of the methods of safety, of a small trial made up, for two arms."""

from functools import cache

from nirls.methods.adverse_events import AdverseEventsOptions, adverse_events
from nirls.methods.device_deficiencies import DeviceDeficienciesOptions, device_deficiencies
from nirls.methods.event_rates import EventRatesOptions, event_rates
from nirls.methods.events_by_dose import EventsByDoseOptions, events_by_dose
from nirls.methods.records import RecordsOptions, records
from tests.methods.safety_trial import data, trial
from tests.methods.test_linear_methods import ard

KINDS = {"Any event": "TRTEMFL == 'Y'", "Skin": "AEBODSYS == 'Skin'", "Serious": "ASER == 'Y'"}


@cache
def safety_results(arms):
    """Analyses of 80 subjects with three terms in two classes."""
    made = trial(arms, size=40)
    shared = {"pools": {"Any light": [arms[1]]}, "compare": ["Any light"]}

    def events(**options):
        return ard(adverse_events(data(made, "ADAE", "adverse_events", arms), AdverseEventsOptions(**shared, **options)))

    listed = records(data(made, "ADAE", "records", arms), RecordsOptions(columns=["AEDECOD", "ASTDT", "ONSESS"], sort=["ASTDT"]))
    nothing = made | {"ADAE": made["ADAE"].iloc[:0]}
    none_listed = records(data(nothing, "ADAE", "records", arms), RecordsOptions(columns=["AEDECOD", "ASTDT", "ONSESS"], sort=["ASTDT"]))
    return {
        "kinds": events(categories=KINDS, strata=["NEUROPFL", "CANCERFL"]),
        "terms": events(terms=True),
        "severity": events(terms=True, by="ASEV"),
        "rates": ard(event_rates(data(made, "ADAE", "event_rates", arms), EventRatesOptions(**shared, categories=KINDS))),
        "deficiencies": ard(
            device_deficiencies(
                data(made, "ADDE", "device_deficiencies", arms),
                DeviceDeficienciesOptions(pools=shared["pools"], categories={"Any": "DECAT != ''", "SADE potential": "DESADE == 'Y'"}),
            )
        ),
        "dose": ard(
            events_by_dose(
                data(made, "ADAE", "events_by_dose", arms), EventsByDoseOptions(**shared, categories=KINDS, bands=[250, 500, 1000])
            )
        ),
        "listed": ard(listed),
        "records": listed.records,
        "none_listed": ard(none_listed),
        "none_records": none_listed.records,
        "no_terms": ard(
            adverse_events(data(nothing, "ADAE", "adverse_events", arms), AdverseEventsOptions(**shared, terms=True))
        ),
    }  # fmt: skip


def given(codes):
    """Entries of the display trial: number → layout, kind, results, options."""
    made = safety_results(tuple(codes[:2]))
    columns = [{"variables": ["AEDECOD"], "label": "Term"}, {"variables": ["ASTDT", "ONSESS"], "label": "Onset / sessions"}]
    return {
        "F14.3.1": ("adverse_event_dots", "figure", {"main": made["terms"]}, {"least": 0}),
        "T14.3.1.1": ("adverse_events", "table", {"main": made["kinds"]}, {"limits": True}),
        "T14.3.1.2": ("adverse_event_terms", "table", {"main": made["terms"]}, {}),
        "T14.3.1.3": ("adverse_event_terms", "table", {"main": made["severity"]}, {}),
        "T14.3.1.5": ("event_rates", "table", {"main": made["rates"]}, {}),
        "T14.3.1.7": ("device_deficiencies", "table", {"main": made["deficiencies"]}, {}),
        "T14.3.1.8": ("events_by_dose", "table", {"main": made["dose"]}, {}),
        "L16.2.7": ("listing", "table", {"main": made["listed"]}, {"columns": columns}),
        "L14.3.3": ("narratives", "table", {"main": made["listed"]}, {"facts": columns}),
    }
