//! What model calls cost, and what detectors there are.

use pyo3::{IntoPyObjectExt, prelude::*};
use tenantry::api;

use super::{
    json::{self, Fields},
    wrapped,
};
use crate::errors::Result;

value_class! {
    /// What a report of usage came to.
    UsageReceipt(api::UsageReceipt) shows (cost_micros, priced, recorded) {
        /// What the call cost, in millionths of a US dollar; 0 when the price book does not know the model.
        cost_micros: i64 = |receipt| receipt.cost_micros;
        /// Whether the price book knows the model.
        priced: bool = |receipt| receipt.priced;
        /// Whether it was written down now; false for a repetition.
        recorded: bool = |receipt| receipt.recorded;
        /// Whether reports of this call said different things. The larger of them counts.
        differs: bool = |receipt| receipt.differs;
    }
}

value_class! {
    /// A key policies read, and which detector writes it.
    DetectorKey(api::DetectorKey) shows (key) {
        /// The name policies use.
        key: &str = |key| &key.key;
        /// `bool`, `long`, `string`, `set` or `record`.
        r#type: &str = |key| &key.kind;
        /// One sentence.
        description: &str = |key| &key.description;
        /// The least and the greatest value, where there are such.
        range: Option<&str> = |key| key.range.as_deref();
    }
}

value_class! {
    /// A detector, and the keys it writes.
    Detector(api::Detector) shows (name, status, tier) {
        /// Its name.
        name: &str = |detector| &detector.name;
        /// `healthy`, `degraded` or `disabled`.
        status: &str = |detector| &detector.status;
        /// `fast`, `standard` or `slow`.
        tier: &str = |detector| &detector.tier;
        /// The version of this engine: a detector changes with it alone.
        version: &str = |detector| &detector.version;
        /// The family its signals belong to.
        category: &str = |detector| &detector.category;
        /// One sentence.
        description: &str = |detector| &detector.description;
        /// The keys it writes.
        context_keys: Vec<DetectorKey> = |detector| wrapped(&detector.context_keys);
    }
}
