"""Lists as files."""

import json
from types import SimpleNamespace

import pytest
from django.http import Http404

from provisioning.core.csv_cells import BOM
from provisioning.models import Event
from provisioning.web import exports
from provisioning.web.exports import Sheet, file_of, newest_first
from tests import factories

SHEET = Sheet("pairwise-things", "things", ("name", "more"))


def written(kind: str, rows, method: str = "GET"):
    return file_of(SimpleNamespace(method=method), kind, SHEET, lambda: rows)


def test_a_cell_is_no_formula_and_holds_lists_as_json():
    answer = written("csv", [{"name": "=1+1", "more": [{"a": 1}]}])
    assert answer.getvalue().decode() == f'{BOM}name,more\r\n\'=1+1,"[{{""a"": 1}}]"\r\n'
    assert answer["Content-Disposition"].startswith('attachment; filename="pairwise-things-')
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_says_whether_it_is_complete(count, monkeypatch):
    monkeypatch.setattr(exports, "MOST", 2)
    found = json.loads(written("json", [{"name": str(each), "more": None} for each in range(count)]).getvalue())
    assert found["complete"] == (count <= 2)
    assert [each["name"] for each in found["things"]] == [str(each) for each in range(min(count, 2))]


def test_csv_ends_with_a_sentence_where_more_match(monkeypatch):
    monkeypatch.setattr(exports, "MOST", 1)
    lines = written("csv", [{"name": str(each), "more": ""} for each in range(2)]).getvalue().decode().splitlines()
    assert lines[1:] == ["0,", "More rows match than the 1 that a file takes."]


def test_head_reads_nothing_and_other_formats_are_not_there():
    def never():
        raise AssertionError("rows are read")

    assert file_of(SimpleNamespace(method="HEAD"), "csv", SHEET, never).content == b""
    with pytest.raises(Http404):
        written("xls", [])


@pytest.mark.django_db
def test_rows_are_read_some_at_a_time_newest_first(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    now = factories.timezone.now()
    keys = [Event.objects.create(at=now, text=str(each)).pk for each in range(5)]
    with django_assert_num_queries(3):
        assert [row.pk for row in newest_first(Event.objects.all(), "id")] == keys[::-1]
    assert [row.pk for row in newest_first(Event.objects.all(), "id", most=3)] == keys[:1:-1]
