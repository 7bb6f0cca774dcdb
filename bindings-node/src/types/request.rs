//! What a caller asks.

use napi::Unknown;
use napi_derive::napi;
use tenantry::api::{ContentType, FileContext, GuardRequest, McpContext, Mode, ModelContext, Shape, ToolContext};

use super::{Given, json};
use crate::errors::{Result, catch_panic};

/// A whole request.
pub fn request(value: Unknown<'_>) -> Result<GuardRequest> {
    let mut given = Given::read("request", value)?;
    let request = GuardRequest {
        content: given.required("content")?,
        content_type: given.parsed("contentType", ContentType::parse)?.unwrap_or_default(),
        action: given.text("action")?.unwrap_or_else(|| "process_prompt".into()),
        mode: given.parsed("mode", Mode::parse)?,
        session_id: given.text("sessionId")?,
        metadata: given.fields("metadata")?,
        tool: given.part("tool")?.map(tool).transpose()?,
        model: given.part("model")?.map(model).transpose()?,
        file: given.part("file")?.map(file).transpose()?,
        mcp: given.part("mcp")?.map(mcp).transpose()?,
        contexts: given.texts("contexts")?,
        detectors: given.texts("detectors")?,
        debug: given.flag("debug")?,
        explain: given.flag("explain")?,
        dryrun: given.flag("dryrun")?,
        early_exit: given.flag("earlyExit")?,
        optimize: given.flag("optimize")?,
    };
    given.end()?;
    Ok(request)
}

/// The key of a request that may be repeated.
pub fn once(options: Unknown<'_>) -> Result<Option<String>> {
    let mut given = Given::read("options", options)?;
    let key = given.text("idempotencyKey")?;
    given.end()?;
    Ok(key)
}

/// A prompt or a response, by `shape`.
pub fn plain_call(shape: Shape, content: Unknown<'_>, options: Unknown<'_>) -> Result<GuardRequest> {
    let mut given = Given::read("options", options)?;
    let mut request = optional(&mut given)?;
    request.model = given.part("model")?.map(model).transpose()?;
    given.end()?;
    request.content = json::required("content", content)?;
    Ok(request.shaped(shape))
}

/// A tool call as its three arguments.
pub struct ToolCall<'env> {
    pub name: Unknown<'env>,
    pub arguments: Unknown<'env>,
    pub options: Unknown<'env>,
}

impl ToolCall<'_> {
    pub fn read(self) -> Result<GuardRequest> {
        let mut request = tool_options(self.name, self.options)?;
        if let Some(tool) = &mut request.tool
            && !json::is_absent(self.arguments)?
        {
            tool.arguments = json::json_fields("arguments", self.arguments)?;
        }
        Ok(request.shaped(Shape::ToolCall))
    }
}

/// What a tool gave back, as its three arguments.
pub struct ToolAnswer<'env> {
    pub name: Unknown<'env>,
    pub content: Unknown<'env>,
    pub options: Unknown<'env>,
}

impl ToolAnswer<'_> {
    pub fn read(self) -> Result<GuardRequest> {
        let mut request = tool_options(self.name, self.options)?;
        request.content = json::required("content", self.content)?;
        Ok(request.shaped(Shape::ToolResponse))
    }
}

fn tool_options(name: Unknown<'_>, options: Unknown<'_>) -> Result<GuardRequest> {
    let mut given = Given::read("options", options)?;
    let mut request = optional(&mut given)?;
    request.tool = Some(ToolContext {
        name: json::required("name", name)?,
        is_builtin: given.flag("isBuiltin")?.unwrap_or_default(),
        description: given.text("description")?,
        server_id: given.text("serverId")?,
        ..ToolContext::default()
    });
    given.end()?;
    Ok(request)
}

/// A file as its three arguments.
pub struct FileCall<'env> {
    pub content: Unknown<'env>,
    pub path: Unknown<'env>,
    pub options: Unknown<'env>,
}

