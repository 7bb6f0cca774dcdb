# Written by core/gen from the table of operations; do not edit.
"""What can be done, a module for each noun. They are imported at first touch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .accounts import Account, Accounts
    from .admin import Admin
    from .audit import Audit, AuditHead, AuditRecord, VerifyReport
    from .grants import Grant, Grants
    from .guard import Detector, DetectorKey, Guard
    from .identity import AutoProvision, Identities, Identity, IdentitySettings, WhoAmI
    from .issuers import IssuerReceipt, Issuers, IssuerSpec
    from .keys import ApiKey, Keys, NewApiKey
    from .limits import Limits, LimitSpec
    from .policies import Policies, PolicyReceipt, PolicySummary
    from .projects import Project, Projects
    from .settings import Settings, TenantSettings
    from .tokens import AccessToken, Introspection, Tokens
    from .usage import Usage, UsageReceipt

HASH = "0b9c6d7664d953ad"
"""The fingerprint of the table this was written from."""

MODULES = {
    "AccessToken": "tokens",
    "Account": "accounts",
    "Accounts": "accounts",
    "Admin": "admin",
    "ApiKey": "keys",
    "Audit": "audit",
    "AuditHead": "audit",
    "AuditRecord": "audit",
    "AutoProvision": "identity",
    "Detector": "guard",
    "DetectorKey": "guard",
    "Grant": "grants",
    "Grants": "grants",
    "Guard": "guard",
    "Identities": "identity",
    "Identity": "identity",
    "IdentitySettings": "identity",
    "Introspection": "tokens",
    "IssuerReceipt": "issuers",
    "IssuerSpec": "issuers",
    "Issuers": "issuers",
    "Keys": "keys",
    "LimitSpec": "limits",
    "Limits": "limits",
    "NewApiKey": "keys",
    "Policies": "policies",
    "PolicyReceipt": "policies",
    "PolicySummary": "policies",
    "Project": "projects",
    "Projects": "projects",
    "Settings": "settings",
    "TenantSettings": "settings",
    "Tokens": "tokens",
    "Usage": "usage",
    "UsageReceipt": "usage",
    "VerifyReport": "audit",
    "WhoAmI": "identity",
}
"""Where each name is."""

__all__ = [
    "AccessToken",
    "Account",
    "Accounts",
    "Admin",
    "ApiKey",
    "Audit",
    "AuditHead",
    "AuditRecord",
    "AutoProvision",
    "Detector",
    "DetectorKey",
    "Grant",
    "Grants",
    "Guard",
    "Identities",
    "Identity",
    "IdentitySettings",
    "Introspection",
    "IssuerReceipt",
    "IssuerSpec",
    "Issuers",
    "Keys",
    "LimitSpec",
    "Limits",
    "NewApiKey",
    "Policies",
    "PolicyReceipt",
    "PolicySummary",
    "Project",
    "Projects",
    "Settings",
    "TenantSettings",
    "Tokens",
    "Usage",
    "UsageReceipt",
    "VerifyReport",
    "WhoAmI",
]
