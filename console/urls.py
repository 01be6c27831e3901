from django.urls import include, path

urlpatterns = [path("", include("provisioning.urls"))]
handler500 = "provisioning.web.busy.fault"
