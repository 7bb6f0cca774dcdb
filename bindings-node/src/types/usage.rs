//! What model calls used.

use napi::Unknown;
use tenantry::api::{ModelContext, UsageReport};

use super::Given;
use crate::errors::Result;

/// One model call, reported after it was made.
pub fn usage(value: Unknown<'_>) -> Result<UsageReport> {
    let mut given = Given::read("report", value)?;
    let report = UsageReport {
        usage_id: given.text("usageId")?.unwrap_or_default(),
        model: ModelContext {
            provider: given.text("provider")?,
            model: Some(given.required("model")?),
            input_tokens: given.whole("inputTokens")?,
            output_tokens: given.whole("outputTokens")?,
            cache_read_tokens: given.whole("cacheReadTokens")?,
            cache_write_tokens: given.whole("cacheWriteTokens")?,
            cache_write_1h_tokens: given.whole("cacheWrite1hTokens")?,
            ..ModelContext::default()
        },
        session_id: given.text("sessionId")?,
    };
    given.end()?;
    Ok(report)
}
