"""Where requests may go, and what goes with them: hosts, redirects, private networks, secrets."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

import pytest
from tests.pacs import Handler, Pacs, slices
from tests.sameness import selection_of

from imageregion import InputError
from imageregion.access import open_images
from imageregion.dicom.web.addresses import Hosts, private_reason, read_address, shown
from imageregion.dicom.web.answers import untold
from imageregion.dicom.web.settings import WebSettings, header_line

QUICK = {"timeout": 0.5, "total_timeout": 1.0, "retries": 0}
SECRETS = WebSettings(token="s3cret", headers={"X-Key": "k3y"}, **QUICK)  # type: ignore[arg-type]


def endpoint(address: str, kind: str = "dicom-wado-rs", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": [{"coding": [{"code": kind}]}],
        "address": address,
        **changes,
    }


def sent(pacs: Pacs) -> dict[str, str]:
    return pacs.requests[-1][1]


# --- URLs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pacs.example.org/studies/1.2",
        "file:///etc/passwd",
        "gopher://a/studies/1.2",
        "http://",
        "http:///studies/1.2",
        "http://a b/studies/1.2",
        "http://a\r\nX-Evil: 1/studies/1.2",
        "http://a:99999/studies/1.2",
        "http://a:0/studies/1.2",
        "http://[::1/studies/1.2",
        "http://exa\u1e43ple.org/studies/1.2",
        "http://a\\@b/studies/1.2",
        "http://a/studies/1.2?x=y",
        "http://a/{x}/studies/1.2",
        "http://" + "a" * 5000,
        f"http://a/studies/{'1.2' * 30}",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(InputError):
        open_images(url, web=WebSettings(timeout=0.01, retries=0))


@pytest.mark.parametrize(
    ("url", "base", "uids"),
    [
        ("https://A.org:443/rs/", "https://a.org/rs", ("", "", "")),
        ("https://a.org", "https://a.org", ("", "", "")),
        ("http://a.org:8042/rs//", "http://a.org:8042/rs", ("", "", "")),
        ("http://[::1]:8042/rs/study/1.2.3", "http://[::1]:8042/rs", ("1.2.3", "", "")),
        ("http://a/rs/studies/1.2/series/1.3/instances/1.4/", "http://a/rs", ("1.2", "1.3", "1.4")),
        ("http://a/studies/1.2/metadata#part", "http://a", ("1.2", "", "")),
        ("http://a/my/studies/of/x", "http://a/my/studies/of/x", ("", "", "")),
    ],
)
def test_urls_taken_apart(url: str, base: str, uids: tuple[str, str, str]) -> None:
    address = read_address(url)
    assert address.base == base
    assert (address.study, address.series, address.instance) == uids


def test_secrets_are_not_shown() -> None:
    assert shown("http://me:s3cret@a.org/x?key=s3cret#s3cret") == "http://a.org/x"
    assert "s3cret" not in repr(SECRETS)
    assert "k3y" not in repr(SECRETS)
    with pytest.raises(InputError) as caught:
        open_images("http://me:s3cret@127.0.0.1:9/studies/1.2", web=SECRETS)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        *("no colon", ": no name", "Bad Name: x", "X: a\r\nEvil: 1", "X: a\nb", "X: \u00e9"),
        *("Host: evil", "Content-Length: 5", "X: \0", "X\0: a", "Accept: text/html"),
    ],
)
def test_headers_cannot_be_smuggled_in(line: str) -> None:
    with pytest.raises(InputError, match="header"):
        header_line(line)


@pytest.mark.parametrize("token", ["a\r\nX: 1", "a\nb", "\u00e9", " a"])
def test_tokens_cannot_smuggle_headers_in(token: str) -> None:
    with pytest.raises(InputError, match="token"):
        WebSettings(token=token)


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"retries": -1},
        {"max_bytes": "many"},
        {"allow_hosts": "a.org"},
        {"allow_hosts": ("a b",)},
        {"allow_hosts": ("http://a.org/",)},
        {"cache_bytes": True},
    ],
)
def test_settings_that_make_no_sense(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        WebSettings(**changes)


# --- private networks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0"),
        *("fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"),
        *("192.0.2.1", "198.18.0.1", "240.0.0.1", "ff02::1", "nonsense"),
    ],
)
def test_private_addresses(ip: str) -> None:
    assert private_reason(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07::1"])
def test_public_addresses(ip: str) -> None:
    assert not private_reason(ip)


def test_documents_cannot_lead_into_private_networks(pacs: Pacs) -> None:
    (dataset,) = slices(1)
    selection = selection_of(dataset)
    with pytest.raises(InputError, match=r"loopback address 127\.0\.0\.1.*--allow-host"):
        open_images(endpoint(pacs.url), selection=selection)
    assert not pacs.requests
    for name in ("127.0.0.1", f"127.0.0.1:{pacs.port}"):
        web = WebSettings(allow_hosts=(name,))
        assert len(open_images(endpoint(pacs.url), selection=selection, web=web)) == 3
    other = WebSettings(allow_hosts=("127.0.0.1:1",))
    with pytest.raises(InputError, match="loopback"):
        open_images(endpoint(pacs.url), selection=selection, web=other)


def resolving(monkeypatch: pytest.MonkeyPatch, name: str, answers: list[str]) -> list[str]:
    """Let a name lead to one address after the other, the last one for ever."""
    usual = socket.getaddrinfo
    asked: list[str] = []

    def getaddrinfo(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host != name:
            return usual(host, port, *rest, **named)
        ip = answers[min(len(asked), len(answers) - 1)]
        asked.append(ip)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_public_name_of_a_private_address(pacs: Pacs, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, "pacs.example.org", ["127.0.0.1"])
    there = endpoint(f"http://pacs.example.org:{pacs.port}/rs")
    with pytest.raises(InputError, match=r"pacs\.example\.org: leads to the loopback address"):
        open_images(there, selection=selection_of(slices(1)[0]))
    assert asked
    assert not pacs.requests


def test_a_name_that_changes_between_check_and_connection(
    pacs: Pacs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name is public when it is looked at and private when connected to."""
    asked = resolving(monkeypatch, "pacs.example.org", ["93.184.215.14", "127.0.0.1"])
    there = endpoint(f"http://pacs.example.org:{pacs.port}/rs")
    with pytest.raises(InputError, match=r"leads to the loopback address 127\.0\.0\.1"):
        open_images(there, selection=selection_of(slices(1)[0]))
    assert asked == ["93.184.215.14", "127.0.0.1"]
    assert not pacs.requests


