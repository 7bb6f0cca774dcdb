//! What a caller asks: [`GuardRequest`] and its parts.

mod bounds;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::fit::from_json;
use crate::error::{Error, Result};

/// Deepest nesting accepted in caller JSON.
pub const MAX_JSON_DEPTH: usize = 64;

/// What kind of text `content` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentType {
    /// Text a user sends to a model.
    #[default]
    Prompt,
    /// Text a model or tool gives back.
    Response,
    /// The arguments of a tool call.
    ToolCall,
    /// The text of a file.
    File,
    /// Text from a clipboard.
    Clipboard,
}

impl ContentType {
    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Response => "response",
            Self::ToolCall => "tool_call",
            Self::File => "file",
            Self::Clipboard => "clipboard",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "prompt" => Ok(Self::Prompt),
            "response" => Ok(Self::Response),
            "tool_call" => Ok(Self::ToolCall),
            "file" => Ok(Self::File),
            "clipboard" => Ok(Self::Clipboard),
            _ => Err(Error::invalid("content_type_invalid", format!("`{text}` is not a content type"))
                .with_help("use `prompt`, `response`, `tool_call`, `file` or `clipboard`")),
        }
    }
}

/// How strictly policy outcomes are applied. Ordered from lax to strict.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Report what would have happened; allow.
    Monitor,
    /// As monitor, and raise `alerted` when a policy fired.
    Alert,
    /// Redact findings and proceed.
    Modify,
    /// Apply the decision.
    #[default]
    Enforce,
}

impl Mode {
    /// The wire name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Alert => "alert",
            Self::Modify => "modify",
            Self::Enforce => "enforce",
        }
    }

    /// Reads a wire name.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "monitor" => Ok(Self::Monitor),
            "alert" => Ok(Self::Alert),
            "modify" => Ok(Self::Modify),
            "enforce" => Ok(Self::Enforce),
            _ => Err(Error::invalid("mode_invalid", format!("`{text}` is not a mode"))
                .with_help("use `enforce`, `modify`, `alert` or `monitor`")),
        }
    }
}

/// The tool a `call_tool` request wants to use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ToolContext {
    /// The tool's name.
    pub name: String,
    /// Whether the caller says the tool is its own. A claim, never proof.
    pub is_builtin: bool,
    /// The arguments; every string in them is inspected.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "null_default")]
    pub arguments: Map<String, Value>,
    /// What the tool says it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The MCP server the tool comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
}

impl ToolContext {
    /// Refuses a name that no policy could mean, and that would so pass every rule that names the tool: one without anything to see
    /// in it.
    pub fn check_name(name: &str) -> Result<()> {
        // What shows nothing: blanks, controls, and marks of no width.
        let unseen = |mark: char| {
            let no_width =
                matches!(mark, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
            mark.is_whitespace() || mark.is_control() || no_width
        };
        if name.chars().all(unseen) {
            let message = "the tool has no name that a policy could mean";
            return Err(Error::invalid("tool_name_required", message).with_help("name the tool"));
        }
        Ok(())
    }
}

/// The model behind the call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelContext {
    /// The provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Sampling temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Upper bound of tokens to generate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<i64>,
    /// Tokens used in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<i64>,
    /// Tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<i64>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<i64>,
    /// Tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<i64>,
    /// Tokens written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<i64>,
    /// Tokens written to the provider's one-hour cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_tokens: Option<i64>,
}

/// The file a `read_file` or `write_file` request is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileContext {
    /// Where the file is.
    pub path: String,
    /// What is done with it, e.g. `read`.
    pub operation: String,
    /// The last part of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The extension without the dot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_extension: Option<String>,
    /// The media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Microsoft Information Protection label id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mip_label_id: Option<String>,
    /// Microsoft Information Protection label name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mip_label_name: Option<String>,
    /// How sensitive the file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity_level: Option<String>,
    /// Size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Whether the file is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_encrypted: Option<bool>,
    /// Whether rights management protects the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_rights_managed: Option<bool>,
}

/// The MCP server a `connect_server` request wants to reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct McpContext {
    /// The server's name.
    pub server_name: String,
    /// Where the server is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// How it is spoken to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Whether the caller says the server is verified. A claim, never proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// What the server offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub capabilities: Vec<String>,
}

