"""Addresses of what belongs to no thing."""

from django.urls import path

from . import display, glossary, stream

urlpatterns = [
    path("account/display/", display.display, name="display"),
    path("help/glossary/", glossary.glossary, name="glossary"),
    path("stream/", stream.stream, name="stream"),
]
