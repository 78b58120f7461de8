from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from onegov_auth.testing.servers.certificates import Authority
from onegov_auth_oidc.sections import ClaimNames, NetworkSettings


@pytest.mark.parametrize("key", ["username", "realname", "groups"])
def test_one_name_may_stand_without_a_list(key: str) -> None:
    """One claim is written as text, several as a list."""
    assert getattr(ClaimNames.model_validate({key: "name"}), key) == ("name",)
    assert getattr(ClaimNames.model_validate({key: ["name", "other"]}), key) == ("name", "other")


@pytest.mark.parametrize("value", [[], "", [""], 1, None])
def test_a_claim_has_a_name(value: object) -> None:
    """An empty name or list names nothing."""
    with pytest.raises(ValueError, match="groups"):
        ClaimNames.model_validate({"groups": value})


def test_networks(tmp_path: Path) -> None:
    """Networks, a proxy with its password, and a file with certificates are read."""
    ca_file = Authority(tmp_path).ca_file
    block = {"proxy": "http://jane:s3cret@proxy:3128", "ca_file": str(ca_file), "allow": ["10.0.0.0/8", "fd00::/8"]}
    found = NetworkSettings.model_validate(block)

    assert found.allow == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert found.ca_file == ca_file
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("proxy", "proxy:3128", "http://proxy"),
        ("proxy", "https://proxy:3128", "http://proxy"),
        ("proxy", "socks5://proxy:3128", "http://proxy"),
        ("proxy", "http://", "http://proxy"),
        ("proxy", "http://proxy:3128/path", "http://proxy"),
        ("ca_file", "/nowhere/ca.pem", "can't be read as certificates"),
        ("ca_file", __file__, "can't be read as certificates"),
        ("allow", ["10.0.0.1/8"], "must hold networks"),
        ("allow", ["inner"], "must hold networks"),
        ("allow", "10.0.0.0/8", "must be a list"),
        ("retries", 3, "retries"),
    ],
)
def test_a_wrong_way_stops_the_start(key: str, value: Any, words: str) -> None:
    """It is noticed at start-up, with what would be right."""
    with pytest.raises(ValueError, match=words):
        NetworkSettings.model_validate({key: value})
