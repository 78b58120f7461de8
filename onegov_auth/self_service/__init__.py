"""What people do with their own accounts: join, come back, look after them."""

from onegov_auth.self_service.email_changes import EmailChanges
from onegov_auth.self_service.login_steps import TakingSteps
from onegov_auth.self_service.recovering import Recovering, is_external, password_reset_url

__all__ = ["EmailChanges", "Recovering", "TakingSteps", "is_external", "password_reset_url"]
