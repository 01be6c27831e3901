"""Addresses of the pages: the Applications list, its editor, the Browse dialogs and the people who sign in."""

from django.urls import include, path

from provisioning.views import (
    accounts,
    application_editor,
    applications,
    browse,
    certificates,
    display,
    glossary,
    session_life,
    start_files,
)

APPLICATIONS = "provisioning/environment/applications/"

urlpatterns = [
    path("", accounts.home, name="home"),
    path("login/", accounts.SignIn.as_view(), name="login"),
    path("logout/", accounts.sign_out, name="logout"),
    path("account/", accounts.account, name="account"),
    path("account/password/", accounts.ChangePassword.as_view(), name="password-change"),
    path("account/session/", session_life.session, name="session"),
    path("account/display/", display.display, name="display"),
    path("help/glossary/", glossary.glossary, name="glossary"),
    path(APPLICATIONS, applications.application_list, name="application-list"),
    path(f"{APPLICATIONS}action/", applications.application_action, name="application-action"),
    path(f"{APPLICATIONS}new/", application_editor.new, name="application-new"),
    path(f"{APPLICATIONS}check/", application_editor.check, name="application-check"),
    path(f"{APPLICATIONS}fill/", application_editor.fill, name="application-fill"),
    path(f"{APPLICATIONS}<int:pk>/", application_editor.edit, name="application-edit"),
    path(f"{APPLICATIONS}<int:pk>/clone/", applications.application_clone, name="application-clone"),
    path(f"{APPLICATIONS}<int:pk>/delete/", applications.application_delete, name="application-delete"),
    path(f"{APPLICATIONS}<int:pk>/install/", applications.application_install, name="application-install"),
    path(f"{APPLICATIONS}<int:pk>/certificates/", certificates.application_certificates,
         name="application-certificates"),
    path(f"{APPLICATIONS}<int:pk>/start-files/", start_files.application_start_files, name="application-start-files"),
    path(f"{APPLICATIONS}<int:pk>/status/", applications.application_status, name="application-status"),
    path(f"{APPLICATIONS}<int:pk>/tab/<slug:tab>/", application_editor.tab, name="application-tab"),
    path("browse/templates/", browse.templates, name="browse-templates"),
    path("browse/templates/import/", browse.import_template, name="browse-templates-import"),
    path("browse/hosts/", browse.hosts, name="browse-hosts"),
    path("browse/applications/", browse.applications, name="browse-applications"),
    path("browse/servers/", browse.servers, name="browse-servers"),
    path("browse/names/<slug:kind>/", browse.names, name="browse-names"),
    path("browse/port-info/", browse.port_info, name="port-info"),
    path("browse/connection-info/", browse.connection_info, name="connection-info"),
    path("", include("provisioning.urls_operations")),
]