def test_who_types_a_name_means_it(pacs: Pacs, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "pacs.example.org", ["127.0.0.1"])
    assert len(open_images(f"http://pacs.example.org:{pacs.port}/rs/studies/1.2")) == 3
    web = WebSettings(allow_hosts=("pacs.example.org",))
    there = endpoint(f"http://pacs.example.org:{pacs.port}/rs")
    selection = selection_of(slices(1)[0])
    assert len(open_images(there, selection=selection, web=web)) == 3


def test_hosts_are_named_with_their_port() -> None:
    hosts = Hosts()
    hosts.name(read_address("http://127.0.0.1:8042/rs"))
    assert hosts.is_named("127.0.0.1", 8042)
    assert not hosts.is_named("127.0.0.1", 80)


# --- behind a proxy ------------------------------------------------------------------------------


@pytest.fixture
def proxy(pacs: Pacs, monkeypatch: pytest.MonkeyPatch) -> Pacs:
    """The server as a proxy, which knows of names that we do not."""
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{pacs.port}")
    return pacs


def answer(handler: Handler) -> bool:
    handler.path = "/rs" + handler.path.partition("/rs")[2]
    handler.pacs.answer(handler)
    return True


@pytest.mark.parametrize("host", ["10.0.0.5", "167772165", "169.254.169.254", "[::1]"])
def test_documents_cannot_lead_into_private_networks_by_proxy(host: str, proxy: Pacs) -> None:
    with pytest.raises(InputError, match=r"leads to the .* address .*--allow-host"):
        open_images(endpoint(f"http://{host}/rs"), selection=selection_of(slices(1)[0]))
    assert not proxy.requests


