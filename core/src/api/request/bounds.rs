//! How large a request may be: every text that becomes a key or a row, and every list, has a bound that is looked at first.

use serde_json::{Map, Value};

use super::GuardRequest;
use crate::error::{Error, Result};

/// Longest name in a request, in bytes: of a tool, a server, a file's label, a key of metadata.
const MAX_NAME: usize = 256;
/// Longest url, file name and path, in bytes.
const MAX_URL: usize = 2_048;
const MAX_FILE_NAME: usize = 1_024;
const MAX_PATH: usize = 4_096;
/// Most entries of a list in a request, and most keys of its metadata.
const MAX_ENTRIES: usize = 1_024;

impl GuardRequest {
    /// How much text the request holds, in bytes: what inspecting it costs.
    #[must_use]
    pub fn weight(&self) -> usize {
        let named = |fields: &Map<String, Value>| -> usize {
            fields.iter().map(|(name, value)| name.len() + text_in(value)).sum()
        };
        let tool =
            self.tool.iter().map(|tool| named(&tool.arguments) + tool.description.as_ref().map_or(0, String::len));
        let names = self.names().map(|(_, text, _)| text.len()).sum::<usize>();
        let lists = self.lists().flat_map(|(_, items)| items).map(String::len).sum::<usize>();
        self.content.len() + names + lists + tool.sum::<usize>() + named(&self.metadata)
    }

    /// Every text that names something, with its field and its bound in bytes. They become keys and rows.
    fn names(&self) -> impl Iterator<Item = (&'static str, &str, usize)> {
        let tool = self.tool.iter().flat_map(|tool| {
            [("tool.name", Some(&tool.name), MAX_NAME), ("tool.server_id", tool.server_id.as_ref(), MAX_NAME)]
        });
        let model = self.model.iter().flat_map(|model| {
            [("model.provider", model.provider.as_ref(), MAX_NAME), ("model.model", model.model.as_ref(), MAX_NAME)]
        });
        let file = self.file.iter().flat_map(|file| {
            [
                ("file.path", Some(&file.path), MAX_PATH),
                ("file.operation", Some(&file.operation), MAX_NAME),
                ("file.file_name", file.file_name.as_ref(), MAX_FILE_NAME),
                ("file.file_extension", file.file_extension.as_ref(), MAX_NAME),
                ("file.mime_type", file.mime_type.as_ref(), MAX_NAME),
                ("file.mip_label_id", file.mip_label_id.as_ref(), MAX_NAME),
                ("file.mip_label_name", file.mip_label_name.as_ref(), MAX_NAME),
                ("file.sensitivity_level", file.sensitivity_level.as_ref(), MAX_NAME),
            ]
        });
        let mcp = self.mcp.iter().flat_map(|mcp| {
            [
                ("mcp.server_name", Some(&mcp.server_name), MAX_NAME),
                ("mcp.server_url", mcp.server_url.as_ref(), MAX_URL),
                ("mcp.transport", mcp.transport.as_ref(), MAX_NAME),
            ]
        });
        let given =
            [("action", Some(&self.action), MAX_NAME)].into_iter().chain(tool).chain(model).chain(file).chain(mcp);
        given.filter_map(|(field, text, most)| text.map(|text| (field, text.as_str(), most)))
    }

    fn lists(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let capabilities = self.mcp.iter().map(|mcp| ("mcp.capabilities", &mcp.capabilities));
        [("contexts", &self.contexts), ("detectors", &self.detectors)].into_iter().chain(capabilities)
    }

    /// Refuses names longer, and lists longer, than anything of their kind is. Depth is checked before.
    ///
    /// # Errors
    /// `request_field_too_large`, naming the field and its bound.
    pub fn check_bounds(&self) -> Result<()> {
        let longer = |field: &str, most: usize| Err(too_large(field, most, "bytes"));
        // A model's own name has an error of its own, shared with reports of usage.
        for (field, text, most) in self.names().filter(|(field, ..)| *field != "model.model") {
            if text.len() > most {
                return longer(field, most);
            }
        }
        for (field, items) in self.lists() {
            if items.len() > MAX_ENTRIES {
                return Err(too_large(field, MAX_ENTRIES, "entries"));
            }
            // A context is content.
            if field != "contexts" && items.iter().any(|item| item.len() > MAX_NAME) {
                return longer(field, MAX_NAME);
            }
        }
        if self.metadata.len() > MAX_ENTRIES {
            return Err(too_large("metadata", MAX_ENTRIES, "entries"));
        }
        if self.metadata.iter().any(|(name, value)| name.len() > MAX_NAME || has_longer_name(value)) {
            return longer("a name in `metadata`", MAX_NAME);
        }
        Ok(())
    }
}

/// Each value counts a little beside its text: a million empty lists are work too.
fn text_in(value: &Value) -> usize {
    8 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_in).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + text_in(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn too_large(field: &str, most: usize, of: &str) -> Error {
    let field = if field.contains('`') { field.to_owned() } else { format!("`{field}`") };
    Error::invalid("request_field_too_large", format!("{field} has at most {most} {of}"))
        .with_help("put what is longer into `content`, or into the value of a tool argument")
}

fn has_longer_name(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_longer_name),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.len() > MAX_NAME || has_longer_name(value)),
        _ => false,
    }
}
