from django.urls import include, path

from api.entry import api, reference
from api.stream import stream

urlpatterns = [
    path("help/api/", reference, name="api-reference"),
    path("api/v1/stream", stream, name="api-stream"),
    path("api/<path:rest>", api, name="api"),
    # Last, as there are so many that looking through them takes as long as a small answer.
    path("", include("provisioning.urls")),
]
handler400 = "api.entry.unreadable"
handler500 = "provisioning.web.busy.fault"
