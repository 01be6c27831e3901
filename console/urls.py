from django.urls import include, path

from api.entry import api, reference
from api.stream import stream

urlpatterns = [
    path("", include("provisioning.urls")),
    path("help/api/", reference, name="api-reference"),
    path("api/v1/stream", stream, name="api-stream"),
    path("api/<path:rest>", api, name="api"),
]
handler400 = "api.entry.unreadable"
handler500 = "provisioning.web.busy.fault"
