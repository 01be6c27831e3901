from django.urls import include, path, re_path

from api.entry import api, reference
from api.stream import stream

urlpatterns = [
    path("help/api/", reference, name="api-reference"),
    path("api/v1/stream", stream, name="api-stream"),
    # All of it, also where it holds line breaks, which `path` does not take.
    re_path(r"^api/(?P<rest>[\s\S]*)\Z", api, name="api"),
    # Last, as there are so many that looking through them takes as long as a small answer.
    path("", include("provisioning.urls")),
]
handler400 = "api.entry.unreadable"
handler500 = "provisioning.web.busy.fault"