def test_a_proxy_knows_names_that_we_do_not(proxy: Pacs) -> None:
    proxy.rule("^http://pacs[.]invalid/", answer)
    proxy.rule("^http://10[.]0[.]0[.]5/", answer)
    selection = selection_of(slices(1)[0])
    assert len(open_images(endpoint("http://pacs.invalid/rs"), selection=selection)) == 3
    web = WebSettings(allow_hosts=("10.0.0.5",))
    assert len(open_images(endpoint("http://10.0.0.5/rs"), selection=selection, web=web)) == 3
    assert len(open_images("http://10.0.0.5/rs/studies/1.2")) == 3


def test_a_slow_proxy_is_left(proxy: Pacs) -> None:
    def drip(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        with suppress(OSError):
            for _ in range(40):
                handler.wfile.write(b" ")
                time.sleep(0.1)
        handler.close_connection = True
        return True

    proxy.rule("invalid", drip)
    start = time.monotonic()
    with pytest.raises(InputError, match="no whole answer within 1 s"):
        open_images("http://pacs.invalid/rs/studies/1.2", web=WebSettings(**QUICK))  # type: ignore[arg-type]
    assert time.monotonic() - start < 2.5


# --- redirects -----------------------------------------------------------------------------------


def elsewhere(url: str) -> Any:
    return lambda handler: handler.give(302, Location=url)


def test_redirects_on_the_host_are_followed(pacs: Pacs) -> None:
    pacs.rule(r"^/old/", lambda handler: handler.give(301, Location="/rs" + handler.path[4:]))
    images = open_images(f"http://127.0.0.1:{pacs.port}/old/studies/1.2", web=SECRETS)
    assert len(images) == 3
    assert sent(pacs)["Authorization"] == "Bearer s3cret"


def test_redirects_to_other_hosts_are_refused(pacs: Pacs) -> None:
    with Pacs() as other:
        other.add(*slices(1))
        pacs.rule("metadata", elsewhere(f"{other.url}/studies/1.2/metadata?sig=s3cret"))
        with pytest.raises(InputError, match=r"sends us to another host.*--allow-host") as caught:
            open_images(f"{pacs.url}/studies/1.2", web=SECRETS)
        assert "s3cret" not in str(caught.value)
        assert not other.requests


def test_allowed_redirects_do_not_take_secrets_along(pacs: Pacs) -> None:
    with Pacs() as other:
        other.add(*slices(1))
        pacs.rule("metadata", elsewhere(f"{other.url}/studies/1.2/metadata"))
        web = WebSettings(token="s3cret", headers={"X-Key": "k"}, allow_hosts=("127.0.0.1",))
        assert len(open_images(f"{pacs.url}/studies/1.2", web=web)) == 1
        assert "Authorization" not in sent(other)
        assert "X-Key" not in sent(other)
        assert sent(pacs)["X-Key"] == "k"


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest", "file:///etc/passwd", "ftp://a/", "//evil.example/x"],
)
def test_redirects_to_strange_places(target: str, pacs: Pacs) -> None:
    pacs.rule("metadata", elsewhere(target))
    with pytest.raises(InputError, match=r"another host|expected http"):
        open_images(f"{pacs.url}/studies/1.2", web=SECRETS)


def test_redirects_in_a_circle(pacs: Pacs) -> None:
    pacs.rule("metadata", lambda handler: handler.give(302, Location=handler.path))
    with pytest.raises(InputError, match="more than 5 redirects"):
        open_images(f"{pacs.url}/studies/1.2", web=SECRETS)


# --- secrets -------------------------------------------------------------------------------------


