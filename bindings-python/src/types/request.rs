//! What a caller asks.

use pyo3::{IntoPyObjectExt, prelude::*};
use tenantry::{api, error::Error};

use super::{
    json::{self, Fields, Text},
    principal::texts,
};
use crate::errors::Result;

value_class! {
    /// The tool a `call_tool` request wants to use.
    ToolContext(api::ToolContext) shows (name, is_builtin) {
        /// The tool's name.
        name: &str = |tool| &tool.name;
        /// Whether the caller says the tool is its own. A claim, never proof.
        is_builtin: bool = |tool| tool.is_builtin;
        /// The arguments; every string in them is inspected.
        arguments: Fields = |tool| Fields(tool.arguments.clone());
        /// What the tool says it does.
        description: Option<&str> = |tool| tool.description.as_deref();
        /// The MCP server the tool comes from.
        server_id: Option<&str> = |tool| tool.server_id.as_deref();
    }
    with {
        #[new]
        #[pyo3(signature = (name, *, is_builtin=false, arguments=None, description=None, server_id=None))]
        fn new(
            name: Text,
            is_builtin: bool,
            arguments: Option<Fields>,
            description: Option<Text>,
            server_id: Option<Text>,
        ) -> Self {
            Self(api::ToolContext {
                name: name.0,
                is_builtin,
                arguments: arguments.unwrap_or_default().0,
                description: owned(description),
                server_id: owned(server_id),
            })
        }
    }
}

value_class! {
    /// The model behind the call.
    ModelContext(api::ModelContext) shows (provider, model) {
        /// The provider's name.
        provider: Option<&str> = |model| model.provider.as_deref();
        /// The model's name.
        model: Option<&str> = |model| model.model.as_deref();
        /// Sampling temperature.
        temperature: Option<f64> = |model| model.temperature;
        /// Upper bound of tokens to generate.
        max_tokens: Option<i64> = |model| model.max_tokens;
        /// Tokens used in all.
        tokens_used: Option<i64> = |model| model.tokens_used;
        /// Tokens of the prompt.
        input_tokens: Option<i64> = |model| model.input_tokens;
        /// Tokens of the answer.
        output_tokens: Option<i64> = |model| model.output_tokens;
        /// Tokens read from the provider's cache.
        cache_read_tokens: Option<i64> = |model| model.cache_read_tokens;
        /// Tokens written to the provider's cache.
        cache_write_tokens: Option<i64> = |model| model.cache_write_tokens;
        /// Tokens written to the provider's one-hour cache.
        cache_write_1h_tokens: Option<i64> = |model| model.cache_write_1h_tokens;
    }
    with {
        #[new]
        #[pyo3(signature = (*, provider=None, model=None, temperature=None, max_tokens=None, tokens_used=None,
            input_tokens=None, output_tokens=None, cache_read_tokens=None, cache_write_tokens=None,
            cache_write_1h_tokens=None))]
        #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
        fn new(
            provider: Option<Text>,
            model: Option<Text>,
            temperature: Option<f64>,
            max_tokens: Option<i64>,
            tokens_used: Option<i64>,
            input_tokens: Option<i64>,
            output_tokens: Option<i64>,
            cache_read_tokens: Option<i64>,
            cache_write_tokens: Option<i64>,
            cache_write_1h_tokens: Option<i64>,
        ) -> Result<Self> {
            if temperature.is_some_and(|temperature| !temperature.is_finite()) {
                return Err(Error::invalid("request_invalid", "NaN and infinity are not acceptable").into());
            }
            Ok(Self(api::ModelContext {
                provider: owned(provider),
                model: owned(model),
                temperature,
                max_tokens,
                tokens_used,
                input_tokens,
                output_tokens,
                cache_read_tokens,
                cache_write_tokens,
                cache_write_1h_tokens,
            }))
        }
    }
}

