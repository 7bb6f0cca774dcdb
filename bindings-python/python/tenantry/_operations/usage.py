# Written by core/gen from the table of operations; do not edit.
"""What model calls cost."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from .. import _wire


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class UsageReceipt(_wire.Record):
    """What a report came to."""

    cost_micros: int
    """What the call cost, in millionths of a US dollar; 0 when the price book does not know the model."""
    priced: bool
    """Whether the price book knows the model."""
    recorded: bool
    """Whether it was written down now; false for a repetition."""
    differs: bool = False
    """Whether reports of this call said different things. The larger of them counts."""


class Usage(_wire.Handle):
    """What model calls cost."""

    __slots__ = ()

    def report(
        self,
        model: str,
        *,
        provider: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        cache_write_1h_tokens: int | None = None,
        usage_id: str | None = None,
        session_id: str | None = None,
    ) -> UsageReceipt:
        """Prices one model call and writes down what it cost, once per `usage_id` and 48 hours.

        Args:
            model: The model's name.
            provider: The provider's name.
            input_tokens: Tokens of the prompt.
            output_tokens: Tokens of the answer.
            cache_read_tokens: Tokens read from the provider's cache.
            cache_write_tokens: Tokens written to the provider's cache.
            cache_write_1h_tokens: Tokens written to the provider's one-hour cache.
            usage_id: Names the call: a report with the same id within 48 hours is the same call. Empty gets a fresh
                id.
            session_id: The conversation it belongs to.
        """
        return self._call(
            "usage.report",
            {
                "model": _wire.said(
                    {
                        "model": model,
                        "provider": provider,
                        "input_tokens": input_tokens,
                        "output_tokens": output_tokens,
                        "cache_read_tokens": cache_read_tokens,
                        "cache_write_tokens": cache_write_tokens,
                        "cache_write_1h_tokens": cache_write_1h_tokens,
                    }
                ),
                "usage_id": usage_id,
                "session_id": session_id,
            },
            UsageReceipt._read,
        )

    def areport(
        self,
        model: str,
        *,
        provider: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        cache_write_1h_tokens: int | None = None,
        usage_id: str | None = None,
        session_id: str | None = None,
    ) -> Coroutine[Any, Any, UsageReceipt]:
        """As `report`, awaited."""
        return self._acall(
            "usage.report",
            {
                "model": _wire.said(
                    {
                        "model": model,
                        "provider": provider,
                        "input_tokens": input_tokens,
                        "output_tokens": output_tokens,
                        "cache_read_tokens": cache_read_tokens,
                        "cache_write_tokens": cache_write_tokens,
                        "cache_write_1h_tokens": cache_write_1h_tokens,
                    }
                ),
                "usage_id": usage_id,
                "session_id": session_id,
            },
            UsageReceipt._read,
        )
