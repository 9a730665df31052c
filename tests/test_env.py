"""The typed readers of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from energyopti import env


def test_a_text_is_the_variable_else_its_file_else_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" from a file\n")
    assert env.text("EO_T", "default") == "default"
    monkeypatch.setenv("EO_T_FILE", str(tmp_path / "key"))
    assert env.text("EO_T", "default") == "from a file"
    monkeypatch.setenv("EO_T", " itself ")
    assert env.text("EO_T", "default") == "itself"


def test_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    monkeypatch.setenv("EO_T", " ")
    monkeypatch.setenv("EO_T_FILE", str(tmp_path / "key"))
    assert env.text("EO_T", "default") == "default"


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EO_T_FILE", "/nowhere/key")
    with pytest.raises(ImproperlyConfigured, match=r"^EO_T_FILE: No such file or directory: /nowhere/key$"):
        env.text("EO_T")


@pytest.mark.parametrize(("value", "read"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("No", False), ("", None)])
def test_flags(monkeypatch: pytest.MonkeyPatch, value: str, read: bool | None) -> None:
    monkeypatch.setenv("EO_T", value)
    assert [env.flag("EO_T", default) for default in (True, False)] == ([True, False] if read is None else [read, read])


@pytest.mark.parametrize(
    ("reader", "value", "sentence"),
    [
        (lambda: env.flag("EO_T", False), "maybe", "EO_T is 'maybe'; write true or false"),
        (lambda: env.number("EO_T", 1), "ten", "EO_T is 'ten'; write a number"),
        (lambda: env.number("EO_T", 1), "-1", "EO_T is '-1'; write a number that is not below zero"),
        (lambda: env.number("EO_T", 1), "nan", "EO_T is 'nan'; write a number that is not below zero"),
        (lambda: env.whole("EO_T", 1), "1.5", "EO_T is '1.5'; write a whole number"),
        (lambda: env.choice("EO_T", ("auto", "on"), "auto"), "yes", "EO_T is 'yes'; write one of auto, on"),
        (lambda: env.email("EO_T"), "http://mail", "EO_T is not understood; write console: or smtp://user:password@host:587"),
        (lambda: env.email("EO_T"), "smtp://h:port", "EO_T is not understood; write console: or smtp://user:password@host:587"),
    ],
)
def test_what_is_not_understood_is_named_with_the_rule(monkeypatch: pytest.MonkeyPatch, reader, value: str, sentence: str) -> None:
    monkeypatch.setenv("EO_T", value)
    with pytest.raises(ImproperlyConfigured) as caught:
        reader()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("url", ["mysql://u:hunter22@h/d", "postgresql://u:hunter22@h:port/d", "hunter22"])
def test_a_broken_database_address_is_never_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EO_T", url)
    with pytest.raises(ImproperlyConfigured, match=r"^EO_T is no PostgreSQL address") as caught:
        env.database("EO_T")
    assert "hunter22" not in str(caught.value)


def test_numbers_and_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EO_T", "0.1")
    assert (env.number("EO_T", 3), env.number("EO_U", 3), env.whole("EO_U", 3)) == (0.1, 3, 3)
    monkeypatch.setenv("EO_T", "a, b ,,c")
    assert (env.items("EO_T"), env.items("EO_U", "x")) == (["a", "b", "c"], ["x"])


def test_a_database_on_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EO_T", "postgresql://postgres@/energyopti?host=/run/here")
    config = env.database("EO_T")
    assert (config["NAME"], config["OPTIONS"]["host"], config["OPTIONS"]["connect_timeout"]) == ("energyopti", "/run/here", 5)


def test_mail_goes_to_the_console_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.email("EO_T")["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"
    monkeypatch.setenv("EO_T", "smtp://us%40er:p%3Aw@mail.example:2525")
    mail = env.email("EO_T")
    assert [mail[f"EMAIL_{name}"] for name in ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")] == [
        "mail.example",
        2525,
        "us@er",
        "p:w",
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [("smtps://m", 465, False, True), ("smtp://m", 587, True, False), ("smtp://m:25?tls=false", 25, False, False)],
)
def test_ways_of_mail(monkeypatch: pytest.MonkeyPatch, url: str, port: int, tls: bool, ssl: bool) -> None:
    monkeypatch.setenv("EO_T", url)
    mail = env.email("EO_T")
    assert (mail["EMAIL_PORT"], mail["EMAIL_USE_TLS"], mail["EMAIL_USE_SSL"]) == (port, tls, ssl)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("console:", "energyopti@localhost"),
        ("smtp://relay@host", "energyopti@localhost"),
        ("smtp://me%40example.com:pw@host", "me@example.com"),
        ("smtp://me%40example.com:pw@host?from=energy@example.com", "energy@example.com"),
    ],
)
def test_the_sender_of_mail(monkeypatch: pytest.MonkeyPatch, url: str, sender: str) -> None:
    monkeypatch.setenv("EO_T", url)
    mail = env.email("EO_T")
    assert (mail["DEFAULT_FROM_EMAIL"], mail["SERVER_EMAIL"]) == (sender, sender)


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("", ""),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:pw@/run/redis.sock?db=0", "redis+socket://:pw@/run/redis.sock?virtual_host=0"),
    ],
)
def test_the_brokers_way_of_writing_a_socket(url: str, broker: str) -> None:
    assert env.broker(url) == broker


@pytest.mark.parametrize("url", ["redis://:hunter2/secret@127.0.0.1:6379/0", "localhost:6379", "http://127.0.0.1"])
def test_an_address_that_is_none_of_redis_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL is no Redis address") as refusal:
        env.redis("REDIS_URL")
    assert "hunter2" not in str(refusal.value)