value_class! {
    /// The file a `read_file` or `write_file` request is about.
    FileContext(api::FileContext) shows (path, operation) {
        /// Where the file is.
        path: &str = |file| &file.path;
        /// What is done with it, e.g. `read`.
        operation: &str = |file| &file.operation;
        /// The last part of the path.
        file_name: Option<&str> = |file| file.file_name.as_deref();
        /// The extension without the dot.
        file_extension: Option<&str> = |file| file.file_extension.as_deref();
        /// The media type.
        mime_type: Option<&str> = |file| file.mime_type.as_deref();
        /// Microsoft Information Protection label id.
        mip_label_id: Option<&str> = |file| file.mip_label_id.as_deref();
        /// Microsoft Information Protection label name.
        mip_label_name: Option<&str> = |file| file.mip_label_name.as_deref();
        /// How sensitive the file is.
        sensitivity_level: Option<&str> = |file| file.sensitivity_level.as_deref();
        /// Size in bytes.
        size: Option<i64> = |file| file.size;
        /// Whether the file is encrypted.
        is_encrypted: Option<bool> = |file| file.is_encrypted;
        /// Whether rights management protects the file.
        is_rights_managed: Option<bool> = |file| file.is_rights_managed;
    }
    with {
        #[new]
        #[pyo3(signature = (path, operation="read", *, file_name=None, file_extension=None, mime_type=None,
            mip_label_id=None, mip_label_name=None, sensitivity_level=None, size=None, is_encrypted=None,
            is_rights_managed=None))]
        #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
        fn new(
            path: Text,
            operation: &str,
            file_name: Option<Text>,
            file_extension: Option<Text>,
            mime_type: Option<Text>,
            mip_label_id: Option<Text>,
            mip_label_name: Option<Text>,
            sensitivity_level: Option<Text>,
            size: Option<i64>,
            is_encrypted: Option<bool>,
            is_rights_managed: Option<bool>,
        ) -> Self {
            Self(api::FileContext {
                path: path.0,
                operation: operation.to_owned(),
                file_name: owned(file_name),
                file_extension: owned(file_extension),
                mime_type: owned(mime_type),
                mip_label_id: owned(mip_label_id),
                mip_label_name: owned(mip_label_name),
                sensitivity_level: owned(sensitivity_level),
                size,
                is_encrypted,
                is_rights_managed,
            })
        }
    }
}

value_class! {
    /// The MCP server a `connect_server` request wants to reach.
    McpContext(api::McpContext) shows (server_name, transport, verified) {
        /// The server's name.
        server_name: &str = |mcp| &mcp.server_name;
        /// Where the server is.
        server_url: Option<&str> = |mcp| mcp.server_url.as_deref();
        /// How it is spoken to.
        transport: Option<&str> = |mcp| mcp.transport.as_deref();
        /// Whether the caller says the server is verified. A claim, never proof.
        verified: Option<bool> = |mcp| mcp.verified;
        /// What the server offers.
        capabilities: Vec<String> = |mcp| mcp.capabilities.clone();
    }
    with {
        #[new]
        #[pyo3(signature = (server_name, *, server_url=None, transport=None, verified=None, capabilities=None))]
        fn new(
            server_name: Text,
            server_url: Option<Text>,
            transport: Option<Text>,
            verified: Option<bool>,
            capabilities: Option<Vec<Text>>,
        ) -> Self {
            Self(api::McpContext {
                server_name: server_name.0,
                server_url: owned(server_url),
                transport: owned(transport),
                verified,
                capabilities: texts(capabilities),
            })
        }
    }
}

