"""Messages and connections in a browser, with a real Message Server behind the console."""

import pytest
from playwright.sync_api import Page, expect

from tests.doubles.stomp import Client
from tests.messageserver.conftest import ServerProcess, application
from tests.messageserver.control_double import SECRET, ControlDouble
from tests.ports import free_port

from .conftest import legible_in_both, look
from .test_live_pages import page  # noqa: F401 fixture
from .test_long_names import OUTSIDE

pytestmark = pytest.mark.browser
MADE = """
from provisioning.models import Application
hosts = [factories.make_host(f"messages-{n}.dc1.example.net", ip_address=f"127.0.0.{n}") for n in (1, 2)]
pair = factories.make_pair(hosts=tuple(hosts), names=("MS_Messages_Primary", "MS_Messages_Backup"))
pair[0].ports.filter(port_id="default").update(port=port)
pair[1].ports.filter(port_id="default").update(port=closed)
pair[0].secret = secret
pair[0].save()
answer = pair[0].pk
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    port = free_port()
    with ControlDouble(application(port)) as control, ServerProcess(
            tmp_path_factory.mktemp("server") / "MS", control, port=port) as process:
        yield process.serving()


def seen(page: Page, name: str) -> None:  # noqa: F811
    """Everybody can read it, and nothing sticks out."""
    look(page, name)
    legible_in_both(page, name)
    page.set_viewport_size({"width": 390, "height": 860})
    assert page.evaluate(OUTSIDE) == []
    page.set_viewport_size({"width": 1280, "height": 860})


@pytest.fixture(scope="module")
def made():
    return {}


@pytest.fixture
def pair(run, made, server, closed_port):
    """Made once."""
    if not made:
        made["pair"] = run(MADE, port=server.port, closed=closed_port, secret=SECRET)
    return made["pair"]


def test_messages_are_read_and_written(page, pair, server):  # noqa: F811
    with Client(server.port) as client:
        client.subscribe("/topic/*", "all", ack="client")
        client.publish("/topic/orders/berlin", b'{"order": 4711, "text": "two lines\nof text"}', type="order")
        client.publish("/topic/pictures", bytes(range(256)))
        client.messages(2)
        page.goto(f"/monitoring/pairs/{pair}/messages/")
        rows = page.locator(".messages-grid tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("Binary: 00 01 02")
        client.publish("/topic/orders/paris", b"came later", type="order")
        expect(rows.first).to_contain_text("came later")
        seen(page, "messages")

        page.get_by_label("Header").fill("type: order")
        expect(rows).to_have_count(2)
        page.get_by_role("link", name="1", exact=True).click()
        expect(page.get_by_role("heading", name="Message 1 of")).to_be_visible()
        expect(page.locator(".message-body")).to_have_text('{"order": 4711, "text": "two lines\nof text"}')
        seen(page, "message")
        page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Messages", exact=True).click()
        expect(rows).to_have_count(2)
        page.wait_for_load_state()

        page.locator("#message-publish").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Destination").fill("/topic/test")
        dialog.get_by_label("Headers").fill("type: test")
        dialog.get_by_label("Body").fill("hello")
        dialog.get_by_role("button", name="Publish…").click()
        expect(dialog).to_contain_text("Everybody who is subscribed to /topic/test")
        seen(page, "message-publish")
        dialog.get_by_role("button", name="Publish to /topic/test").click()
        expect(page.get_by_text("The message was published to /topic/test; its seq is 4.")).to_be_visible()
        expect(rows.first).to_contain_text("hello")


@pytest.mark.long
def test_a_connection_is_cut_and_a_position_is_moved(page, pair, server):  # noqa: F811
    with Client(server.port) as client:
        client.subscribe("/topic/work*", "all", ack="client", durable_name="night-report", selector="type = 'order'")
        client.publish("/topic/work", b"1", type="order")
        client.messages(1)
        page.goto(f"/monitoring/pairs/{pair}/connections/")
        expect(page.locator("tbody tr").first).to_contain_text("bench")
        expect(page.locator("tbody tr").first).to_contain_text("1 not acknowledged")
        seen(page, "connections")
        page.get_by_role("link", name="Cut the connection of bench").click()
        expect(page.get_by_role("dialog")).to_contain_text("The connection of bench at 127.0.0.1:")
        page.get_by_role("button", name="Cut the connection").click()
        expect(page.get_by_text("was cut.")).to_be_visible()
        assert "An administrator has cut this connection." in client.expect("ERROR").headers["message"]
    page.locator("#positions-tab").click()
    expect(page.locator("tbody tr").first).to_contain_text("night-report")
    page.wait_for_load_state()
    seen(page, "positions")
    page.get_by_role("link", name="Move the position night-report").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("of /topic/work*")
    dialog.get_by_label("Seq").fill("0")
    seen(page, "position-move")
    dialog.get_by_role("button", name="Move").click()
    expect(page.get_by_text("The position night-report was moved.")).to_be_visible()
    page.locator("#destinations-tab").click()
    expect(page.locator("tbody")).to_contain_text("/topic/work")
    page.wait_for_load_state()
    seen(page, "destinations")


def test_when_nobody_serves_the_page_says_so_and_what_to_do(page, run, closed_port):  # noqa: F811
    others = MADE.replace("MS_Messages_", "MS_Silent_").replace("messages-", "silent-").replace("127.0.0.", "127.0.1.")
    pair = run(others, port=closed_port, closed=closed_port, secret=SECRET)
    page.goto(f"/monitoring/pairs/{pair}/connections/")
    expect(page.locator("#live-list")).to_contain_text("Nobody takes clients now. MS_Silent_Primary: ")
    seen(page, "connections-none")
