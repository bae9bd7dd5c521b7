"""Every service over a Kafka that asks who is there: SASL with TLS, mutual TLS; and what refuses to go without."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, though not in __all__
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from mist_eventlog import Appender, KafkaAddress, OutageError, Tail
from mist_eventlog.address import KafkaSettings
from mist_eventlog.topics import load_topics
from mist_eventlog.topics.apply import apply
from mist_tools.local_kafka import LocalKafka, free_port
from support.client import Client
from support.mqtt import mqtt_broker
from support.stack import Stack, wait_until
from support.tls import Certificates, make_certificates

USER, PASSWORD = "mist", "s3cret-words"


@dataclass(frozen=True)
class Secured:
    """A broker with one listener for each way to prove who one is, and what each way needs."""

    sasl: str
    tls: str
    certificates: Certificates
    password_file: Path

    def environment(self, way: str) -> Mapping[str, str]:
        trust = {"MIST_KAFKA_CA": str(self.certificates.authority)}
        if way == "mutual TLS":
            own = {
                "MIST_KAFKA_CERTIFICATE": str(self.certificates.certificate),
                "MIST_KAFKA_KEY": str(self.certificates.key),
            }
            return {"MIST_KAFKA": self.tls, "MIST_KAFKA_SECURITY": "SSL", **trust, **own}
        return trust | {
            "MIST_KAFKA": self.sasl,
            "MIST_KAFKA_SECURITY": "SASL_SSL",
            "MIST_KAFKA_SASL": way,
            "MIST_KAFKA_USER": USER,
            "MIST_KAFKA_PASSWORD_FILE": str(self.password_file),
        }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    made = make_certificates(folder)
    store = folder / "broker.pem"
    store.write_text(made.key.read_text() + made.certificate.read_text())
    plain, sasl, tls, controller = (free_port() for _ in range(4))
    with LocalKafka(
        folder / "kafka", port=plain, settings=_settings(plain, sasl, tls, controller, made, store)
    ) as kafka:
        _add_user(kafka.bootstrap)
        apply(kafka.bootstrap, load_topics(), replication=1)
        password = folder / "password"
        password.write_text(f"{PASSWORD}\n")
        yield Secured(f"localhost:{sasl}", f"localhost:{tls}", made, password)


def _settings(
    plain: int, sasl: int, tls: int, controller: int, made: Certificates, store: Path
) -> Mapping[str, object]:
    module = "org.apache.kafka.common.security"
    return {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://localhost:{sasl},SSL://localhost:{tls},"
        f"CONTROLLER://127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": store,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": made.authority,
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required "
        f'user_{USER}="{PASSWORD}";',
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
    }


def _add_user(bootstrap: str) -> None:
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    upsertion = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
    admin = AdminClient({"bootstrap.servers": bootstrap})
    (done,) = admin.alter_user_scram_credentials([upsertion]).values()
    done.result(30)


def address(secured: Secured, way: str, monkeypatch: pytest.MonkeyPatch, **changes: str) -> KafkaAddress:
    for name, value in {**secured.environment(way), **changes}.items():
        monkeypatch.setenv(name, value)
    return KafkaSettings().kafka_address()


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512", "mutual TLS"])
async def test_each_way_to_say_who_one_is_appends_reads_and_applies_topics(
    secured: Secured, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = address(secured, way, monkeypatch)
    assert apply(kafka, load_topics(), replication=1).created == ()
    async with Appender(kafka) as appender, Tail(kafka, ["mist.registry"]) as tail:
        placed = await appender.append("mist.registry", "context/none", b"to be passed over")
        while tail.positions["mist.registry", 0] <= placed.offset:
            await tail.next_batch(5.0)
    assert PASSWORD not in repr(kafka)


async def test_a_wrong_password_is_an_outage_that_says_so(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = address(secured, "SCRAM-SHA-512", monkeypatch, MIST_KAFKA_USER="nobody")
    with pytest.raises(OutageError, match=r"(?i)authentication|no Kafka broker answers"):
        async with Appender(kafka):
            pass


def test_a_whole_mist_over_tls_and_scram_runs_a_job_and_logs_no_secret(secured: Secured, tmp_path: Path) -> None:
    environment = {**secured.environment("SCRAM-SHA-512")}
    with (
        mqtt_broker("amqtt", tmp_path) as mqtt,
        Stack(
            environment.pop("MIST_KAFKA"),
            tmp_path / "mist",
            bridges=1,
            environment=environment | {"MIST_MQTT_HOST": "127.0.0.1", "MIST_MQTT_PORT": str(mqtt.port)},
        ) as stack,
    ):
        mist = Client(stack.url)
        code = tmp_path / "work.py"
        code.write_text("def work(spark, n: int): return {'n': spark.range(n).count()}")
        body = {"name": "work", "path": f"file://{code}", "className": "work"}
        assert mist.http.post("/v2/api/endpoints", json=body).status_code == httpx.codes.OK
        assert mist.run("work", {"n": 3})["jobResult"] == {"n": 3}
        log = stack.services["bridge-0"].log
        wait_until("the bridge serves", lambda: "mqtt-connected" in log.read_text())
        for service in stack.services.values():
            assert PASSWORD not in service.log.read_text()