/// One question: may this content and action pass?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GuardRequest {
    /// The text to inspect.
    pub content: String,
    /// What kind of text it is.
    pub content_type: ContentType,
    /// What is about to happen: `process_prompt`, `process_response`, `call_tool`, `read_file`, `write_file` or
    /// `connect_server`.
    pub action: String,
    /// How strictly to apply policy outcomes; the project's floor may raise it. Absent means enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Ties turns of one conversation together; `""` means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Further texts that belong to the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub contexts: Vec<String>,
    /// Detectors to run; empty means all. What the project's policies need runs too.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub detectors: Vec<String>,
    /// Fill the debug tier of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug: Option<bool>,
    /// Fill the explain tier of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<bool>,
    /// Answer what would happen; reserve, remember and consume nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dryrun: Option<bool>,
    /// Stop after a detector tier that already denies. All detectors here are of one tier, so it changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_exit: Option<bool>,
    /// Run only detectors whose keys a policy reads, and tell which in `optimization`. With `dryrun`, tell that alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimize: Option<bool>,
    /// Facts the caller claims. Policies may read declared keys, marked as claimed.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "null_default")]
    pub metadata: Map<String, Value>,
    /// The tool, for `call_tool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolContext>,
    /// The model behind the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelContext>,
    /// The file, for `read_file` and `write_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileContext>,
    /// The server, for `connect_server`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpContext>,
}

/// The everyday shapes of a request: what the shorthands of every language fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A prompt a user sends.
    Prompt,
    /// A text a model gave back.
    Response,
    /// A tool call: `tool` is given, its arguments become the content.
    ToolCall,
    /// The result of a tool: `tool` and `content` are given.
    ToolResponse,
    /// A file: `file` and `content` are given; the operation `write` means `write_file`, any other `read_file`.
    File,
}

impl GuardRequest {
    /// A prompt a user sends.
    pub fn prompt(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }.shaped(Shape::Prompt)
    }

    /// A text a model gave back.
    pub fn response(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }.shaped(Shape::Response)
    }

    /// A tool call; `content` becomes the arguments as key-sorted JSON, as the public clients send it.
    pub fn tool_call(name: impl Into<String>, arguments: Map<String, Value>) -> Self {
        let tool = ToolContext { name: name.into(), arguments, ..ToolContext::default() };
        Self { tool: Some(tool), ..Self::default() }.shaped(Shape::ToolCall)
    }

    /// What a tool gave back.
    pub fn tool_response(name: impl Into<String>, content: impl Into<String>) -> Self {
        let tool = ToolContext { name: name.into(), ..ToolContext::default() };
        Self { content: content.into(), tool: Some(tool), ..Self::default() }.shaped(Shape::ToolResponse)
    }

    /// A file that is read (`operation` `read`) or written (`write`).
    pub fn file(content: impl Into<String>, path: impl Into<String>, operation: &str) -> Self {
        let file = FileContext { path: path.into(), operation: operation.into(), ..FileContext::default() };
        Self { content: content.into(), file: Some(file), ..Self::default() }.shaped(Shape::File)
    }

    /// This request with what `shape` implies: content type, action and, for a tool call, the content.
    #[must_use]
    pub fn shaped(mut self, shape: Shape) -> Self {
        let (content_type, action) = match shape {
            Shape::Prompt => (ContentType::Prompt, "process_prompt"),
            Shape::Response => (ContentType::Response, "process_response"),
            Shape::ToolCall => (ContentType::ToolCall, "call_tool"),
            Shape::ToolResponse => (ContentType::Response, "call_tool"),
            Shape::File if self.file.as_ref().is_some_and(|file| file.operation == "write") => {
                (ContentType::File, "write_file")
            }
            Shape::File => (ContentType::File, "read_file"),
        };
        self.content_type = content_type;
        self.action = action.into();
        if shape == Shape::ToolCall {
            self.sort();
            let arguments = self.tool.as_ref().map(|tool| &tool.arguments);
            self.content = serde_json::to_string(arguments.unwrap_or(&Map::new())).unwrap_or_default();
        }
        self
    }

    /// Puts the keys of arguments and metadata in order, at every level: maps of some languages have none, and the same
    /// call is decided and told the same in each.
    pub fn sort(&mut self) {
        let arguments = self.tool.iter_mut().map(|tool| &mut tool.arguments);
        for fields in arguments.chain([&mut self.metadata]) {
            fields.sort_keys();
            fields.values_mut().for_each(Value::sort_all_objects);
        }
    }

    /// Reads a request from JSON. Lone surrogate escapes become U+FFFD; NaN and unknown enum values are refused.
    pub fn from_json(text: &str) -> Result<Self> {
        let request: Self = from_json(text)?;
        request.check_depth()?;
        Ok(request)
    }

    /// Refuses metadata or arguments nested deeper than [`MAX_JSON_DEPTH`].
    pub fn check_depth(&self) -> Result<()> {
        let arguments = self.tool.iter().flat_map(|tool| tool.arguments.values());
        if self.metadata.values().chain(arguments).any(|value| deeper_than(value, MAX_JSON_DEPTH)) {
            return Err(Error::invalid(
                "request_too_deep",
                format!("metadata or arguments are nested deeper than {MAX_JSON_DEPTH} levels"),
            ));
        }
        Ok(())
    }
}

