"""The page and the manifest from files to files."""

import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from nirls.ard.io import write_table
from nirls.report.errors import ReportError

from .conftest import SENTENCE


class Outline(HTMLParser):
    """Tags, ids, headings and texts in document order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.headings, self._open = [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if re.fullmatch("h[1-6]", tag):
            self._open = [int(tag[1]), ""]
            self.headings.append(self._open)

    def handle_data(self, data):
        if self._open is not None:
            self._open[1] += data

    def handle_endtag(self, tag):
        if re.fullmatch("h[1-6]", tag):
            self._open = None


def test_page_needs_no_other_file(make):
    text = make().build()
    page = Outline(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base"}
    for tag, given in page.tags:
        for key in ("src", "href", "xlink:href", "srcset", "data"):
            assert given.get(key, "#").startswith("#"), (tag, key)
    assert "http://" not in text and "https://" not in text and "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_same_files_same_bytes(make):
    first, second = make(), make()
    assert first.build() == second.build()
    assert Path(first.outputs.manifest).read_bytes() == Path(second.outputs.manifest).read_bytes()
    assert first.inputs.displays != second.inputs.displays, "the two trials must lie in different folders for this to mean anything"


def test_ids_are_unique_and_links_lead_somewhere(make):
    page = Outline(make().build())
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    used = [value[1:] for tag, given in page.tags if tag == "use" for key, value in given.items() if key == "href"]
    assert used == ["f14-2-1-m1", "f14-1-1-m1"] and set(used) <= set(page.ids)


def test_answer_figure_table_method_in_this_order(make):
    text = make().build()
    body = text[text.index("<main") :]
    chapters = ['id="participants"', 'id="data-quality"', 'id="provenance"']
    marks = ["Does near-infrared light beat sham?", SENTENCE, 'id="f14-2-1"', 'id="t14-2-1"', "How it was computed", *chapters]
    assert [body.count(m) >= 1 for m in marks] == [True] * len(marks)
    places = [body.index(m) for m in marks]
    assert places == sorted(places)
    assert re.sub(r"<[^>]+>|\s+", "", body[: places[0]]) == "Primaryresult", "nothing but the chapter's name stands before the question"


def test_everything_an_answer_says_is_shown(make):
    text = make().build()
    card = text[text.index('id="a1"') : text.index('id="f14-2-1"')]
    for part in (
        "−3.12",
        "(−5.40, −0.84)",
        "0.0075",
        "Participants could guess their device.",
        "Shows 97 of 102 subjects.",
        "data cut 2026-06-30",
    ):
        assert part in card
    assert "Favours the treatment asked about" in card
    after = text[text.index('id="f14-2-1"') : text.index('id="t14-2-1"')]
    assert "NIR 18 J/cm²" in after and "−1.07 (95% CI −2.98 to 0.84; p = 0.2719)" in after, "other comparisons stand under the figure"


def test_headings_do_not_skip_a_level(make):
    levels = [level for level, _ in Outline(make().build()).headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_stamps(make):
    assert "SYNTHETIC DATA — not evidence" in make().build()
    assert "DUMMY TREATMENT CODES" not in make().build()
    blinded = make(blinding="blinded").build()
    head = blinded[blinded.index("<header") : blinded.index("</header>")]
    assert "SYNTHETIC DATA — not evidence" in head and "DUMMY TREATMENT CODES" in head


def test_stamp_on_every_printed_page(make):
    text = make(blinding="blinded").build()
    escaped = re.search(r'@top-left \{ content: "([^"]*)"; \}', text)[1]
    # a CSS escape takes the one space after it along
    assert re.sub(r"\\([0-9a-f]{6}) ", lambda m: chr(int(m[1], 16)), escaped) == "SYNTHETIC DATA — not evidence · DUMMY TREATMENT CODES"


def test_display_outside_every_section_is_shown(make):
    trial = make()
    sections = [s.model_copy(update={"displays": [d for d in s.displays if d != "T14.1.1"]}) for s in trial.plan.displays.report]
    displays = trial.plan.displays.model_copy(update={"report": sections})
    trial.plan = type(trial.plan)(**{f: getattr(trial.plan, f) for f in trial.plan.__slots__ if f != "displays"}, displays=displays)
    text = trial.build()
    assert text.index('id="other-displays"') < text.index('<section class="nd" id="t14-1-1"') < text.index('id="data-quality"')


def test_display_with_a_page_of_its_own_is_linked(make):
    trial = make()
    shown = trial.plan.displays.displays
    displays = trial.plan.displays.model_copy(
        update={"displays": shown | {"T14.1.1": shown["T14.1.1"].model_copy(update={"separate": True})}}
    )
    trial.plan = type(trial.plan)(**{f: getattr(trial.plan, f) for f in trial.plan.__slots__ if f != "displays"}, displays=displays)
    page = Outline(text := trial.build())
    assert [link for link in page.links if not link.startswith("#")] == ["../tlf/t14-1-1.html"] and page.ids.count("t14-1-1") == 1
    assert '<section class="nd" id="t14-1-1"' not in text and "#t14-1-1" in page.links


def test_display_named_twice_is_shown_once(make):
    trial = make()
    sections = [*trial.plan.displays.report, trial.plan.displays.report[1].model_copy(update={"title": "Participants"})]
    displays = trial.plan.displays.model_copy(update={"report": sections})
    trial.plan = type(trial.plan)(**{f: getattr(trial.plan, f) for f in trial.plan.__slots__ if f != "displays"}, displays=displays)
    text = trial.build()
    assert text.count('id="f14-1-1"') == 1 and text.count("stands further up") == 2 and 'id="participants-2"' in text


def test_manifest_holds_every_file(make):
    trial = make()
    trial.build()
    found = trial.manifest()
    folder = Path(trial.outputs.html).parents[1]
    assert set(found["results"]) == {
        *(f"tlf/{n}" for n in ("a1.json", "t14-1-1.json", "t14-2-1.json", "f14-1-1.json", "f14-1-1.svg", "f14-2-1.json", "f14-2-1.svg")),
        "ard/primary.parquet", "ard/disposition.parquet", "adam/adqs.accounts.csv", "adam/adsl.parquet", "report/report.html",
        "sdtm/findings.csv", "sdtm/accounts.csv", "sdtm/rules.csv", "sdtm/manifest.json",
    }  # fmt: skip
    for name, digest in found["results"].items():
        assert digest == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert found["raw"] == {"dm.csv": "a" * 64, "qs.csv": "b" * 64}
    assert found["code"]["analyses"] == {"primary": "c0dec0dec0dec0de", "disposition": "c0dec0dec0dec0de"}
    assert str(folder.parent) not in Path(trial.outputs.manifest).read_text() + Path(trial.outputs.html).read_text()


def test_absent_document_is_named(make):
    trial = make()
    trial.inputs.displays = [p for p in trial.inputs.displays if not p.endswith("t14-2-1.json")]
    with pytest.raises(ReportError, match=r"T14\.2\.1 .* t14-2-1\.json"):
        trial.build()


def test_absent_files_are_named_together(make):
    trial = make()
    Path(trial.inputs.ards[0]).unlink()
    Path(trial.inputs.findings).with_name("rules.csv").unlink()
    with pytest.raises(ReportError, match=r"primary\.parquet, .*rules\.csv; run the stages"):
        trial.build()


def test_absent_results_are_named(make):
    trial = make()
    trial.inputs.ards = trial.inputs.ards[:1]
    with pytest.raises(ReportError, match="disposition"):
        trial.build()


def test_document_of_another_display_is_refused(make):
    trial = make()
    paths = {Path(p).name: Path(p) for p in trial.inputs.displays}
    paths["t14-1-1.json"].write_text(paths["t14-2-1.json"].read_text())
    with pytest.raises(ReportError, match=r"T14\.2\.1, not of T14\.1\.1"):
        trial.build()


def test_texts_of_data_are_not_markup(make):
    text = make().build()
    assert "&lt;b&gt;5&lt;/b&gt;" in text and "<b>5</b>" not in text


def test_adsl_is_not_opened_while_blinded(make):
    trial = make(blinding="blinded")
    write_table(pd.DataFrame({"USUBJID": ["T-001"]}), trial.inputs.adsl)
    trial.build()
    trial = make()
    write_table(pd.DataFrame({"USUBJID": ["T-001"]}), trial.inputs.adsl)
    with pytest.raises(Exception, match="TRT01P"):
        trial.build()


def test_other_comparisons_are_shown_without_a_figure(make):
    trial = make()
    sections = [s.model_copy(update={"displays": [d for d in s.displays if d[0] == "T"]}) for s in trial.plan.displays.report]
    displays = trial.plan.displays.model_copy(update={"report": sections})
    trial.plan = type(trial.plan)(**{f: getattr(trial.plan, f) for f in trial.plan.__slots__ if f != "displays"}, displays=displays)
    assert trial.build().count("−1.07 (95% CI −2.98 to 0.84; p = 0.2719)") == 1


def test_a_figure_of_another_analysis_does_not_come_between_answer_and_comparisons(make):
    """The figure of the answer's own analysis stands beside the answer; any other stays where the plan puts it."""
    trial = make()
    own = trial.build()
    place = "Other comparisons, same model"
    assert own.index("<svg") < own.index(place)
    path = Path(next(p for p in trial.inputs.displays if p.endswith("f14-2-1.json")))
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | {"analyses": {"main": "disposition"}}), encoding="utf-8")
    other = trial.build()
    assert other.index(place) < other.index("<svg")
