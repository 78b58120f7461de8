"""Why somebody has a permission, in the words of the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onegov_auth.i18n import _
from onegov_auth.web.names import visible

if TYPE_CHECKING:
    from onegov_auth.i18n import Translator
    from onegov_auth.permissions.explain import Chain

__all__ = ["reason"]

_KINDS = {"group": _("Group {name}"), "bundle": _("Bundle {name}")}


def reason(translate: Translator, chain: Chain) -> str:
    """One way from a user to a permission, in one line."""
    if any(kind == "superuser" for kind, _name in chain.path):
        return translate(_("Superuser: has every permission"))
    steps = [translate(_KINDS.get(kind, "{name}")).format(name=visible(name)) for kind, name in chain.path]
    parts = [" → ".join(steps) or translate(_("Own permission"))]
    if chain.origin is None:
        parts.append(translate(_("given by hand")))
    elif chain.rule is None:
        parts.append(translate(_("given by {provider}")).format(provider=visible(chain.origin)))
    else:
        given = translate(_("given by {provider} for its group {rule}"))
        parts.append(given.format(provider=visible(chain.origin), rule=visible(chain.rule)))
    if chain.expires is not None:
        parts.append(translate(_("until {moment}")).format(moment=translate.moment(chain.expires)))
    return " · ".join(parts)
