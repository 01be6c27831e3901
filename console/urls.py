from django.urls import include, path

from api.entry import api

urlpatterns = [path("", include("provisioning.urls")), path("api/<path:rest>", api, name="api")]
handler500 = "provisioning.web.busy.fault"
