"""Addresses of failover drills."""

from django.urls import path

from . import views

urlpatterns = [
    path("monitoring/pairs/<int:pk>/drill/", views.pair_drill, name="pair-drill"),
    path("monitoring/pairs/<int:pk>/drills/", views.pair_drills, name="pair-drills"),
    path("monitoring/pairs/<int:pk>/drills/schedule/", views.pair_drill_schedule, name="pair-drill-schedule"),
    path("monitoring/drills/<int:pk>/", views.drill_detail, name="drill-detail"),
    path("monitoring/drills/<int:pk>/cancel/", views.drill_cancel, name="drill-cancel"),
]
