//! What model calls cost.

use pyo3::prelude::*;
use tenantry::{api, client as core};

use crate::{
    errors::Result,
    runtime::{Awaits, Work, wait},
    types::{Text, UsageReceipt, owned},
};

/// See `Tenant.usage`.
#[pyclass(frozen, module = "tenantry")]
pub struct Usage(pub core::Usage);

twins! {
    impl Usage {
        /// Prices one model call and writes down what it cost, once per `usage_id` and 48 hours.
        ///
        /// Without `usage_id` it is a call of its own. A model the price book does not know costs 0 and is not `priced`.
        #[arguments(model, *, input_tokens=0, output_tokens=0, cache_read_tokens=0, cache_write_tokens=0,
            cache_write_1h_tokens=0, provider=None, usage_id=None, session_id=None)]
        fn report / areport(
            &self,
            model: Text,
            input_tokens: i64,
            output_tokens: i64,
            cache_read_tokens: i64,
            cache_write_tokens: i64,
            cache_write_1h_tokens: i64,
            provider: Option<Text>,
            usage_id: Option<Text>,
            session_id: Option<Text>,
        ) -> UsageReceipt {
            let report = api::UsageReport {
                usage_id: owned(usage_id).unwrap_or_default(),
                model: api::ModelContext {
                    provider: owned(provider),
                    model: Some(model.0),
                    input_tokens: Some(input_tokens),
                    output_tokens: Some(output_tokens),
                    cache_read_tokens: Some(cache_read_tokens),
                    cache_write_tokens: Some(cache_write_tokens),
                    cache_write_1h_tokens: Some(cache_write_1h_tokens),
                    ..api::ModelContext::default()
                },
                session_id: owned(session_id),
            };
            let usage = self.0.clone();
            Work::new(async move { usage.report(report).await.map(UsageReceipt) })
        }
    }
}
