from django.urls import include, path

from api.entry import api
from api.stream import stream

urlpatterns = [
    path("", include("provisioning.urls")),
    path("api/v1/stream", stream, name="api-stream"),
    path("api/<path:rest>", api, name="api"),
]
handler500 = "provisioning.web.busy.fault"
