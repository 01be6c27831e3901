"""Uploads: an Application Template (.apd) and an Installation Package (.tar.gz)."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from .services.packages import MAX_BYTES

APD_MAX = 1024 * 1024


class _UploadForm(forms.Form):
    """One file of a bounded size and a known ending."""

    endings: tuple[str, ...] = ()
    size_max = 0

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        if not file.name.lower().endswith(self.endings):
            raise forms.ValidationError(f"Choose a file that ends in {' or '.join(self.endings)}.")
        if file.size > self.size_max:
            raise forms.ValidationError(
                f"The file has {filesizeformat(file.size)}; at most {filesizeformat(self.size_max)} can be imported.")
        return file


class TemplateImportForm(_UploadForm):
    endings, size_max = (".apd",), APD_MAX
    file = forms.FileField(
        label="File", max_length=255, error_messages={"required": "Choose a file."},
        widget=forms.ClearableFileInput(attrs={"accept": ".apd", "class": "input file"}),
        help_text="The .apd file that comes with the Installation Package, for example Message_Server_<version>.apd.")


class PackageImportForm(_UploadForm):
    endings, size_max = (".tar.gz", ".tgz"), MAX_BYTES
    file = forms.FileField(
        label="File", max_length=255, error_messages={"required": "Choose a file."},
        widget=forms.ClearableFileInput(attrs={"accept": ".tar.gz,.tgz", "class": "input file"}),
        help_text=f"A .tar.gz with an ip_description.xml, at most {filesizeformat(MAX_BYTES)}. "
                  "It is checked before it is stored.")
