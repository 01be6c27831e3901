"""Names in the order of people, and search whatever case and accents: on SQLite, and on PostgreSQL by a scenario."""

import ast
import re

import pytest
from django.contrib.auth.models import User
from django.db.models import Value
from django.utils import timezone

from provisioning.accounts.selectors.users import user_list
from provisioning.applications.selectors.applications import application_list
from provisioning.catalog.selectors import package_list, template_list
from provisioning.core.events import event_list
from provisioning.hosts.selectors.hosts import host_list
from provisioning.models import Application, ApplicationTemplate, Event, Host, InstallationPackage
from provisioning.pairs.selectors.page import pair_list
from provisioning.spelling import Plain, SortKey, before, plain, sort_key
from tests.factories import make_application, make_host, make_package, make_pair, make_template, make_user
from tests.sources import sources

pytestmark = pytest.mark.django_db
IN_ORDER = ["010", "255 x", "a.b", "Apfel", "Äpfel", "apfel 3", "Łódź", "MS", "MS_2", "MS_10", "Noisy", "zebra",
            "Ωmega", "日本 サーバ #1"]
ODD = [*IN_ORDER, "", "STRASSE", "Straße", "İstanbul", "ısı", "Æsir", "œuvre", "ΣΊΣΥΦΟΣ", "ø1", "００7", "ﬁle 12",
       "0" * 30 + "7", "9" * 25, "MS/../x 'q' üß %s {{7*7}} \\1 $1", "a\u0301b", "naïve_2", "100%", "x_y"]


@pytest.mark.parametrize("text", ODD)
def test_the_database_spells_as_the_declaration_does(text):
    make_host()
    rows = Host.objects.annotate(plain=Plain(Value(text)), key=SortKey(Value(text)))
    assert rows.values_list("plain", "key").first() == (plain(text), sort_key(text))


def test_names_are_ordered_by_numbers_and_letters_whatever_case_and_accents():
    assert sorted(set(IN_ORDER), key=lambda name: (sort_key(name), name)) == IN_ORDER
    assert plain("ÄPFEL") == plain("Apfel") == "apfel"
    assert (sort_key(None), plain(None), sort_key("")) == (None, None, "")


@pytest.mark.parametrize(("make", "rows"), [
    (make_application, application_list), (make_application, Application.objects.all), (make_template, template_list),
    (make_template, ApplicationTemplate.objects.all), (make_host, host_list), (make_host, Host.objects.all),
    (lambda name: make_package(name=name, version=name), package_list),
    (lambda name: make_package(name=name), InstallationPackage.objects.all), (make_user, user_list)])
def test_every_list_by_name_is_in_that_order(make, rows):
    User.objects.all().delete()
    for name in reversed(IN_ORDER):
        make(name)
    names = [getattr(row, "username" if isinstance(row, User) else "name") for row in rows()]
    assert [name for name in names if name in IN_ORDER] == IN_ORDER


def test_descending_is_the_same_order_from_its_end_and_names_of_others_are_ordered_alike():
    for name in reversed(IN_ORDER):
        make_application(f"on {name}", host=make_host(name))
    assert [row.host.name for row in application_list(sort="host")] == IN_ORDER
    assert [row.name for row in host_list(sort="-name")] == IN_ORDER[::-1]


def test_pairs_that_are_equally_well_are_ordered_by_name():
    for name in ("MS_10", "MS_2", "Äpfel"):
        primary, backup = make_pair()
        Application.objects.filter(pk=backup.pk).update(name=f"{name} b")
        Application.objects.filter(pk=primary.pk).update(name=name)
    assert [row.facts.primary.name for row in pair_list()[:]] == ["Äpfel", "MS_2", "MS_10"]


def test_what_comes_before_a_name_is_what_its_list_shows_above_it():
    twins = ["ms_2", "MS_02", "Ms_2"]
    for name in [*IN_ORDER, *twins]:
        make_application(name)
    listed = [row.name for row in application_list()]
    assert [[row.name for row in before(application_list(), "name", name)] for name in listed] == [
        listed[:place] for place in range(len(listed))]


@pytest.mark.parametrize("text", ["äpfel", "ÄPFEL", "Apfel", "apf", "ﬁ", "FI", "straße", "STRASSE"])
def test_a_search_finds_whatever_case_and_accents(text):
    make_application("Äpfel finden in der Straße"), make_application("Birne")
    Event.objects.create(at=timezone.now(), number=5, text="Äpfel finden in der STRASSE")
    assert [row.name for row in application_list(text=text)] == ["Äpfel finden in der Straße"]
    assert len(event_list(text=text)) == 1


@pytest.mark.parametrize("text", ["%", "_", "\\", "'"])
def test_signs_of_the_databases_own_mean_themselves(text):
    make_application("plain"), make_application(f"a{text}b")
    assert [row.name for row in application_list(text=text)] == [f"a{text}b"]


def test_nobody_orders_or_searches_names_in_another_way():
    """The kind: a list by bare names, a place in it by bare names, or a search that one database does otherwise than
    the other."""
    bare = re.compile(r"-?(\w+__)?(name|username|user_name)\Z")
    others, wrong = re.compile(r"(?<!^section)__(icontains|istartswith|iendswith|iexact|iregex)\Z"
                               r"|(^|_)(user)?name__(lt|lte|gt|gte)\Z"), []
    for path, text in sources("provisioning", "control").items():
        if "/migrations/" in path:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "order_by":
                words = [each.value for each in node.args if isinstance(each, ast.Constant)]
                wrong += [f"{path}:{node.lineno} order_by({word!r})" for word in words if bare.match(word)]
            if isinstance(node, ast.keyword) and node.arg and others.search(node.arg):
                wrong.append(f"{path}:{node.value.lineno} {node.arg}")
    assert not wrong, "\n".join(wrong)
