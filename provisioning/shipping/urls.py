"""Addresses of the targets of audit shipping."""

from django.urls import path

from . import views

SHIPPING = "operations/audit-shipping/"

urlpatterns = [
    path(SHIPPING, views.target_list, name="shipping-list"),
    path(f"{SHIPPING}new/", views.target_new, name="shipping-new"),
    path(f"{SHIPPING}<int:pk>/edit/", views.target_edit, name="shipping-edit"),
    path(f"{SHIPPING}<int:pk>/delete/", views.target_delete, name="shipping-delete"),
    path(f"{SHIPPING}<int:pk>/enable/", views.target_enable, name="shipping-enable"),
    path(f"{SHIPPING}<int:pk>/test/", views.target_test, name="shipping-test"),
    path(f"{SHIPPING}<int:pk>/again/", views.target_again, name="shipping-again"),
]