impl FileCall<'_> {
    pub fn read(self) -> Result<GuardRequest> {
        let mut given = Given::read("options", self.options)?;
        let mut request = optional(&mut given)?;
        request.content = json::required("content", self.content)?;
        request.file = Some(FileContext {
            path: json::required("path", self.path)?,
            operation: given.text("operation")?.unwrap_or_else(|| "read".into()),
            ..FileContext::default()
        });
        given.end()?;
        Ok(request.shaped(Shape::File))
    }
}

/// What `detect` inspects.
pub fn detection(content: Unknown<'_>, options: Unknown<'_>) -> Result<GuardRequest> {
    let mut given = Given::read("options", options)?;
    let request = GuardRequest {
        content_type: given.parsed("contentType", ContentType::parse)?.unwrap_or_default(),
        tool: given.part("tool")?.map(tool).transpose()?,
        detectors: given.texts("detectors")?,
        ..GuardRequest::prompt(json::required("content", content)?)
    };
    given.end()?;
    Ok(request)
}

/// The options that every shorthand takes.
fn optional(given: &mut Given<'_>) -> Result<GuardRequest> {
    Ok(GuardRequest {
        mode: given.parsed("mode", Mode::parse)?,
        session_id: given.text("sessionId")?,
        metadata: given.fields("metadata")?,
        explain: given.flag("explain")?,
        debug: given.flag("debug")?,
        dryrun: given.flag("dryrun")?,
        ..GuardRequest::default()
    })
}

fn tool(mut given: Given<'_>) -> Result<ToolContext> {
    let tool = ToolContext {
        name: given.required("name")?,
        is_builtin: given.flag("isBuiltin")?.unwrap_or_default(),
        arguments: given.fields("arguments")?,
        description: given.text("description")?,
        server_id: given.text("serverId")?,
    };
    given.end()?;
    Ok(tool)
}

fn model(mut given: Given<'_>) -> Result<ModelContext> {
    let model = ModelContext {
        provider: given.text("provider")?,
        model: given.text("model")?,
        temperature: given.number("temperature")?,
        max_tokens: given.whole("maxTokens")?,
        tokens_used: given.whole("tokensUsed")?,
        input_tokens: given.whole("inputTokens")?,
        output_tokens: given.whole("outputTokens")?,
        cache_read_tokens: given.whole("cacheReadTokens")?,
        cache_write_tokens: given.whole("cacheWriteTokens")?,
        cache_write_1h_tokens: given.whole("cacheWrite1hTokens")?,
    };
    given.end()?;
    Ok(model)
}

fn file(mut given: Given<'_>) -> Result<FileContext> {
    let file = FileContext {
        path: given.required("path")?,
        operation: given.text("operation")?.unwrap_or_else(|| "read".into()),
        file_name: given.text("fileName")?,
        file_extension: given.text("fileExtension")?,
        mime_type: given.text("mimeType")?,
        mip_label_id: given.text("mipLabelId")?,
        mip_label_name: given.text("mipLabelName")?,
        sensitivity_level: given.text("sensitivityLevel")?,
        size: given.whole("size")?,
        is_encrypted: given.flag("isEncrypted")?,
        is_rights_managed: given.flag("isRightsManaged")?,
    };
    given.end()?;
    Ok(file)
}

fn mcp(mut given: Given<'_>) -> Result<McpContext> {
    let mcp = McpContext {
        server_name: given.required("serverName")?,
        server_url: given.text("serverUrl")?,
        transport: given.text("transport")?,
        verified: given.flag("verified")?,
        capabilities: given.texts("capabilities")?,
    };
    given.end()?;
    Ok(mcp)
}

/// Refuses a tool's name that no policy could mean.
#[napi(ts_args_type = "name: string")]
pub fn check_tool_name(name: Unknown<'_>) -> napi::Result<()> {
    catch_panic(|| Ok(ToolContext::check_name(&json::required("name", name)?)?))
}
