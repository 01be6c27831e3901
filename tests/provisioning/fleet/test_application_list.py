"""The Applications list: what it shows, filters, sorts and pages."""

import pytest

from provisioning.states import ApplicationStatus
from tests import factories
from tests.provisioning.posted import LIST, script

pytestmark = pytest.mark.django_db


def names(answer):
    return [row.name for row, _ in answer.context["rows"]]


def test_an_empty_list_says_what_to_do_next(administrator):
    page = administrator.get(LIST).content.decode()
    assert "There are no applications yet" in page
    assert "New application" in page


def test_a_row_shows_type_host_ports_status_mode_and_backup(administrator):
    host = factories.make_host("ms-host")
    backup = factories.make_application("MS_Backup", host=host)
    factories.make_application("MS_Primary", host=host, backup_server=backup, ports={"default": 7001},
                               status=ApplicationStatus.STARTED, mode="Primary")
    page = administrator.get(LIST).content.decode()
    for text in ("MS_Primary", "Message Server", "ms-host", "7001", "Enabled", "Started", "Primary", "MS_Backup"):
        assert text in page


@pytest.mark.parametrize(("query", "found"), [
    ("q=site", ["Site_A", "Site_B"]), ("host=east", ["Site_A"]), ("status=Started", ["Site_B"]),
    ("type=GenericClient", ["Client"]), ("q=site&sort=-name", ["Site_B", "Site_A"]), ("sort=nonsense", None),
])
def test_filters_and_sort_come_from_the_address(administrator, query, found):
    east, west = factories.make_host("east"), factories.make_host("west")
    factories.make_application("Site_A", host=east, status=ApplicationStatus.STOPPED)
    factories.make_application("Site_B", host=west, status=ApplicationStatus.STARTED)
    client_template = factories.make_template("Client_T", type="GenericClient", ports=[])
    factories.make_application("Client", template=client_template)
    assert names(administrator.get(f"{LIST}?{query}")) == (found or ["Client", "Site_A", "Site_B"])


def test_the_count_says_how_many_of_how_many(administrator):
    for name in ("A_one", "A_two", "B"):
        factories.make_application(name)
    assert "<strong>2</strong> of 3" in administrator.get(f"{LIST}?q=A_").content.decode()
    assert "<strong>3</strong> applications" in administrator.get(LIST).content.decode()


def test_a_filter_without_hits_offers_the_whole_list(administrator):
    factories.make_application("A")
    page = administrator.get(f"{LIST}?q=zzz").content.decode()
    assert "No application matches this filter" in page
    assert "Show all 1" in page


def test_a_script_gets_the_rows_alone_and_a_shareable_address(administrator):
    factories.make_application("A")
    answer = administrator.get(f"{LIST}?q=A&type=&sort=name", headers=script("rows"))
    assert "<html" not in answer.content.decode()
    assert answer["HX-Push-Url"] == f"{LIST}?q=A&sort=name"


def test_a_refresh_keeps_the_address(administrator):
    answer = administrator.get(f"{LIST}?refresh=1", headers=script("rows"))
    assert "HX-Push-Url" not in answer


def test_back_in_the_browser_gets_the_whole_page(administrator):
    headers = {**script("rows"), "HX-History-Restore-Request": "true"}
    assert "<html" in administrator.get(LIST, headers=headers).content.decode()


@pytest.mark.parametrize(("query", "count", "first"), [
    ("", 50, "S000"), ("page=2", 50, "S050"), ("size=100", 100, "S000"), ("size=100&page=99", 20, "S100"),
    ("size=7", 50, "S000"), ("page=x", 50, "S000"),
])
def test_pages(administrator, query, count, first):
    for number in range(120):
        factories.make_application(f"S{number:03d}")
    answer = administrator.get(f"{LIST}?{query}")
    assert (len(names(answer)), names(answer)[0]) == (count, first)


def test_a_saved_row_is_on_the_page_that_opens(administrator):
    rows = [factories.make_application(f"S{number:03d}") for number in range(60)]
    answer = administrator.get(f"{LIST}?saved={rows[55].pk}")
    assert "S055" in names(answer)
    assert "data-saved" in answer.content.decode()


@pytest.mark.parametrize(("name", "number"), [("MS_7", 1), ("MS_50", 1), ("MS_51", 2), ("ms_9", 1), ("Ms_60", 2)])
def test_a_saved_row_is_looked_for_where_the_order_of_names_puts_it(administrator, name, number):
    for each in {f"MS_{count}" for count in range(1, 61)} - {name.upper()}:
        factories.make_application(each)
    row = factories.make_application(name)
    answer = administrator.get(f"{LIST}?saved={row.pk}")
    assert (answer.context["page"].number, name in names(answer)) == (number, True)


def test_a_page_costs_the_same_number_of_queries_at_1_and_30_rows(administrator, django_assert_max_num_queries):
    host = factories.make_host()

    def make(count):
        for _ in range(count):
            factories.make_application(host=host, ports={"default": 7001}, status=ApplicationStatus.STARTED)

    def queries():
        with django_assert_max_num_queries(20) as counted:
            administrator.get(LIST)
        return len(counted)

    make(1)
    queries()
    few = queries()
    make(29)
    assert queries() == few


def test_the_sorted_column_says_so(administrator):
    factories.make_application("A")
    page = administrator.get(f"{LIST}?sort=-host").content.decode()
    assert page.count('aria-sort="descending"') == 1
    assert 'aria-sort="ascending"' not in page


def test_a_row_says_why_an_action_is_blocked(administrator):
    factories.make_application("MS", host=factories.make_host(), status=ApplicationStatus.STARTED)
    page = administrator.get(LIST).content.decode()
    assert "MS runs already: it is Started." in page.replace("&quot;", '"')


def test_support_sees_the_list_and_why_it_cannot_act(support):
    factories.make_application("MS")
    page = support.get(LIST).content.decode()
    assert "MS" in page
    assert ("Your role does not let you create, change and delete applications, and set up the log. "
            "Ask for the role Administrator.") in page


def test_status_fragment_shows_what_is_true_now(administrator):
    row = factories.make_application("MS", host=factories.make_host(), status=ApplicationStatus.STARTED, mode="Primary")
    page = administrator.get(f"{LIST}{row.pk}/status/", headers=script()).content.decode()
    assert f'data-live-topic="application:{row.pk}"' in page
    assert "Started" in page
    assert "Primary" in page
    editor = administrator.get(f"{LIST}{row.pk}/status/?in=editor", headers=script()).content.decode()
    assert 'id="live-verbs"' in editor
    assert "MS runs already: it is Started." in editor


def test_of_a_deleted_application_its_editor_says_so_and_its_row_goes_with_the_list(administrator):
    answer = administrator.get(f"{LIST}999/status/?in=editor", headers=script())
    assert answer.status_code == 404
    assert "does not exist any more" in answer.content.decode()
    assert administrator.get(f"{LIST}999/status/", headers=script()).status_code == 204
