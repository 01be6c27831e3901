"""The agent's configuration, and the files that it keeps."""

import pytest

from hostagent.config import ConfigError, load
from hostagent.files import keep_bounded, read_json, tail
from protocol.files import write_atomically

from .doubles import write_config


def test_the_configuration_is_read_and_its_secrets_do_not_show(tmp_path):
    path = write_config(tmp_path, broker_url="redis://:password@h/0")
    config = load(path, {})
    assert "password" not in repr(config)
    assert config.secret not in repr(config)
    assert load(path, {"PAIRWISE_BROKER_URL": "redis://other/0"}).broker_url == "redis://other/0"


@pytest.mark.parametrize(("change", "sentence"), [
    ({"lca_port": 70000}, "lca_port is not a port"), ({"control": []}, "lists no Configuration Server"),
    ({"state_dir": "relative"}, "state_dir is not an absolute path"), ({"secret": ""}, "must not be empty"),
    ({"console_url": "ftp://x"}, "no http or https"), ({"console_url": "https:///"}, "no http or https"),
    ({"control": [{"host": "h"}]}, "port is missing")])
def test_a_wrong_configuration_is_told_in_a_sentence(tmp_path, change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load(write_config(tmp_path, **change), {})


def test_a_configuration_that_others_can_read_is_refused(tmp_path):
    path = write_config(tmp_path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(path, {})


def test_a_missing_or_broken_configuration_is_told_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.json", {})
    (tmp_path / "agent.json").write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        load(tmp_path / "agent.json", {})


def test_a_log_is_bounded_while_its_writer_goes_on(tmp_path):
    log = tmp_path / "server.log"
    with open(log, "a") as writer:
        writer.write("old line\n" * 1000)
        writer.flush()
        keep_bounded(log, limit=1000)
        writer.write("new line\n")
        writer.flush()
    assert log.read_text() == "new line\n"
    assert (tmp_path / "server.log.1").stat().st_size == 250
    assert tail(log, start=9000) == ["new line"]


def test_an_interrupted_write_leaves_the_old_content(tmp_path):
    write_atomically(tmp_path / "f.json", b'{"a": 1}')
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "f.json", "text is not bytes")
    assert read_json(tmp_path / "f.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["f.json"]