value_class! {
    /// One question: may this content and action pass?
    GuardRequest(api::GuardRequest) shows (content_type, action, mode) {
        /// The text to inspect.
        content: &str = |request| &request.content;
        /// `prompt`, `response`, `tool_call`, `file` or `clipboard`.
        content_type: &'static str = |request| request.content_type.name();
        /// What is about to happen, e.g. `process_prompt` or `call_tool`.
        action: &str = |request| &request.action;
        /// How strictly to apply policy outcomes; absent means `enforce`.
        mode: Option<&'static str> = |request| request.mode.map(api::Mode::name);
        /// Ties turns of one conversation together.
        session_id: Option<&str> = |request| request.session_id.as_deref();
        /// Facts the caller claims.
        metadata: Fields = |request| Fields(request.metadata.clone());
        /// The tool, for `call_tool`.
        tool: Option<ToolContext> = |request| request.tool.clone().map(ToolContext);
        /// The model behind the call.
        model: Option<ModelContext> = |request| request.model.clone().map(ModelContext);
        /// The file, for `read_file` and `write_file`.
        file: Option<FileContext> = |request| request.file.clone().map(FileContext);
        /// The server, for `connect_server`.
        mcp: Option<McpContext> = |request| request.mcp.clone().map(McpContext);
        /// Further texts that belong to the call.
        contexts: Vec<String> = |request| request.contexts.clone();
        /// Detectors to run; empty means all.
        detectors: Vec<String> = |request| request.detectors.clone();
        /// Whether to fill the debug tier of the response.
        debug: Option<bool> = |request| request.debug;
        /// Whether to fill the explain tier of the response.
        explain: Option<bool> = |request| request.explain;
        /// Whether to answer what would happen and remember nothing.
        dryrun: Option<bool> = |request| request.dryrun;
        /// Whether to stop after a detector tier that already denies.
        early_exit: Option<bool> = |request| request.early_exit;
        /// Whether to run only detectors whose keys a policy reads.
        optimize: Option<bool> = |request| request.optimize;
    }
    with {
        #[new]
        #[pyo3(signature = (content, *, content_type="prompt", action="process_prompt", mode=None, session_id=None,
            metadata=None, tool=None, model=None, file=None, mcp=None, contexts=None, detectors=None, debug=None,
            explain=None, dryrun=None, early_exit=None, optimize=None))]
        #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
        fn new(
            content: Text,
            content_type: &str,
            action: &str,
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
        ) -> Result<Self> {
            let changes = Changes {
                content: Some(content),
                content_type: Some(content_type),
                action: Some(action),
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
            Ok(Self(changes.apply(api::GuardRequest::default())?))
        }
    }
}

/// Fields of a request as Python gave them; absent ones leave a request as it is.
#[derive(Default)]
pub struct Changes<'a> {
    pub content: Option<Text>,
    pub content_type: Option<&'a str>,
    pub action: Option<&'a str>,
    pub mode: Option<&'a str>,
    pub session_id: Option<Text>,
    pub metadata: Option<Fields>,
    pub tool: Option<ToolContext>,
    pub model: Option<ModelContext>,
    pub file: Option<FileContext>,
    pub mcp: Option<McpContext>,
    pub contexts: Option<Vec<Text>>,
    pub detectors: Option<Vec<Text>>,
    pub debug: Option<bool>,
    pub explain: Option<bool>,
    pub dryrun: Option<bool>,
    pub early_exit: Option<bool>,
    pub optimize: Option<bool>,
}

impl Changes<'_> {
    /// `request` with the given fields replaced.
    pub fn apply(self, request: api::GuardRequest) -> Result<api::GuardRequest> {
        Ok(api::GuardRequest {
            content: owned(self.content).unwrap_or(request.content),
            content_type: self.content_type.map(api::ContentType::parse).transpose()?.unwrap_or(request.content_type),
            action: self.action.map_or(request.action, str::to_owned),
            mode: self.mode.map(api::Mode::parse).transpose()?.or(request.mode),
            session_id: owned(self.session_id).or(request.session_id),
            metadata: self.metadata.map_or(request.metadata, |fields| fields.0),
            tool: self.tool.map(|tool| tool.0).or(request.tool),
            model: self.model.map(|model| model.0).or(request.model),
            file: self.file.map(|file| file.0).or(request.file),
            mcp: self.mcp.map(|mcp| mcp.0).or(request.mcp),
            contexts: self.contexts.map_or(request.contexts, |items| texts(Some(items))),
            detectors: self.detectors.map_or(request.detectors, |items| texts(Some(items))),
            debug: self.debug.or(request.debug),
            explain: self.explain.or(request.explain),
            dryrun: self.dryrun.or(request.dryrun),
            early_exit: self.early_exit.or(request.early_exit),
            optimize: self.optimize.or(request.optimize),
        })
    }
}

/// Text that may be absent.
pub fn owned(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

/// Refuses a tool's name that no policy could mean.
#[pyfunction]
pub fn _check_tool_name(name: Text) -> Result<()> {
    Ok(api::ToolContext::check_name(&name.0)?)
}

/// Several texts as the content of one call; see `GuardResponse._passed_on_each`.
#[pyfunction]
pub fn _joined(parts: Vec<Text>) -> String {
    api::joined(&texts(Some(parts)))
}
