"""Addresses of pairs."""

from django.urls import path

from .views import changes, pairs, restored, synchronize, verbs

urlpatterns = [
    path("monitoring/pairs/", pairs.pair_list, name="pair-list"),
    path("monitoring/pairs/paused/", pairs.paused, name="pair-paused"),
    path("monitoring/pairs/rows/", pairs.pair_rows, name="pair-rows"),
    path("monitoring/pairs/<int:pk>/", pairs.pair_detail, name="pair-detail"),
    path("monitoring/pairs/<int:pk>/part/<slug:part>/", pairs.pair_part, name="pair-part"),
    path("monitoring/pairs/<int:pk>/changes/", changes.pair_changes, name="pair-changes"),
    path("monitoring/pairs/<int:pk>/changes/export/<slug:list_format>/", changes.pair_changes_export,
         name="pair-changes-export"),
    path("monitoring/pairs/<int:pk>/probe/", pairs.pair_probe, name="pair-probe"),
    *(path(f"monitoring/pairs/<int:pk>/{verb}/", verbs.pair_verb, {"verb": verb}, name=f"pair-{verb}")
      for verb in ("switchover", "pause", "resume", "promote", "promote-active")),
    path("monitoring/pairs/<int:pk>/restored/", restored.pair_restored, name="pair-restored"),
    path("monitoring/pairs/<int:pk>/synchronize/", synchronize.pair_synchronize, name="pair-synchronize"),
    path("monitoring/pairs/<int:pk>/exceptions/", synchronize.pair_except, name="pair-except"),
    path("monitoring/pairs/<int:pk>/exceptions/<int:exception>/withdraw/", synchronize.pair_withdraw,
         name="pair-withdraw"),
    path("monitoring/restored/", restored.restored_list, name="restored-list"),
]
