//! What a caller asks.
#![allow(unsafe_code, reason = "uniffi's derives implement unsafe traits")]

use tenantry::{
    Error, Result,
    api::{self, Shape, named},
};

use super::{ContentType, IntoCore, JsonObject, Mode, Text, mirror};

mirror! { into
    /// The tool a `call_tool` request wants to use.
    ToolContext: api::ToolContext {
        /// The tool's name.
        name: String,
        /// Whether the caller says the tool is its own. A claim, never proof.
        is_builtin: bool,
        /// The arguments; every string in them is inspected.
        arguments: Option<JsonObject>,
        /// What the tool says it does.
        description: Option<String>,
        /// The MCP server the tool comes from.
        server_id: Option<String>,
    }
}

mirror! { into
    /// The model behind the call.
    ModelContext: api::ModelContext {
        /// The provider's name.
        provider: Option<String>,
        /// The model's name.
        model: Option<String>,
        /// Sampling temperature.
        temperature: Option<f64>,
        /// Upper bound of tokens to generate.
        max_tokens: Option<i64>,
        /// Tokens used in all.
        tokens_used: Option<i64>,
        /// Tokens of the prompt.
        input_tokens: Option<i64>,
        /// Tokens of the answer.
        output_tokens: Option<i64>,
        /// Tokens read from the provider's cache.
        cache_read_tokens: Option<i64>,
        /// Tokens written to the provider's cache.
        cache_write_tokens: Option<i64>,
        /// Tokens written to the provider's one-hour cache.
        cache_write_1h_tokens: Option<i64>,
    }
}

mirror! { into
    /// The file a `read_file` or `write_file` request is about.
    FileContext: api::FileContext {
        /// Where the file is.
        path: String,
        /// What is done with it, e.g. `read`.
        operation: String,
        /// The last part of the path.
        file_name: Option<String>,
        /// The extension without the dot.
        file_extension: Option<String>,
        /// The media type.
        mime_type: Option<String>,
        /// Microsoft Information Protection label id.
        mip_label_id: Option<String>,
        /// Microsoft Information Protection label name.
        mip_label_name: Option<String>,
        /// How sensitive the file is.
        sensitivity_level: Option<String>,
        /// Size in bytes.
        size: Option<i64>,
        /// Whether the file is encrypted.
        is_encrypted: Option<bool>,
        /// Whether rights management protects the file.
        is_rights_managed: Option<bool>,
    }
}

mirror! { into
    /// The MCP server a `connect_server` request wants to reach.
    McpContext: api::McpContext {
        /// The server's name.
        server_name: String,
        /// Where the server is.
        server_url: Option<String>,
        /// How it is spoken to.
        transport: Option<String>,
        /// Whether the caller says the server is verified. A claim, never proof.
        verified: Option<bool>,
        /// What the server offers.
        capabilities: Option<Vec<String>>,
    }
}

mirror! { into
    /// One question: may this content and action pass?
    GuardRequest: api::GuardRequest {
        /// The text to inspect.
        content: String,
        /// What kind of text it is; a prompt when left out.
        content_type: Option<ContentType>,
        /// What is about to happen: `process_prompt`, `process_response`, `call_tool`, `read_file`, `write_file` or
        /// `connect_server`.
        action: String,
        /// How strictly to apply policy outcomes; the project's floor may raise it. Enforce when left out.
        mode: Option<Mode>,
        /// Ties turns of one conversation together.
        session_id: Option<Text>,
        /// Further texts that belong to the call.
        contexts: Option<Vec<String>>,
        /// Detectors to run; all when empty.
        detectors: Option<Vec<String>>,
        /// Fill the debug tier of the response.
        debug: Option<bool>,
        /// Fill the explain tier of the response.
        explain: Option<bool>,
        /// Answer what would happen; reserve, remember and consume nothing.
        dryrun: Option<bool>,
        /// Stop after a detector tier that already denies.
        early_exit: Option<bool>,
        /// Run only detectors whose keys a policy reads.
        optimize: Option<bool>,
        /// Facts the caller claims. Policies may read declared keys, marked as claimed.
        metadata: Option<JsonObject>,
        /// The tool, for `call_tool`.
        tool: Option<ToolContext>,
        /// The model behind the call.
        model: Option<ModelContext>,
        /// The file, for `read_file` and `write_file`.
        file: Option<FileContext>,
        /// The server, for `connect_server`.
        mcp: Option<McpContext>,
    }
}

/// A guard call: a request, and the everyday shape to give it, if any.
#[derive(uniffi::Record)]
pub struct GuardParts {
    /// One of the core's shapes; none takes the request as it is.
    pub shape: Option<Text>,
    /// The request.
    pub request: GuardRequest,
}

/// A guard call that was begun.
#[derive(uniffi::Record)]
pub struct Begun {
    /// The answer, if it was ready.
    pub response: Option<super::GuardResponse>,
    /// What it is parked under where it was not.
    pub parked: u64,
}

impl GuardParts {
    /// The request in its shape.
    pub fn into_core(self) -> Result<api::GuardRequest> {
        let request: api::GuardRequest = self.request.into_core("request")?;
        if request.model.as_ref().and_then(|model| model.temperature).is_some_and(|number| !number.is_finite()) {
            return Err(Error::invalid("request_invalid", "NaN and infinity are not acceptable"));
        }
        match self.shape {
            None => Ok(request),
            Some(shape) => Ok(request.shaped(named::<Shape>("shape of a request", &shape.0)?)),
        }
    }
}
