"""The field in which channels of notifications are chosen."""

from provisioning.models import Channel

from .fields import Several


class Channels(Several):
    """Names of channels; its value is a tuple of them."""

    def __init__(self, **kwargs):
        super().__init__(gone="There is no channel %(value)s any more. Choose another one.", choices=_offered, **kwargs)


def _offered() -> list[tuple[str, str]]:
    return [(name, name if enabled else f"{name} (disabled)")
            for name, enabled in Channel.objects.values_list("name", "enabled")]
