"""Addresses of the pages: the Applications list, its editor, the Browse dialogs and the people who sign in."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from provisioning.views import accounts, applications

APPLICATIONS = "provisioning/environment/applications/"

urlpatterns = [
    path("", accounts.home, name="home"),
    path("login/", accounts.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/password/", accounts.ChangePassword.as_view(), name="password-change"),
    path("account/display/", accounts.display, name="display"),
    path(APPLICATIONS, applications.application_list, name="application-list"),
    path(f"{APPLICATIONS}action/", applications.application_action, name="application-action"),
    path(f"{APPLICATIONS}<int:pk>/clone/", applications.application_clone, name="application-clone"),
    path(f"{APPLICATIONS}<int:pk>/delete/", applications.application_delete, name="application-delete"),
    path(f"{APPLICATIONS}<int:pk>/install/", applications.application_install, name="application-install"),
    path(f"{APPLICATIONS}<int:pk>/status/", applications.application_status, name="application-status"),
    path("", include("provisioning.urls_operations")),
]
