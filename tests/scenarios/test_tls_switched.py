"""A console that begins plain on loopback is switched to TLS, and back: what was installed goes on working."""

import pytest

from .applications import installed

pytestmark = pytest.mark.long


def test_servers_of_the_console_s_own_host_follow_it_to_tls_and_back(make_pairwise):
    run = make_pairwise().start()
    installed(run, "MS_Follows", auto_restart=True)
    run.manage("start", "MS_Follows", "--wait")
    for mode in ("on", "off"):
        assert run.stop() == 0
        run.environment |= {"PAIRWISE_CONTROL_TLS": mode, "PAIRWISE_WEB_TLS": mode}
        run.start()
        assert run.address.startswith("https:" if mode == "on" else "http:")
        run.wait_status("MS_Follows", "Started", timeout=30)
        assert run.browser().get("/monitoring/").status == 200
        # Reinstalled, it has or has not the authority beside its secret, as it needs it for a start by hand.
        run.manage("stop", "MS_Follows", "--wait")
        run.manage("install", "MS_Follows", "--wait")
        assert bool(list((run.data_dir / "apps").glob("*/console-ca.pem"))) is (mode == "on")
        run.manage("start", "MS_Follows", "--wait")
