"""Addresses of History."""

from django.urls import path

from .views import history

urlpatterns = [
    path("operations/history/", history.history, name="history"),
    path("operations/history/export/<slug:list_format>/", history.export, name="history-export"),
    path("operations/history/deleted/", history.deleted, name="history-deleted"),
    path("operations/history/<int:pk>/", history.entry, name="history-entry"),
    path("operations/history/<int:pk>/restore/", history.restore, name="history-restore"),
]
