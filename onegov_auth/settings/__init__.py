"""The configuration: YAML in, frozen and checked settings out."""

from onegov_auth.settings.types import Duration, Secret, Section

__all__ = ["Duration", "Secret", "Section"]
