from django.urls import include, path

urlpatterns = [path("", include("provisioning.urls"))]
