//! What model calls cost, and what detectors there are.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use tenantry::api;

use super::{Flag, ModelContext, Text, mirror};

mirror! { into
    /// One model call, reported after it was made.
    UsageReport: api::UsageReport {
        /// Names the call: a report with the same id within 48 hours is the same call. A fresh one when left out.
        usage_id: Option<Text>,
        /// The model, which must be named, and its tokens.
        model: ModelContext,
        /// The conversation it belongs to.
        session_id: Option<Text>,
    }
}

mirror! { out
    /// What a report of usage came to.
    UsageReceipt: api::UsageReceipt {
        /// What the call cost, in millionths of a US dollar; 0 when the price book does not know the model.
        cost_micros: i64,
        /// Whether the price book knows the model.
        priced: bool,
        /// Whether it was written down now; false for a repetition.
        recorded: bool,
        /// Whether reports of this call said different things. The larger of them counts.
        differs: Option<Flag>,
    }
}

mirror! { out
    /// A key policies read, and which detector writes it.
    DetectorKey: api::DetectorKey {
        /// The name policies use.
        key: String,
        /// `bool`, `long`, `string`, `set` or `record`.
        r#type (kind): String,
        /// One sentence.
        description: String,
        /// The least and the greatest value, where there are such.
        range: Option<Text>,
    }
}

mirror! { out
    /// A detector, and the keys it writes.
    Detector: api::Detector {
        /// Its name.
        name: String,
        /// `healthy`, `degraded` or `disabled`.
        status: String,
        /// `fast`, `standard` or `slow`.
        tier: String,
        /// The version of this engine: a detector changes with it alone.
        version: String,
        /// The family its signals belong to.
        category: String,
        /// One sentence.
        description: String,
        /// The keys it writes.
        context_keys: Vec<DetectorKey>,
    }
}
