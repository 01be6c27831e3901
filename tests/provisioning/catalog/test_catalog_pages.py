"""Pages of Application Templates and Installation Packages."""

import hashlib
import io
import tarfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from provisioning.catalog import forms as imports
from provisioning.models import ApplicationTemplate, InstallationPackage
from tests import factories
from tests.html import flat

pytestmark = pytest.mark.django_db
APD = b"""[Template]
name = Message_Server
type = MessageServer
version = 8.5.100.01
"""


@pytest.fixture(autouse=True)
def _quiet(no_broker, no_control, settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
    settings.PAIRWISE_PACKAGES_DIR.mkdir()


def archive(description):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in (("ip_description.xml", description), ("checksums.sha256", b"")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


# --- templates


def test_templates_are_listed_with_how_many_use_them(support):
    template = factories.make_template()
    factories.make_application(template=template)
    page = support.get(reverse("template-list"))
    assert [(row.name, row.application_count) for row in page.context["page"]] == [("Message_Server", 1)]
    assert "Your role does not let you import" in page.text


def test_a_template_shows_options_with_help_ports_and_who_uses_it(administrator):
    template = factories.make_template()
    factories.make_application("MS_Primary", template=template)
    text = administrator.get(reverse("template-detail", args=[template.pk])).text
    for fact in ("[log]", "verbose", "standard", "How much is logged.", "7001", "sync", "MS_Primary"):
        assert fact in text


def test_a_file_with_another_ending_or_too_large_is_refused_next_to_the_field(administrator, monkeypatch):
    monkeypatch.setattr(imports.TemplateImportForm, "size_max", 10)
    for name, content, sentence in (("x.txt", b"a", "Choose a file that ends in .apd"),
                                    ("x.apd", b"a" * 11, "at most 10")):
        page = administrator.post(reverse("template-import"), {"file": SimpleUploadedFile(name, content)})
        assert page.status_code == 422
        assert sentence in page.context["form"].errors["file"][0]


def test_no_file_is_said_next_to_the_field(administrator):
    page = administrator.post(reverse("template-import"), {"file": ""})
    assert "Choose a file." in page.text


def test_rubbish_is_refused_by_the_service_with_a_sentence(administrator):
    page = administrator.post(reverse("template-import"), {"file": SimpleUploadedFile("x.apd", b"\xff\x00rubbish")})
    assert page.status_code == 422
    assert "x.apd cannot be imported." in page.context["form"].errors["file"][0]
    assert not ApplicationTemplate.objects.exists()


def test_a_template_that_is_used_is_not_deleted(administrator):
    template = factories.make_template()
    factories.make_application("MS_Primary", template=template)
    url = reverse("template-delete", args=[template.pk])
    assert "so it cannot be deleted" in administrator.get(url).text
    page = administrator.post(url, follow=True)
    assert ApplicationTemplate.objects.exists()
    assert "cannot be deleted while applications are based on it" in page.text


def test_a_template_that_nothing_uses_is_deleted(administrator):
    template = factories.make_template()
    page = administrator.post(reverse("template-delete", args=[template.pk]), follow=True)
    assert not ApplicationTemplate.objects.exists()
    assert "was deleted" in page.text


# --- packages


def test_a_package_is_complete_while_its_file_is_whole(administrator, settings):
    content = b"stored"
    (settings.PAIRWISE_PACKAGES_DIR / "a.tar.gz").write_bytes(content)
    whole = factories.make_package(path="a.tar.gz", size=6, sha256=hashlib.sha256(content).hexdigest())
    broken = factories.make_package(path="gone.tar.gz", name="Other Server")
    page = administrator.get(reverse("package-list"))
    assert [(row.name, word) for row, word, _ in page.context["rows"]] == [
        (whole.name, "Complete"), (broken.name, "Incomplete")]
    assert "Import the package again." in administrator.get(reverse("package-detail", args=[broken.pk])).text
    assert whole.sha256 in administrator.get(reverse("package-detail", args=[whole.pk])).text


def test_a_file_that_is_no_package_is_refused_and_nothing_is_kept(administrator, settings):
    upload = SimpleUploadedFile("ms.tar.gz", archive(b"<rubbish/>"))
    page = administrator.post(reverse("package-import"), {"file": upload})
    assert page.status_code == 422
    assert "ms.tar.gz cannot be imported." in page.context["form"].errors["file"][0]
    assert not InstallationPackage.objects.exists()
    assert list(settings.PAIRWISE_PACKAGES_DIR.iterdir()) == []


def test_a_package_that_is_too_large_is_refused(administrator, monkeypatch):
    monkeypatch.setattr(imports.PackageImportForm, "size_max", 10)
    page = administrator.post(reverse("package-import"), {"file": SimpleUploadedFile("ms.tar.gz", b"a" * 11)})
    assert "at most 10" in page.context["form"].errors["file"][0]


def test_delete_takes_the_file_along(administrator, settings):
    stored = settings.PAIRWISE_PACKAGES_DIR / "a.tar.gz"
    stored.write_bytes(b"stored")
    package = factories.make_package(path="a.tar.gz", size=6)
    url = reverse("package-delete", args=[package.pk])
    assert "What is installed on hosts stays" in flat(administrator.get(url))
    administrator.post(url)
    assert not InstallationPackage.objects.exists()


@pytest.mark.parametrize(("name", "make"), [
    ("template-detail", None), ("package-detail", None), ("template-delete", None), ("package-delete", None)])
def test_what_is_gone_is_not_found(administrator, name, make):
    assert administrator.get(reverse(name, args=[999])).status_code == 404


def test_the_client_for_python_is_offered_once_it_is_built(support, settings, tmp_path):
    settings.PAIRWISE_CLIENT_DIR = tmp_path
    address = reverse("client-package")
    assert address not in support.get(reverse("package-list")).content.decode()
    assert "has not been built on this machine" in support.get(address, follow=True).content.decode()
    (tmp_path / "pairwise_client-0.1.0-py3-none-any.whl").write_bytes(b"wheel")
    assert address in support.get(reverse("package-list")).content.decode()
    answer = support.get(address)
    assert answer.content == b"wheel"
    assert answer["Content-Disposition"] == 'attachment; filename="pairwise_client-0.1.0-py3-none-any.whl"'
