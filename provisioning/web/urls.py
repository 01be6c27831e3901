"""Addresses of what belongs to no thing."""

from django.urls import path

from . import display, stream

urlpatterns = [
    path("account/display/", display.display, name="display"),
    path("stream/", stream.stream, name="stream"),
]
