"""
Groups that are too many for a token of Entra ID, asked of Microsoft Graph.

The token itself names an address to ask (``_claim_sources``). It is not used: it would let whoever makes the
token choose where the access token goes, and it is that of an interface which Microsoft has switched off.
"""

from __future__ import annotations

import json

from onegov_auth_oidc.errors import OIDCUnreachableError
from onegov_auth_oidc.http import Http

__all__ = ["fetch_groups"]

#: All groups, also those that a group is in; 11,000 at most, and an error beyond (Graph v1.0, getMemberGroups).
PATH = "/v1.0/me/getMemberGroups"


def fetch_groups(http: Http, graph: str, access_token: str) -> list[str]:
    """
    The ids of the security groups of whom the token is for; the same that the token would have had.

    Args:
        http: Asks Graph.
        graph: Its address, such as ``https://graph.microsoft.com``.
        access_token: One for Graph, which is what Entra ID gives to a login with ``GroupMember.Read.All``.

    Raises:
        OIDCUnreachableError: If Graph does not answer with a list, or may not tell.
    """
    headers = {"Authorization": f"Bearer {access_token}", "Content-Type": "application/json"}
    answer = http.post(graph.rstrip("/") + PATH, headers, json.dumps({"securityEnabledOnly": True}))
    groups = answer.ok().json().get("value")
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise OIDCUnreachableError("garbage", "Microsoft Graph answered no list of groups")
    return groups
