"""Listening Ports."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from provisioning.models.applications import PORT_MAX, PORT_MIN, Application
from provisioning.states import ListeningMode


class ListeningPort(models.Model):
    """A row of Listening Ports: what the Port Info dialog edits (domain.md 1.3)."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="ports")
    port_id = models.CharField("ID", max_length=64)
    port = models.PositiveIntegerField(validators=[MinValueValidator(PORT_MIN), MaxValueValidator(PORT_MAX)])
    protocol = models.CharField("Connection Protocol", max_length=32, blank=True)
    ha_sync = models.BooleanField("HA Sync", default=False)
    listening_mode = models.CharField("Listening Mode", max_length=16, choices=ListeningMode,
                                      default=ListeningMode.UNSECURED)
    transport_parameters = models.CharField("Transport Parameters", max_length=1024, blank=True)
    application_parameters = models.CharField("Application Parameters", max_length=1024, blank=True)
    description = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="port_id_unique_per_application", fields=["application", "port_id"]),
            models.UniqueConstraint(name="port_number_unique_per_application", fields=["application", "port"]),
            models.CheckConstraint(name="port_range",
                                   condition=models.Q(port__gte=PORT_MIN, port__lte=PORT_MAX)),
        ]

    def __str__(self):
        return f"{self.port_id} {self.port}"

    @property
    def is_secured(self) -> bool:
        """True when it speaks TLS, as the Message Server reads it."""
        return self.listening_mode == ListeningMode.SECURED or "tls=1" in self.transport_parameters.split(";")
