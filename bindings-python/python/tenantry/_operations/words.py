# Written by core/gen from the table of operations; do not edit.
"""Words that stand for one of a few things."""

from typing import Literal

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"]
"""A signature algorithm of a token (RFC 7518, RFC 8037). `none` is not one."""
AuditClass = Literal["required", "standard", "sampled"]
"""How strongly the audit trail of a project is kept."""
AuditOrder = Literal["oldest", "newest"]
"""In which order rows are read."""
CredentialKind = Literal["api_key", "token", "jwt", "dev"]
"""What a credential was."""
KeyState = Literal["active", "revoked", "expired"]
"""Whether a key is taken."""
Layer = Literal["platform", "account", "project"]
"""Where in the hierarchy a scope, policy or limit sits."""
LimitKey = Literal["scope", "principal", "session", "tool", "action", "custom"]
"""What a rate is counted by."""
Mode = Literal["monitor", "alert", "modify", "enforce"]
"""How strictly policy outcomes are applied. Ordered from lax to strict."""
OnExceed = Literal["reject", "queue", "report"]
"""What happens when a rate is exceeded."""
PrincipalKind = Literal["user", "agent"]
"""What a principal is to policies."""
Status = Literal["active", "suspended"]
"""Whether a tenant may be acted in."""
