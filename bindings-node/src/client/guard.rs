//! Guard calls.

use std::future::Future;

use napi::{
    Env, Unknown,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::{
    api::{GuardRequest, Shape},
    client as core,
    error::Result as CoreResult,
};

use crate::{
    runtime::{Work, promise, wait},
    types::{FileCall, ToolAnswer, ToolCall, detection, once, plain_call, request, wire},
};

/// Guard calls of one project.
#[napi]
pub struct Guard(pub(super) core::Guard);

twins! {
    impl Guard {
        /// Decides one call.
        #[arguments("request: GuardRequest, options?: OnceOptions")]
        fn evaluate_sync / evaluate(&self, request, options) -> String {
            self.decide(self::request(request)?, once(options)?)
        }

        /// Decides on a prompt a user sends.
        #[arguments("content: string, options?: EvaluateOptions")]
        fn evaluate_prompt_sync / evaluate_prompt(&self, content, options) -> String {
            self.decide(plain_call(Shape::Prompt, content, options)?, None)
        }

        /// Decides on a text a model gave back.
        #[arguments("content: string, options?: EvaluateOptions")]
        fn evaluate_response_sync / evaluate_response(&self, content, options) -> String {
            self.decide(plain_call(Shape::Response, content, options)?, None)
        }

        /// Decides on a tool call.
        #[arguments("name: string, toolArguments?: JsonObject, options?: ToolCallOptions")]
        fn evaluate_tool_call_sync / evaluate_tool_call(&self, name, arguments, options) -> String {
            self.decide(ToolCall { name, arguments, options }.read()?, None)
        }

        /// Decides on what a tool gave back.
        #[arguments("name: string, content: string, options?: ToolCallOptions")]
        fn evaluate_tool_response_sync / evaluate_tool_response(&self, name, content, options) -> String {
            self.decide(ToolAnswer { name, content, options }.read()?, None)
        }

        /// Decides on a file that is read or written.
        #[arguments("content: string, path: string, options?: FileOptions")]
        fn evaluate_file_sync / evaluate_file(&self, content, path, options) -> String {
            self.decide(FileCall { content, path, options }.read()?, None)
        }

        /// Inspects without policies, limits or memory.
        #[arguments("content: string, options?: DetectOptions")]
        fn detect_sync / detect(&self, content, options) -> String {
            let (guard, request) = (self.0.clone(), detection(content, options)?);
            Work::reading(request.weight(), async move { wire(&guard.detect(request).await?) })
        }
    }
}

impl Guard {
    fn decide(
        &self,
        request: GuardRequest,
        once: Option<String>,
    ) -> Work<impl Future<Output = CoreResult<String>> + Send + 'static + use<>> {
        let guard = self.0.clone();
        Work::reading(request.weight(), async move {
            let answer = match once {
                // Boxed: the everyday call does not carry the room this one needs.
                Some(key) => Box::pin(guard.evaluate_once(request, &key)).await,
                None => guard.evaluate(request).await,
            };
            wire(&answer?)
        })
    }
}
