"""Addresses of the documentation."""

from django.urls import path

from . import pages, views
from .facts import PAGE

urlpatterns = [
    path("docs/", views.document, name="manual"),
    path(f"docs/{pages.SEARCH}", views.search, name="manual-search"),
    path(f"docs/<path:chapter>{PAGE}", views.document, name="manual-document"),
    path("docs/<path:file>", views.file, name="manual-file"),
]
