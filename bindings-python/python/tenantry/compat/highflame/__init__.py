"""The names of the public `highflame` client, decided by Tenantry: embedded, or by the server `base_url` names.

Change `from highflame import ...` to `from tenantry.compat.highflame import ...`; the rest of the code stays. Every key
is verified: without a server that issued it, only dev mode (`TENANTRY_DEV=1`) takes any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ... import AgentIdentity as AgentIdentityTrace
from ... import (
    DebugInfo,
    DetectorResult,
    DetectResponse,
    DeterminingPolicy,
    FileContext,
    GuardRequest,
    GuardResponse,
    ModelContext,
    PolicySummary,
    RootCause,
    SessionDelta,
    Tenantry,
    ToolContext,
)
from ... import Detector as DetectorInfo
from ... import DetectorKey as ContextKeySpec
from ... import InvalidArgument as InvalidRequestError
from ... import McpContext as MCPContext
from ... import RateLimited as RateLimitError
from ... import TenantryError as HighflameError
from ... import Unauthenticated as AuthenticationError
from ... import Unavailable as APIConnectionError
from ... import UsageReceipt as UsageResponseBody
from ...errors import BlockedError
from ...shield import Shield as _Shield
from ...shield import _decorator
from ._resources import DetectorsResource, ListDetectorsResponse, UsageRequestBody, UsageResource

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "APIConnectionError",
    "AgentIdentityTrace",
    "AuthenticationError",
    "BlockedError",
    "ContextKeySpec",
    "DebugInfo",
    "DetectResponse",
    "DetectorInfo",
    "DetectorResult",
    "DeterminingPolicy",
    "FileContext",
    "GuardRequest",
    "GuardResponse",
    "Highflame",
    "HighflameError",
    "InvalidRequestError",
    "ListDetectorsResponse",
    "MCPContext",
    "ModelContext",
    "PolicySummary",
    "RateLimitError",
    "RootCause",
    "SessionDelta",
    "Shield",
    "ToolContext",
    "UsageRequestBody",
    "UsageResponseBody",
]


class Highflame(Tenantry):
    """A client of one project: the one its key, or `account_id` and `project_id`, name."""

    def __new__(
        cls,
        api_key: str = "",
        *,
        access_token: str = "",
        base_url: str | None = None,
        timeout: float | None = None,
        account_id: str | None = None,
        project_id: str | None = None,
        default_headers: dict[str, str] | None = None,
        **_transport: Any,
    ) -> Self:
        # `_transport` takes what only shapes HTTP there (token_url, max_retries, ...): an embedded engine has none.
        if not api_key and not access_token:
            raise InvalidRequestError("neither api_key nor access_token is given", code="config_invalid")
        return super().__new__(
            cls,
            api_key=api_key or access_token,
            account_id=account_id,
            project_id=project_id,
            base_url=base_url,
            deadline_ms=None if timeout is None else round(timeout * 1000),
            default_headers=default_headers,
        )

    @property
    def usage(self) -> UsageResource:  # type: ignore[override]
        """The spend of model calls."""
        return UsageResource(super().usage)

    @property
    def detectors(self) -> DetectorsResource:
        """The detectors there are."""
        return DetectorsResource(self.guard)


class Shield(_Shield):
    """The decorators under the public client's keywords. Unlike there, redacted text is passed on.

    `optimize` is taken and not used: it only spares detectors nobody reads, which an embedded engine does anyway.

    A tool whose function has no name (a lambda, a `functools.partial`) needs `tool_name`.
    """

    def __init__(self, client: Highflame) -> None:
        super().__init__(client)

    def prompt(  # type: ignore[override]
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        mode: str = "enforce",
        content_arg: str | None = None,
        session_id: str | None = None,
        optimize: bool | None = None,
    ) -> Any:
        """Guards the first `str` parameter, or the one named by `content_arg`."""
        return _decorator(super().prompt(arg=content_arg, mode=mode, session_id=session_id), function)

    def tool(  # type: ignore[override]
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        mode: str = "enforce",
        tool_name: str | None = None,
        session_id: str | None = None,
        optimize: bool | None = None,
    ) -> Any:
        """Guards the arguments of a tool call."""
        return _decorator(super().tool(name=tool_name, mode=mode, session_id=session_id), function)

    def toolresponse(  # type: ignore[override]
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        mode: str = "enforce",
        tool_name: str | None = None,
        session_id: str | None = None,
        optimize: bool | None = None,
    ) -> Any:
        """Guards what a tool returns."""
        return _decorator(super().toolresponse(name=tool_name, mode=mode, session_id=session_id), function)

    def modelresponse(  # type: ignore[override]
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        mode: str = "enforce",
        session_id: str | None = None,
        optimize: bool | None = None,
    ) -> Any:
        """Guards what a model returns."""
        return _decorator(super().response(mode=mode, session_id=session_id), function)

    def __call__(
        self,
        *,
        content_type: str,
        action: str,
        content_arg: str | None = None,
        mode: str = "enforce",
        session_id: str | None = None,
        optimize: bool | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Guards one parameter as any kind of content."""
        fields = {"content_type": content_type, "action": action, **self._options(mode, session_id)}
        return lambda target: self._guard_text(target, content_arg, fields)
