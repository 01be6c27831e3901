"""Addresses of the pages: the Applications list, its editor, the Browse dialogs and the people who sign in."""

from django.urls import include, path

urlpatterns = [
    path("", include("provisioning.urls_operations")),
]
