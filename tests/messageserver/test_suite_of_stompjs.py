"""The suite that npm stompjs 2.3.3 has for browsers, in node: at a port for browsers."""

import json
import subprocess

import pytest

from tests.ports import free_port

from .suites import LOGINS, NODE, check, listening, unpacked

pytestmark = pytest.mark.scenario
RUN_S = 60
FILES = ["websocket", "frame", "parse_connect", "connection", "message", "transaction", "subscription", "ack"]
# What the suite uses of QUnit and jQuery. A case ends a moment after it has said `start`, as some say more behind it.
HARNESS = """
const fs = require("fs"), vm = require("vm");
const [folder, url, badUrl, files] = JSON.parse(process.argv[1]);
const cases = [];
let group = "", around = {}, wrong, resume;
globalThis.window = globalThis;
const note = (holds, what) => holds || wrong.push(what);
const same = (a, b) => { try { require("assert").deepEqual(a, b); return true; } catch { return false; } };
Object.assign(globalThis, {
  document: {},
  $: (what) => ({ ready: (run) => run(), text() {}, append() {} }),
  module: (name, hooks = {}) => { group = name; around = hooks; },
  test: (name, ...rest) => cases.push({ name: `${group}: ${name}`, run: rest.pop(), ...around }),
  stop: () => { resume = null; globalThis.waits = true; },
  start: () => resume(),
  ok: (value, what) => note(value, what || "not ok"),
  equals: (a, b) => note(a == b, `${a} is not ${b}`),
  strictEqual: (a, b) => note(a === b, `${a} is not ${b}`),
  same: (a, b) => note(same(a, b), `${JSON.stringify(a)} is not ${JSON.stringify(b)}`),
  deepEqual: (a, b) => note(same(a, b), `${JSON.stringify(a)} is not ${JSON.stringify(b)}`),
});
const load = (file) => vm.runInThisContext(fs.readFileSync(`${folder}/${file}`, "utf8").replace(/^\\ufeff/, ""), file);
load("lib/stomp.js");
load("browsertests/unit/config.js");
Object.assign(TEST, { url, badUrl, debug() {} });
files.forEach((file) => load(`browsertests/unit/${file}.js`));
(async () => {
  const outcomes = {};
  for (const each of cases) {
    wrong = [];
    globalThis.waits = false;
    const started = new Promise((go) => { globalThis.start = () => setTimeout(go, 100); });
    each.setup?.();
    each.run();
    if (globalThis.waits) {
      const late = setTimeout(() => { wrong.push("nothing came"); globalThis.start(); }, 10000);
      await started;
      clearTimeout(late);
    }
    each.teardown?.();
    outcomes[each.name] = wrong.join("; ");
  }
  fs.writeSync(1, JSON.stringify(outcomes));
  process.exit(0);
})();
"""


def test_what_the_suite_asks_in_browsers_is_answered(tmp_path, start_server, port):
    web = free_port()
    start_server(ports=[listening(port), listening(web, "stomp-ws", "web")], options=LOGINS)
    folder = unpacked("stompjs-2.3.3.tgz", tmp_path)
    told = json.dumps([str(folder), f"ws://127.0.0.1:{web}", f"ws://127.0.0.1:{free_port()}", FILES])
    run = subprocess.run([NODE, "-e", HARNESS, told], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=RUN_S)
    assert run.stdout, run.stderr
    check("stompjs 2.3.3", json.loads(run.stdout.splitlines()[-1]), set())
    assert {file.stem for file in (folder / "browsertests/unit").glob("*.js")} == {*FILES, "config"}
