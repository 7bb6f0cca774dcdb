# Written by core/gen from the table of operations; do not edit.
"""Settings of this project."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import _wire
from .words import AuditClass, Mode


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings(_wire.Record):
    """What a project may tune."""

    mode_floor: Mode
    """Callers may not ask for a laxer mode than this."""
    audit_class: AuditClass
    """How strongly the audit trail is kept."""
    redaction_originals: bool
    """Whether redaction entries carry the original text."""
    session_ttl_seconds: int
    """How long an idle session is remembered, in seconds."""
    metadata_keys: dict[str, str] = field(default_factory=dict)
    """Metadata keys the project declares by hand, each with its type: `String`, `Long`, `Bool` or `Set<String>`. The
    others are declared by the policies that read them; one that reads like a context key has to stand here.
    """


class TenantSettings(_wire.Handle):
    """Settings of this project."""

    __slots__ = ()

    def get(self) -> Settings:
        """Reads the settings in force."""
        return self._call("settings.get", {}, Settings._read)

    def aget(self) -> Coroutine[Any, Any, Settings]:
        """As `get`, awaited."""
        return self._acall("settings.get", {}, Settings._read)

    def update(
        self,
        *,
        mode_floor: Mode | None = None,
        audit_class: AuditClass | None = None,
        redaction_originals: bool | None = None,
        session_ttl_seconds: int | None = None,
        metadata_keys: Mapping[str, str] | None = None,
    ) -> Settings:
        """Changes the given fields.

        Args:
            mode_floor: See `Settings.mode_floor`.
            audit_class: See `Settings.audit_class`.
            redaction_originals: See `Settings.redaction_originals`.
            session_ttl_seconds: See `Settings.session_ttl_seconds`.
            metadata_keys: See `Settings.metadata_keys`; takes the place of all that were declared before.
        """
        return self._call(
            "settings.update",
            {
                "mode_floor": mode_floor,
                "audit_class": audit_class,
                "redaction_originals": redaction_originals,
                "session_ttl_seconds": session_ttl_seconds,
                "metadata_keys": _wire.fields("metadata_keys", metadata_keys),
            },
            Settings._read,
        )

    def aupdate(
        self,
        *,
        mode_floor: Mode | None = None,
        audit_class: AuditClass | None = None,
        redaction_originals: bool | None = None,
        session_ttl_seconds: int | None = None,
        metadata_keys: Mapping[str, str] | None = None,
    ) -> Coroutine[Any, Any, Settings]:
        """As `update`, awaited."""
        return self._acall(
            "settings.update",
            {
                "mode_floor": mode_floor,
                "audit_class": audit_class,
                "redaction_originals": redaction_originals,
                "session_ttl_seconds": session_ttl_seconds,
                "metadata_keys": _wire.fields("metadata_keys", metadata_keys),
            },
            Settings._read,
        )
