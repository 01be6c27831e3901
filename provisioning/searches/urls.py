"""Addresses of saved searches."""

from django.urls import path

from . import views

urlpatterns = [
    path("searches/<slug:list_name>/new/", views.search_new, name="search-new"),
    path("searches/<int:pk>/delete/", views.search_delete, name="search-delete"),
]