/// A request of more text than this is never read on an event loop's thread.
pub const EVENT_LOOP_BYTES: usize = 32 * 1024;

fn deeper_than(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| deeper_than(item, below)),
        Value::Object(fields) => fields.values().any(|field| deeper_than(field, below)),
        _ => false,
    }
}

fn null_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Replaces `\uD800`–`\uDFFF` escapes that have no partner by `\uFFFD`; strict parsers refuse them, clients send them.
pub(super) fn repair_surrogates(text: &str) -> std::borrow::Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.windows(3).any(|w| matches!(w, [b'\\', b'u', b'd' | b'D'])) {
        return text.into();
    }
    let escape = |at: usize| -> Option<u16> {
        let digits = text.get(at + 2..at + 6)?;
        (bytes.get(at) == Some(&b'\\') && bytes.get(at + 1) == Some(&b'u'))
            .then(|| u16::from_str_radix(digits, 16).ok())
            .flatten()
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            let next = bytes.iter().skip(at).position(|b| *b == b'\\').map_or(bytes.len(), |n| at + n);
            out.push_str(text.get(at..next).unwrap_or_default());
            at = next;
            continue;
        }
        let (piece, len) = match (escape(at), escape(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (text.get(at..at + 12), 12),
            (Some(0xD800..=0xDFFF), _) => (Some("\\uFFFD"), 6),
            (Some(_), _) => (text.get(at..at + 6), 6),
            // A two-byte escape; a multi-byte character after the backslash is invalid JSON and left for the parser.
            (None, _) => match text.get(at..at + 2) {
                Some(pair) => (Some(pair), 2),
                None => (text.get(at..at + 1), 1),
            },
        };
        out.push_str(piece.unwrap_or_default());
        at += len;
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_become_replacement_characters_and_pairs_survive() {
        let repaired = repair_surrogates(r#""a\ud800b \ud83d\ude00 \udc00 \\ud800""#);
        let text: String = serde_json::from_str(&repaired).unwrap();
        assert_eq!(text, "a\u{FFFD}b \u{1F600} \u{FFFD} \\ud800");
    }

    #[test]
    fn nan_and_unknown_modes_are_refused_with_a_code() {
        for bad in [
            r#"{"content":"x","content_type":"prompt","action":"process_prompt","metadata":{"a":NaN}}"#,
            r#"{"content":"x","content_type":"prompt","action":"process_prompt","mode":"off"}"#,
            r#"{"content":"x","content_type":"poem","action":"process_prompt"}"#,
        ] {
            assert_eq!(GuardRequest::from_json(bad).unwrap_err().code(), "request_invalid");
        }
    }

    #[test]
    fn null_collections_mean_empty_and_nested_nulls_survive() {
        let request = GuardRequest::from_json(
            r#"{"content":"x","content_type":"prompt","action":"process_prompt","detectors":null,"metadata":{"a":null}}"#,
        )
        .unwrap();
        assert!(request.detectors.is_empty());
        assert_eq!(request.metadata.get("a"), Some(&Value::Null));
    }
}
