"""Tenantry: the boundary between the customers of an AI product.

>>> from tenantry import Tenantry
>>> with Tenantry(in_memory=True) as client:
...     _ = client.admin.accounts.create("acme")
...     _ = client.admin.projects.create("acme", "prod")
...     client.tenant("acme", "prod").guard.evaluate_prompt("hello").decision
'allow'
"""

from typing import TYPE_CHECKING, Any

from . import _operations
from ._tenantry import (
    AgentIdentity,
    DebugEntity,
    DebugInfo,
    DetectorPlanEntry,
    DetectorResult,
    DetectResponse,
    DeterminingPolicy,
    FileContext,
    GuardRequest,
    GuardResponse,
    McpContext,
    ModelContext,
    OptimizationReport,
    Principal,
    RedactionEntry,
    RootCause,
    SessionDelta,
    Signal,
    Tenant,
    Tenantry,
    ToolContext,
    _check_table,
)
from .errors import (
    BlockedError,
    Cancelled,
    Conflict,
    Data,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    TenantryError,
    Timeout,
    Unauthenticated,
    Unavailable,
)
from .shield import Shield

if TYPE_CHECKING:
    from ._operations import *  # noqa: F403
    from ._wire import Page

_check_table(_operations.HASH)

__all__ = [
    "AgentIdentity",
    "BlockedError",
    "Cancelled",
    "Conflict",
    "Data",
    "DebugEntity",
    "DebugInfo",
    "DetectResponse",
    "DetectorPlanEntry",
    "DetectorResult",
    "DeterminingPolicy",
    "FileContext",
    "GuardRequest",
    "GuardResponse",
    "Internal",
    "InvalidArgument",
    "McpContext",
    "ModelContext",
    "NotFound",
    "OptimizationReport",
    "Page",
    "PermissionDenied",
    "Principal",
    "QuotaExceeded",
    "RateLimited",
    "RedactionEntry",
    "RootCause",
    "SessionDelta",
    "Shield",
    "Signal",
    "Tenant",
    "Tenantry",
    "TenantryError",
    "Timeout",
    "ToolContext",
    "Unauthenticated",
    "Unavailable",
]
__all__ += _operations.__all__

if not TYPE_CHECKING:
    _MODULES = {"Page": "_wire"} | {name: f"_operations.{module}" for name, module in _operations.MODULES.items()}

    def __getattr__(name: str) -> Any:
        # What is written from the table is imported at first touch.
        module = _MODULES.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
