from provisioning.management.console import FAILED, OK, ServiceCommand
from provisioning.notifications.selectors.notifications import find_channel
from provisioning.notifications.services.channels import test_channel
from provisioning.states import DeliveryState


class Command(ServiceCommand):
    help = ("Send a test message through a channel, at once and only once. Exit codes: 0 it was taken, 1 it was not, "
            "2 refused, also where no channel has that name.")
    command_name = "notify"

    def add_arguments(self, parser):
        parser.add_argument("channel", metavar="CHANNEL", help="Name of the channel.")
        self.add_json(parser)

    def run(self, *, channel, as_json, **options) -> int:
        delivery = test_channel(actor=self.actor, channel_id=find_channel(channel).pk)
        tried = delivery.tries.get()
        taken = delivery.state == DeliveryState.SENT
        if as_json:
            self.print_json({
                "channel": delivery.channel_name, "message_id": delivery.message_id, "subject": delivery.subject,
                "taken": taken, "status": tried.status, "took_ms": tried.took_ms, "answer": tried.answer})
            return OK if taken else FAILED
        status = f", status {tried.status}" if tried.status else ""
        stream, came = (self.stdout, "Taken") if taken else (self.stderr, "Not taken")
        stream.write(f"Test of {delivery.channel_name}: {delivery.subject} ({delivery.message_id})")
        stream.write(f"{came} after {tried.took_ms} ms{status}. {tried.answer}".rstrip())
        return OK if taken else FAILED
