//! Guard calls.

use std::future::Future;

use pyo3::prelude::*;
use tenantry::{
    api, client as core,
    error::{Error, Result as CoreResult},
};

use super::Tenant;
use crate::{
    errors::Result,
    runtime::{Awaits, Work, wait},
    types::{
        Changes, DetectResponse, Fields, FileContext, GuardRequest, GuardResponse, McpContext, ModelContext, Text,
        ToolContext, owned,
    },
};

/// What `Tenant.guard` can do beside the operations of the table: guard calls.
#[pyclass(frozen, subclass, module = "tenantry._tenantry")]
pub struct Guard {
    calls: core::Guard,
    tenant: Py<Tenant>,
}

twins! {
    impl Guard {
        also {
            #[new]
            fn new(tenant: Py<Tenant>) -> Self {
                Self { calls: tenant.get().0.guard(), tenant }
            }

            /// The tenant it is a handle of.
            #[getter]
            fn _native(&self, py: Python<'_>) -> Py<Tenant> {
                self.tenant.clone_ref(py)
            }
        }

        /// Decides one call. A denial is an answer; only an outage or bad input is an error.
        ///
        /// Takes a ready request, its fields, or both: a field given here replaces the request's. Whoever repeats it under
        /// the same `idempotency_key` within a day gets the same answer, and nothing is decided or charged a second time.
        #[arguments(request=None, *, content=None, content_type=None, action=None, mode=None, session_id=None,
            metadata=None, tool=None, model=None, file=None, mcp=None, contexts=None, detectors=None, debug=None,
            explain=None, dryrun=None, early_exit=None, optimize=None, idempotency_key=None)]
        fn evaluate / aevaluate(
            &self,
            request: Option<GuardRequest>,
            content: Option<Text>,
            content_type: Option<&str>,
            action: Option<&str>,
            mode: Option<&str>,
            session_id: Option<Text>,
            metadata: Option<Fields>,
            tool: Option<ToolContext>,
            model: Option<ModelContext>,
            file: Option<FileContext>,
            mcp: Option<McpContext>,
            contexts: Option<Vec<Text>>,
            detectors: Option<Vec<Text>>,
            debug: Option<bool>,
            explain: Option<bool>,
            dryrun: Option<bool>,
            early_exit: Option<bool>,
            optimize: Option<bool>,
            idempotency_key: Option<Text>,
        ) -> GuardResponse {
            if request.is_none() && content.is_none() {
                return Err(Error::invalid("request_invalid", "neither a request nor `content` is given").into());
            }
            let request = request.map_or_else(|| api::GuardRequest::prompt(""), |request| request.0);
            let changes = Changes {
                content,
                content_type,
                action,
                mode,
                session_id,
                metadata,
                tool,
                model,
                file,
                mcp,
                contexts,
                detectors,
                debug,
                explain,
                dryrun,
                early_exit,
                optimize,
            };
            self.decide(changes.apply(request)?, idempotency_key)
        }

        /// Decides on a prompt a user sends.
        #[arguments(content, *, mode=None, session_id=None, metadata=None, explain=None, debug=None, dryrun=None,
            model=None)]
        fn evaluate_prompt / aevaluate_prompt(
            &self,
            content: Text,
            mode: Option<&str>,
            session_id: Option<Text>,
            metadata: Option<Fields>,
            explain: Option<bool>,
            debug: Option<bool>,
            dryrun: Option<bool>,
            model: Option<ModelContext>,
        ) -> GuardResponse {
            let changes = Changes { mode, session_id, metadata, explain, debug, dryrun, model, ..Changes::default() };
            self.decide(changes.apply(api::GuardRequest::prompt(content.0))?, None)
        }

        /// Decides on a text a model gave back.
        #[arguments(content, *, mode=None, session_id=None, metadata=None, explain=None, debug=None, dryrun=None,
            model=None)]
        fn evaluate_response / aevaluate_response(
            &self,
            content: Text,
            mode: Option<&str>,
            session_id: Option<Text>,
            metadata: Option<Fields>,
            explain: Option<bool>,
            debug: Option<bool>,
            dryrun: Option<bool>,
            model: Option<ModelContext>,
        ) -> GuardResponse {
            let changes = Changes { mode, session_id, metadata, explain, debug, dryrun, model, ..Changes::default() };
            self.decide(changes.apply(api::GuardRequest::response(content.0))?, None)
        }

        /// Decides on a tool call.
        #[arguments(name, arguments=None, *, mode=None, session_id=None, metadata=None, explain=None, debug=None,
            dryrun=None, is_builtin=false, description=None, server_id=None)]
        fn evaluate_tool_call / aevaluate_tool_call(
            &self,
            name: Text,
            arguments: Option<Fields>,
            mode: Option<&str>,
            session_id: Option<Text>,
            metadata: Option<Fields>,
            explain: Option<bool>,
            debug: Option<bool>,
            dryrun: Option<bool>,
            is_builtin: bool,
            description: Option<Text>,
            server_id: Option<Text>,
        ) -> GuardResponse {
            let mut request = api::GuardRequest::tool_call(name.0, arguments.unwrap_or_default().0);
            if let Some(tool) = &mut request.tool {
                tool.is_builtin = is_builtin;
                tool.description = owned(description);
                tool.server_id = owned(server_id);
            }
            let changes = Changes { mode, session_id, metadata, explain, debug, dryrun, ..Changes::default() };
            self.decide(changes.apply(request)?, None)
        }

        /// Decides on what a tool gave back.
        #[arguments(name, content, *, mode=None, session_id=None, metadata=None, explain=None, debug=None, dryrun=None,
            is_builtin=false, description=None, server_id=None)]
        fn evaluate_tool_response / aevaluate_tool_response(
            &self,
            name: Text,
            content: Text,
            mode: Option<&str>,
            session_id: Option<Text>,
            metadata: Option<Fields>,
            explain: Option<bool>,
            debug: Option<bool>,
            dryrun: Option<bool>,
            is_builtin: bool,
            description: Option<Text>,
            server_id: Option<Text>,
        ) -> GuardResponse {
            let mut request = api::GuardRequest::tool_response(name.0, content.0);
            if let Some(tool) = &mut request.tool {
                tool.is_builtin = is_builtin;
                tool.description = owned(description);
                tool.server_id = owned(server_id);
            }
            let changes = Changes { mode, session_id, metadata, explain, debug, dryrun, ..Changes::default() };
            self.decide(changes.apply(request)?, None)
        }

        /// Decides on a file that is read (`operation` `read`) or written (`write`).
        #[arguments(content, path, operation="read", *, mode=None, session_id=None, metadata=None, explain=None,
            debug=None, dryrun=None)]
        fn evaluate_file / aevaluate_file(
            &self,
            content: Text,
            path: Text,
            operation: &str,
            mode: Option<&str>,
            session_id: Option<Text>,
            metadata: Option<Fields>,
            explain: Option<bool>,
            debug: Option<bool>,
            dryrun: Option<bool>,
        ) -> GuardResponse {
            let changes = Changes { mode, session_id, metadata, explain, debug, dryrun, ..Changes::default() };
            self.decide(changes.apply(api::GuardRequest::file(content.0, path.0, operation))?, None)
        }

        /// Inspects without policies, limits or memory. Without `detectors`, all of them look.
        #[arguments(content, *, content_type="prompt", tool=None, detectors=None)]
        fn detect / adetect(
            &self,
            content: Text,
            content_type: &str,
            tool: Option<ToolContext>,
            detectors: Option<Vec<Text>>,
        ) -> DetectResponse {
            let changes = Changes { content_type: Some(content_type), tool, detectors, ..Changes::default() };
            let request = changes.apply(api::GuardRequest::prompt(content.0))?;
            let guard = self.calls.clone();
            Work::reading(request.weight(), async move { guard.detect(request).await.map(DetectResponse) })
        }
    }
}

impl Guard {
    fn decide(
        &self,
        request: api::GuardRequest,
        once: Option<Text>,
    ) -> Work<impl Future<Output = CoreResult<GuardResponse>> + Send + 'static + use<>> {
        let guard = self.calls.clone();
        Work::reading(request.weight(), async move {
            let answer = match once {
                // Boxed: the everyday call does not carry the room this one needs.
                Some(key) => Box::pin(guard.evaluate_once(request, &key.0)).await,
                None => guard.evaluate(request).await,
            };
            answer.map(GuardResponse)
        })
    }
}
