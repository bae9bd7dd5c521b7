"""Settings that are wrong end the process with a sentence for each; the lease ends well before a host is lost."""

from pathlib import Path

import pytest

from mist_bridge.settings import BridgeSettings
from mist_runtime.settings import LeaseSettings, read_settings


def test_what_is_wrong_is_named_with_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIST_HEALTH_PORT", "many")
    monkeypatch.setenv("MIST_LEASE_SECONDS", "1")
    with pytest.raises(SystemExit) as exit_:
        read_settings(LeaseSettings)
    first, second = str(exit_.value).splitlines()
    assert first.startswith("MIST_HEALTH_PORT: input should be a valid integer")
    assert "Port of /livez" in first
    assert second.startswith("MIST_LEASE_SECONDS: input should be greater than or equal to 3")


def test_drivers_must_be_dead_before_their_host_is_called_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIST_LEASE_SECONDS", "22")
    with pytest.raises(SystemExit, match="set MIST_LEASE_SECONDS to 21 at most, or raise MIST_TICK_SECONDS"):
        read_settings(LeaseSettings)
    monkeypatch.setenv("MIST_TICK_SECONDS", "2")
    assert read_settings(LeaseSettings).lease_seconds == 22


@pytest.mark.parametrize(("settings", "name"), [(LeaseSettings, "KAFKA_PASSWORD"), (BridgeSettings, "MQTT_PASSWORD")])
def test_a_password_comes_from_the_environment_or_from_a_file_but_not_from_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: type[LeaseSettings | BridgeSettings], name: str
) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")
    monkeypatch.setenv(f"MIST_{name}_FILE", str(file))
    assert password_of(read_settings(settings)) == "secret"
    monkeypatch.setenv(f"MIST_{name}", "other")
    with pytest.raises(SystemExit, match=f"set MIST_{name} or MIST_{name}_FILE, not both"):
        read_settings(settings)
    monkeypatch.delenv(f"MIST_{name}_FILE")
    assert password_of(read_settings(settings)) == "other"


def password_of(settings: LeaseSettings | BridgeSettings) -> str | None:
    return settings.password() if isinstance(settings, BridgeSettings) else settings.kafka_address().password


def test_a_bridge_has_a_password_for_kafka_and_another_for_mqtt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIST_KAFKA_PASSWORD", "kafka's")
    monkeypatch.setenv("MIST_MQTT_PASSWORD", "mqtt's")
    settings = read_settings(BridgeSettings)
    assert (settings.kafka_address().password, settings.password()) == ("kafka's", "mqtt's")
