"""
Contract suites: what every provider, second factor and sender of text messages holds, ours and anybody's.

Subclass one as ``Test…``, override the fixtures that raise, and run pytest with
``-p onegov_auth.testing.plugin``. What a provider can't do is said by overriding an attribute.
"""

from onegov_auth.testing.contracts.factor import FactorContract
from onegov_auth.testing.contracts.password import PasswordProviderContract
from onegov_auth.testing.contracts.provider import Person, ProviderContract
from onegov_auth.testing.contracts.redirect import RedirectProviderContract
from onegov_auth.testing.contracts.sms import SMSSenderContract

__all__ = [
    "FactorContract",
    "PasswordProviderContract",
    "Person",
    "ProviderContract",
    "RedirectProviderContract",
    "SMSSenderContract",
]
