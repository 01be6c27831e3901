"""@stomp/stompjs, which nobody here wrote, in node: at ports for browsers, by the example of the documents."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from tests.doubles.websocket import WebClient
from tests.ports import free_port
from tests.waiting import wait_for

from .conftest import ROOT
from .control_double import WAIT_S
from .pair_of_servers import SYNC_SECRET, PairOfServers

pytestmark = pytest.mark.scenario
NODE = compute_driver_executable()[0]
LIBRARY = Path(__file__).parent / "stompjs/stomp.umd.min.js"
PAGE = (ROOT / "docs/message-protocol.md").read_text()
IMPORT = 'import { Client } from "@stomp/stompjs";'
REQUIRE = f"const {{ Client }} = require({json.dumps(str(LIBRARY))});"


@pytest.fixture
def run_script(tmp_path):
    """Start node with a script; the process, and the file of what it says."""
    running = []

    def run(script: str) -> Path:
        said = tmp_path / "said.txt"
        with said.open("w") as out:
            running.append(subprocess.Popen([NODE, "-e", script], stdin=subprocess.DEVNULL, stdout=out, stderr=out))
        return said

    yield run
    for process in running:
        process.kill()
        process.wait(WAIT_S)


def test_the_library_is_the_one_that_was_published():
    assert hashlib.sha256(LIBRARY.read_bytes()).hexdigest() in (LIBRARY.parent / "README.md").read_text()


def test_the_example_goes_on_at_the_other_member_with_the_next_message(tmp_path, run_script):
    ports = [free_port() for _ in range(4)]
    [example] = re.findall(r"^```javascript\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    addresses = {"ws://ms-a.example:7003": f"ws://127.0.0.1:{ports[0]}",
                 "ws://ms-b.example:7003": f"ws://127.0.0.1:{ports[2]}", IMPORT: REQUIRE}
    for written, here in addresses.items():
        assert written in example
        example = example.replace(written, here)
    pair = PairOfServers(tmp_path, ports, {}, (SYNC_SECRET, SYNC_SECRET), protocol="stomp-ws").in_sync()
    try:
        bodies = [f"{number} Grüße" for number in range(20)]
        with WebClient(pair.a.port) as sender:
            for body in bodies[:10]:
                sender.acked("/topic/orders", body.encode())
        said = run_script(example)
        wait_for(lambda: said.read_text().split("\n")[:-1] == bodies[:10], WAIT_S, "all that was stored")
        pair.a.kill()
        pair.b.granted("primary", 2)
        with WebClient(pair.b.port) as sender:
            for body in bodies[10:]:
                sender.acked("/topic/orders", body.encode())
        wait_for(lambda: len(said.read_text().split("\n")) > len(bodies), WAIT_S, "what came after the failover")
        assert said.read_text().split("\n")[:-1] == bodies, "each once, in order"
    finally:
        pair.end()


def test_all_that_the_library_can_do_is_answered(start_server, port, run_script):
    start_server(ports=[{"id": "default", "port": port, "protocol": "stomp-ws", "ha_sync": False}])
    said = run_script(REQUIRE + """
const client = new Client({brokerURL: "ws://127.0.0.1:PORT", connectHeaders: {login: "bench", passcode: "benchpass"},
  heartbeatIncoming: 1000, heartbeatOutgoing: 1000, splitLargeFrames: true,
  onConnect: (frame) => {
    client.webSocket.addEventListener("message", (event) => {
      if (event.data !== "\\n") return;
      console.log("beat");
      client.deactivate().then(() => console.log("closed"));
    });
    console.log(frame.headers.version, client.webSocket.protocol);
    client.subscribe("/topic/a", (message) => {
      message.ack();
      console.log(message.binaryBody.length, message.binaryBody[0], message.headers.colour);
    }, {ack: "client-individual"});
    client.publish({destination: "/topic/a", body: "x".repeat(100000), headers: {colour: "r:1"}});
    client.watchForReceipt("done", (receipt) => console.log(receipt.headers["receipt-id"]));
    client.publish({destination: "/topic/a", binaryBody: new Uint8Array([255, 0, 254]), headers: {receipt: "done"}});
    const together = client.begin();
    client.publish({destination: "/topic/a", body: "", headers: {transaction: together.id}});
    together.commit();
  }, onStompError: (frame) => console.log(frame.headers.message)});
client.activate();
""".replace("PORT", str(port)))
    wait_for(lambda: "closed" in said.read_text(), WAIT_S, "the end of the script")
    lines = said.read_text().splitlines()
    assert lines[0] == "1.2 v12.stomp"
    assert lines[-2:] == ["beat", "closed"]
    assert [line for line in lines[1:-2] if line != "done"] == ["100000 120 r:1", "3 255 undefined",
                                                                "0 undefined undefined"]
    assert "done" in lines
