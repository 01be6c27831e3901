"""The host on which the tests of the agent work."""

import asyncio

from hostagent.config import load
from hostagent.jobs.lca_client import LcaClient
from protocol.messages import ApplicationStatus

from .doubles import SLEEPER, AgentProcess, ControlDouble, application, server_script, until, write_config


class Host:
    """One host: its agent, its control, its worker's client."""

    def __init__(self, path):
        self.path = write_config(path)
        self.agent = AgentProcess(self.path)
        self.config = load(self.path, {})
        self.client = LcaClient(self.config)
        self.control = ControlDouble(self.agent.body["control"][0]["port"])
        self.apps = path / "apps"

    def app(self, text=SLEEPER, name="MS_Primary", **changes):
        directory = self.apps / name
        server_script(directory, text)
        return application(directory, name, **changes)

    async def call(self, verb, **arguments):
        return await asyncio.to_thread(self.client.call, verb, arguments)

    async def started(self, fields, mode="Primary"):
        """Start it and, when it is ready, let control say Started."""
        pid = (await self.call("start", **fields))["pid"]
        [log] = self.config.log_dir.glob(f"{fields['name']}-*.log")
        await until(lambda: "ready" in log.read_text())
        waiting = asyncio.create_task(self.call("wait_started", application=fields["name"], pid=pid, timeout_s=5))
        await self.control.say(ApplicationStatus(application=fields["name"], status="Started", mode=mode, pid=pid))
        assert await waiting == {"pid": pid, "mode": mode}
        return pid
