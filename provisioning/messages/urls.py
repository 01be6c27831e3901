"""Addresses of the messages and the clients of a Message Server."""

from django.urls import path

from .views import clients, messages

_OF = "monitoring/pairs/<int:pk>/"
urlpatterns = [
    path(f"{_OF}messages/", messages.message_list, name="pair-messages"),
    path(f"{_OF}messages/publish/", messages.publish, name="pair-message-publish"),
    path(f"{_OF}messages/<int:seq>/", messages.message, name="pair-message"),
    path(f"{_OF}messages/<int:seq>/body/", messages.body, name="pair-message-body"),
    path(f"{_OF}destinations/", messages.destination_list, name="pair-destinations"),
    path(f"{_OF}connections/", clients.connection_list, name="pair-connections"),
    path(f"{_OF}connections/<slug:session>/cut/", clients.cut, name="pair-connection-cut"),
    path(f"{_OF}positions/", clients.position_list, name="pair-positions"),
    path(f"{_OF}positions/move/", clients.move, name="pair-position-move"),
    path(f"{_OF}positions/delete/", clients.delete, name="pair-position-delete"),
]
