"""Addresses of the logs of servers."""

from django.urls import path

from . import views

_OF = "provisioning/environment/applications/<int:pk>/server-log/"
urlpatterns = [
    path(_OF, views.server_log, name="application-server-log"),
    path(f"{_OF}lines/", views.lines, name="application-server-log-lines"),
    path(f"{_OF}download/", views.download, name="application-server-log-download"),
    path(f"{_OF}detail/", views.more_detail, name="application-server-log-detail"),
]
