"""Addresses of the audit."""

from django.urls import path

from .views import audits, exports, sheet, waivers

urlpatterns = [
    path("audit/", audits.audit_list, name="audit-list"),
    path("audit/run/", audits.audit_run, name="audit-run"),
    path("audit/rules/", audits.audit_rules, name="audit-rules"),
    path("audit/waivers/", waivers.waiver_list, name="audit-waivers"),
    path("audit/waivers/<int:waiver>/withdraw/", waivers.waiver_withdraw, name="audit-waiver-withdraw"),
    path("audit/<int:pk>/", sheet.audit_sheet, name="audit-sheet"),
    path("audit/<int:pk>/compare/", sheet.audit_compare, name="audit-compare"),
    path("audit/<int:pk>/findings/<int:finding>/waive/", waivers.finding_waive, name="audit-finding-waive"),
    path("audit/<int:pk>/findings/<int:finding>/fix/", waivers.finding_fix, name="audit-finding-fix"),
    path("audit/export/<slug:file_format>/", exports.audit_export, name="audit-export"),
    path("audit/<int:pk>/export/<slug:file_format>/", exports.audit_pair_export, name="audit-pair-export"),
]