def test_token_and_headers_go_to_the_host_that_was_named(pacs: Pacs) -> None:
    open_images(f"{pacs.url}/studies/1.2", web=SECRETS)
    assert sent(pacs)["Authorization"] == "Bearer s3cret"
    assert sent(pacs)["X-Key"] == "k3y"


def test_user_and_password_of_the_url(pacs: Pacs) -> None:
    url = pacs.url.replace("http://", "http://me:p%40ss@")
    open_images(f"{url}/studies/1.2")
    assert sent(pacs)["Authorization"] == "Basic bWU6cEBzcw=="
    assert all("me:" not in path for path in pacs.paths())


def test_hosts_of_documents_get_no_secrets(pacs: Pacs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither token nor header nor netrc goes to a host that only a document names."""
    from imageregion.dicom.web import addresses

    monkeypatch.setattr(addresses, "private_reason", lambda ip: "")  # as if it were public
    pacs.rule("metadata", first_check(401))
    there = endpoint(pacs.url, header=["X-Own: yes"])
    with pytest.raises(InputError, match=r"HTTP 401\)") as caught:
        open_images(there, selection=selection_of(slices(1)[0]), web=SECRETS)
    assert "not sent to it unless you name it: --allow-host 127.0.0.1" in str(caught.value)
    assert "Authorization" not in sent(pacs)
    assert "X-Key" not in sent(pacs)
    assert sent(pacs)["X-Own"] == "yes"  # what the document itself wants


def study(uid: str, there: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        "contained": [there | {"id": "e"}],
        "endpoint": [{"reference": "#e"}],
        "series": [{"uid": f"{uid}.3"}],
    }


def test_headers_of_an_endpoint_go_to_it_alone(pacs: Pacs) -> None:
    """Several services share a host; what one of them wants is a secret to the others."""
    documents = [
        study("1.2", endpoint(pacs.url, header=["X-Own: one"])),
        study("1.7", endpoint(f"{pacs.url}2", header=["X-Own: two", "Accept: text/html"])),
        study("1.8", endpoint(f"{pacs.url}/inner", header=["X-Own: three"])),
        study("1.9", endpoint(f"{pacs.url}3")),
        study("1.10", endpoint(f"{pacs.url}/other")),
    ]
    web = WebSettings(allow_hosts=("127.0.0.1",), **QUICK)  # type: ignore[arg-type]
    images = open_images(documents, web=web)
    got = {path.split("/studies")[0]: head.get("X-Own") for path, head in pacs.requests}
    assert got == {
        "/rs": "one",
        "/rs2": "two",
        "/rs/inner": "three",
        "/rs3": None,
        "/rs/other": None,
    }
    (issue,) = [one for one in images.issues if one.code == "header"]
    assert "accept" in issue.message.lower()


def test_no_secrets_in_clear_text_to_what_was_named_with_https(pacs: Pacs) -> None:
    named = f"https://127.0.0.1:{pacs.port}/rs/studies/1.2"
    images = open_images([named, study("1.2", endpoint(pacs.url))], web=SECRETS)
    assert len(images) == 3
    assert pacs.requests
    assert not any({"Authorization", "X-Key"} & set(head) for _, head in pacs.requests)
    hosts = Hosts()
    hosts.name(read_address(named))
    assert "not sent over http" in untold(pacs.url, hosts)
    hosts.name(read_address(pacs.url))
    assert hosts.is_trusted(read_address(pacs.url))  # named so as well


def first_check(status: int) -> Any:
    def rule(handler: Handler) -> bool:
        return "Authorization" not in handler.headers and handler.give(status)

    return rule


def test_a_document_cannot_give_a_password(pacs: Pacs) -> None:
    there = endpoint(pacs.url.replace("http://", "http://me:pw@"))
    with pytest.raises(ValueError, match=r"password|user") as caught:
        open_images(there, selection=selection_of(slices(1)[0]))
    assert "pw@" not in str(caught.value)


def test_passwords_of_files_are_not_used(
    pacs: Pacs, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    open_images(f"{pacs.url}/studies/1.2")
    assert "Authorization" not in sent(pacs)
