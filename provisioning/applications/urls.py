"""Addresses of the Application editor."""

from django.urls import path

from .views import editor, passcode

urlpatterns = [
    path("provisioning/environment/applications/new/", editor.new, name="application-new"),
    path("provisioning/environment/applications/check/", editor.check, name="application-check"),
    path("provisioning/environment/applications/fill/", editor.fill, name="application-fill"),
    path("provisioning/environment/applications/passcode/", passcode.passcode, name="application-passcode"),
    path("provisioning/environment/applications/<int:pk>/", editor.edit, name="application-edit"),
    path("provisioning/environment/applications/<int:pk>/tab/<slug:tab>/", editor.tab, name="application-tab"),
]
