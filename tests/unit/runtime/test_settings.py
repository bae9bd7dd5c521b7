"""Settings that are wrong end the process with a sentence for each; the lease ends well before a host is lost."""

import pytest

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
