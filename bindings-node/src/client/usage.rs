//! What model calls cost.

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::client as core;

use crate::{
    runtime::{Work, promise, wait},
    types::{usage, wire},
};

/// What model calls of one project cost.
#[napi]
pub struct Usage(pub(super) core::Usage);

twins! {
    impl Usage {
        /// Prices one model call and writes down what it cost.
        #[arguments("report: UsageReport")]
        fn report_sync / report(&self, report) -> String {
            let (room, report) = (self.0.clone(), usage(report)?);
            Work::new(async move { wire(&room.report(report.clone()).await?) })
        }
    }
}
