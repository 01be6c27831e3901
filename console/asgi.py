import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django_application = get_asgi_application()

from console.bounds import most, signs_in  # noqa: E402  (Django has to be set up first)
from console.echo import Echo  # noqa: E402
from console.gate import Gate  # noqa: E402
from console.reads import Reads  # noqa: E402

application = Echo(Gate(Reads(django_application), most=most, signs_in=signs_in))
