//! The native half of the Python package `tenantry`. Converts types, errors and async; every decision is the core's.
//!
//! Private on purpose: apps import `tenantry`, whose errors and decorators are plain Python on top of this module.

mod client;
mod errors;
mod operations;
mod runtime;
mod types;

/// The native half of `tenantry`; import that instead.
#[pyo3::pymodule(gil_used = false)]
mod _tenantry {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::client::{Guard, Limits, Tenant, Tenantry};
    #[pymodule_export]
    use crate::operations::{_check_table, _completed, _period};
    #[pymodule_export]
    use crate::types::{
        _check_tool_name, _joined, _restored, AgentIdentity, DebugEntity, DebugInfo, DetectResponse, DetectorPlanEntry,
        DetectorResult, DeterminingPolicy, FileContext, GuardRequest, GuardResponse, McpContext, ModelContext,
        OptimizationReport, Principal, RedactionEntry, RootCause, SessionDelta, Signal, ToolContext,
    };

    #[cfg(feature = "test-hooks")]
    #[pymodule_export]
    use crate::runtime::{_advance, _freeze, _panic_next};

    #[pymodule_init]
    fn init(py: Python<'_>) -> PyResult<()> {
        crate::runtime::only_the_main_interpreter()?;
        crate::runtime::watch_exit(py)?;
        crate::runtime::watch_forks(py)
    }
}
