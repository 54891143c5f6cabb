"""Documents to JSON and back."""

import json

import pytest

from nirls.ard.schema import KEY
from nirls.tlf.document import from_json, stem, to_json
from tests.tlf.display_trial import plans


def test_round_trip_of_every_layout(made):
    for number, (document, rendered) in made.items():
        text = rendered["json"].decode()
        assert from_json(text) == document, number
        assert to_json(from_json(text)) == text, number


def test_a_field_too_many_or_too_few_is_an_error(made):
    raw = json.loads(made["T14.1.1"][1]["json"])
    with pytest.raises(ValueError, match="title"):
        from_json(json.dumps({k: v for k, v in raw.items() if k != "title"}))
    with pytest.raises(ValueError, match="kind"):
        from_json(json.dumps(raw | {"kind": "picture"}))


def test_stem():
    assert stem("T14.2.1.1") == "t14-2-1-1"


def test_every_document_carries_stamps_source_and_population(made):
    for number, (document, _) in made.items():
        assert document.stamps == ("SYNTHETIC DATA — not evidence",), number
        assert document.source == "data cut 2026-06-30 · input 01234567 · plan fedcba98"
        assert document.population.startswith("Shows "), number
        assert document.analyses, number


def test_every_number_of_a_table_names_its_rows(made, world):
    for number, (_, ards, _) in plans(world).items():
        document = made[number][0]
        if document.kind != "table":
            continue
        known = {tuple(v for v in row if v) for a in ards.values() for row in a[list(KEY)].itertuples(index=False)}
        cells = [cell for row in document.rows for cell in row.cells if any(c.isdigit() for c in cell.text)]
        assert cells, number
        for cell in cells:
            assert cell.refs or cell.text == "0", (number, cell)
            for ref in cell.refs:
                for stat in ref.stats:
                    assert (*(ref.key[c] for c in KEY if c in ref.key), stat) in known, (number, cell)
