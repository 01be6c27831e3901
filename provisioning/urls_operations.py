"""Addresses of Jobs, Hosts, Application Templates, Installation Packages, Monitoring, History and of machines."""

from django.urls import include, path

from provisioning.views import (
    audit_exports,
    audit_sheet,
    audits,
    batches,
    drills,
    health,
    history,
    host_api,
    hosts,
    jobs,
    joining,
    monitoring,
    packages,
    pair_verbs,
    pairs,
    ssh_joining,
    stream,
    support_bundles,
    synchronize,
    templates,
    users,
    waivers,
)

ENVIRONMENT = [
    path("hosts/", hosts.host_list, name="host-list"),
    path("hosts/new/", hosts.host_new, name="host-new"),
    path("hosts/<int:pk>/", hosts.host_detail, name="host-detail"),
    path("hosts/<int:pk>/edit/", hosts.host_edit, name="host-edit"),
    path("hosts/<int:pk>/delete/", hosts.host_delete, name="host-delete"),
    path("hosts/<int:pk>/ladder/", hosts.host_ladder, name="host-ladder"),
    path("hosts/<int:pk>/look/", hosts.host_look, name="host-look"),
    path("hosts/<int:pk>/join/", joining.host_join, name="host-join"),
    path("hosts/<int:pk>/join/ssh/", ssh_joining.host_join_ssh, name="host-join-ssh"),
    path("hosts/<int:pk>/join/revoke/", joining.host_join_revoke, name="host-join-revoke"),
    path("templates/", templates.template_list, name="template-list"),
    path("templates/import/", templates.template_import, name="template-import"),
    path("templates/<int:pk>/", templates.template_detail, name="template-detail"),
    path("templates/<int:pk>/delete/", templates.template_delete, name="template-delete"),
    path("packages/", packages.package_list, name="package-list"),
    path("packages/import/", packages.package_import, name="package-import"),
    path("packages/<int:pk>/", packages.package_detail, name="package-detail"),
    path("packages/<int:pk>/delete/", packages.package_delete, name="package-delete"),
]
ACCOUNTS = [
    path("users/", users.user_list, name="user-list"),
    path("users/new/", users.user_new, name="user-new"),
    path("users/<int:pk>/", users.user_detail, name="user-detail"),
    path("users/<int:pk>/roles/", users.user_roles, name="user-roles"),
    path("users/<int:pk>/reset/", users.user_reset, name="user-reset"),
    *(path(f"users/<int:pk>/{verb}/", users.user_verb, {"verb": verb}, name=f"user-{verb}")
      for verb in users.VERBS_OF_USERS),
]
OPERATIONS = [
    path("jobs/", jobs.job_list, name="job-list"),
    path("jobs/<uuid:pk>/", jobs.job_detail, name="job-detail"),
    path("jobs/<uuid:pk>/lines/", jobs.job_lines, name="job-lines"),
    path("jobs/<uuid:pk>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("jobs/<uuid:pk>/retry/", jobs.job_retry, name="job-retry"),
    path("jobs/batches/<uuid:pk>/", batches.batch_detail, name="batch-detail"),
    path("jobs/batches/<uuid:pk>/retry/", batches.batch_retry, name="batch-retry"),
    path("jobs/batches/<uuid:pk>/cancel/", batches.batch_cancel, name="batch-cancel"),
    path("history/", history.history, name="history"),
    path("history/deleted/", history.deleted, name="history-deleted"),
    path("history/<int:pk>/", history.entry, name="history-entry"),
    path("history/<int:pk>/restore/", history.restore, name="history-restore"),
]
PAIRS = [
    path("", pairs.pair_list, name="pair-list"),
    path("paused/", pairs.paused, name="pair-paused"),
    path("rows/", pairs.pair_rows, name="pair-rows"),
    path("<int:pk>/", pairs.pair_detail, name="pair-detail"),
    path("<int:pk>/part/<slug:part>/", pairs.pair_part, name="pair-part"),
    path("<int:pk>/bundle/", support_bundles.pair_bundle, name="pair-bundle"),
    path("<int:pk>/probe/", pairs.pair_probe, name="pair-probe"),
    *(path(f"<int:pk>/{verb}/", pair_verbs.pair_verb, {"verb": verb}, name=f"pair-{verb}")
      for verb in pair_verbs.VERBS),
    path("<int:pk>/drill/", drills.pair_drill, name="pair-drill"),
    path("<int:pk>/drills/", drills.pair_drills, name="pair-drills"),
    path("<int:pk>/drills/schedule/", drills.pair_drill_schedule, name="pair-drill-schedule"),
    path("<int:pk>/synchronize/", synchronize.pair_synchronize, name="pair-synchronize"),
    path("<int:pk>/exceptions/", synchronize.pair_except, name="pair-except"),
    path("<int:pk>/exceptions/<int:exception>/withdraw/", synchronize.pair_withdraw, name="pair-withdraw"),
]
AUDIT = [
    path("", audits.audit_list, name="audit-list"),
    path("run/", audits.audit_run, name="audit-run"),
    path("rules/", audits.audit_rules, name="audit-rules"),
    path("waivers/", waivers.waiver_list, name="audit-waivers"),
    path("waivers/<int:waiver>/withdraw/", waivers.waiver_withdraw, name="audit-waiver-withdraw"),
    path("<int:pk>/", audit_sheet.audit_sheet, name="audit-sheet"),
    path("<int:pk>/compare/", audit_sheet.audit_compare, name="audit-compare"),
    path("<int:pk>/findings/<int:finding>/waive/", waivers.finding_waive, name="audit-finding-waive"),
    path("<int:pk>/findings/<int:finding>/fix/", waivers.finding_fix, name="audit-finding-fix"),
    path("export/<slug:file_format>/", audit_exports.audit_export, name="audit-export"),
    path("<int:pk>/export/<slug:file_format>/", audit_exports.audit_pair_export, name="audit-pair-export"),
]
HOST_API = [
    path("packages/<int:pk>/file", host_api.package_file, name="host-package-file"),
    path("applications/<int:pk>/certificate", host_api.application_certificate, name="host-application-certificate"),
    path("applications/<int:pk>/secret", host_api.application_secret, name="host-application-secret"),
]
JOIN = [
    path("program", joining.program, name="join-program"),
    path("bundle", joining.archive, name="join-bundle"),
    path("stage", joining.stage, name="join-stage"),
    path("exchange", joining.exchange, name="join-exchange"),
    path("state", joining.state, name="join-state"),
    path("leave", joining.leave, name="join-leave"),
]

urlpatterns = [
    path("provisioning/environment/", include(ENVIRONMENT)),
    path("provisioning/accounts/", include(ACCOUNTS)),
    path("operations/", include(OPERATIONS)),
    path("monitoring/", monitoring.dashboard, name="monitoring"),
    path("monitoring/troubles/", monitoring.troubles, name="troubles"),
    path("monitoring/events/", monitoring.event_list, name="event-list"),
    path("monitoring/pairs/", include(PAIRS)),
    path("audit/", include(AUDIT)),
    path("monitoring/drills/<int:pk>/", drills.drill_detail, name="drill-detail"),
    path("monitoring/drills/<int:pk>/cancel/", drills.drill_cancel, name="drill-cancel"),
    path("host-api/", include(HOST_API)),
    path("join/", include(JOIN)),
    path("stream/", stream.stream, name="stream"),
    path("healthz", health.healthz, name="healthz"),
]
