//! Why JSON does not fit what was to be read: which field, and what was expected there. Owns those words; touches only `error`.
//!
//! The reader's own words quote what was sent, so only what it expected is taken from them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::request::repair_surrogates;
use crate::error::{Error, Result};

/// How much of a field's path is told: below metadata its parts are the sender's own.
const MAX_PATH: usize = 120;

/// Reads what a caller sent as JSON. Lone surrogate escapes become U+FFFD; NaN is refused, and so is whatever does not fit.
///
/// # Errors
/// `request_invalid`, which names the field and what was expected of it.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    let text = repair_surrogates(text);
    serde_json::from_str(&text).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        let why = match error.classify() {
            serde_json::error::Category::Data => {
                // Read anew, this time with an eye on where: it costs as much again, and only who sends rubbish waits.
                let mut reader = serde_json::Deserializer::from_str(&text);
                let found = serde_path_to_error::deserialize::<_, T>(&mut reader);
                found.err().map_or_else(|| "a field does not fit".to_owned(), |error| misfit(&error))
            }
            serde_json::error::Category::Eof => "it ends before the JSON is complete".to_owned(),
            _ => "it is not JSON".to_owned(),
        };
        Error::invalid("request_invalid", format!("the request is not acceptable at {at}: {why}"))
    })
}

/// Reads a value that was JSON already.
///
/// # Errors
/// As [`from_json`].
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let code = code_of(&error.inner().to_string());
        Error::invalid(code, format!("the request is not acceptable: {}", misfit(&error)))
    })
}

/// The code of a word that is none of its set: two sets have their own.
fn code_of(said: &str) -> &'static str {
    match said.rsplit_once(", expected ").map(|(_, expected)| expected) {
        Some("one of `monitor`, `alert`, `modify`, `enforce`") => "mode_invalid",
        Some("one of `platform`, `account`, `project`") => "layer_invalid",
        _ => "request_invalid",
    }
}

fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let said = error.inner().to_string();
    let path: String = error.path().to_string().chars().take(MAX_PATH).flat_map(char::escape_debug).collect();
    let at = if path == "." { "the body".to_owned() } else { format!("`{path}`") };
    // Names of fields in these are those of our types.
    let named = |start: &str| said.strip_prefix(start)?.split('`').next();
    if let Some(field) = named("missing field `") {
        let inside = if path == "." { String::new() } else { format!("{path}.") };
        return format!("`{inside}{field}` is missing");
    }
    if let Some(field) = named("duplicate field `") {
        return format!("`{field}` stands twice");
    }
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    if said.starts_with("unknown field `") {
        let expected = said.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
        return format!("{at} is no field here; expected {}", expected_of(expected));
    }
    match said.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{at} is not what is expected: {}", expected_of(expected)),
        None => format!("{at} does not fit"),
    }
}

/// What a type expects, in words of JSON where serde's are those of Rust.
fn expected_of(words: &str) -> &str {
    match words {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        words if words.starts_with("struct ") => "an object",
        words if words.starts_with("enum ") => "one of its words",
        words => words,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{GuardRequest, IssuerSpec, LimitSpec};

    fn said<T: DeserializeOwned>(body: Value) -> String {
        let error = from_json::<T>(&body.to_string()).err().unwrap();
        assert_eq!(error.code(), "request_invalid");
        let of_value = from_value::<T>(body).err().unwrap();
        let told = of_value.message().rsplit(": ").next().unwrap_or_default().to_owned();
        assert!(error.message().ends_with(&told), "{error} and {of_value}");
        error.message().to_owned()
    }

    #[test]
    fn words_of_a_mode_and_of_a_layer_have_codes_of_their_own() {
        let code = |body: Value| from_value::<LimitSpec>(body).unwrap_err().code().to_owned();
        assert_eq!(code(json!({"rate": 1, "per_ms": 1, "layer": "house"})), "layer_invalid");
        assert_eq!(code(json!({"rate": 1, "per_ms": 1, "key": "house"})), "request_invalid");
        let patch = from_value::<crate::api::SettingsPatch>(json!({"mode_floor": "strict"}));
        assert_eq!(patch.unwrap_err().code(), "mode_invalid");
    }

    #[test]
    fn a_refusal_names_the_field_and_what_was_expected_and_nothing_that_was_sent() {
        let guard = |field: &str, value: Value| {
            let mut body = json!({"content": "hush", "content_type": "prompt", "action": "process_prompt"});
            body[field] = value;
            said::<GuardRequest>(body)
        };
        for (told, field, expected) in [
            (guard("content", json!(7)), "`content`", "a string"),
            (guard("content_type", json!("hush")), "`content_type`", "expected"),
            (guard("session_id", json!(["hush"])), "`session_id`", "a string"),
            (guard("tool", json!("hush")), "`tool`", "an object"),
            (guard("tool", json!({"name": ["hush"]})), "`tool.name`", "a string"),
            (guard("metadata", json!(["hush"])), "`metadata`", "an object"),
            (said::<GuardRequest>(json!({"content_type": "prompt"})), "is missing", "`"),
            (said::<IssuerSpec>(json!({"accounts": "hush"})), "`accounts`", "a list"),
            (said::<IssuerSpec>(json!({"accounts": ["a", 7]})), "`accounts[1]`", "a string"),
            (said::<IssuerSpec>(json!({"algorithms": ["hush"]})), "`algorithms[0]`", "RS256"),
            (said::<IssuerSpec>(json!({"leeway_seconds": -1})), "`leeway_seconds`", "not negative"),
            (said::<IssuerSpec>(json!({"leeway_seconds": "hush"})), "`leeway_seconds`", "a whole number"),
            (said::<IssuerSpec>(json!({"private_network": "hush"})), "`private_network`", "true or false"),
            (said::<IssuerSpec>(json!({"claims": {"acount": "hush"}})), "`claims.acount`", "`account`"),
            (said::<IssuerSpec>(json!({"jwks": ["hush"]})), "`jwks`", "an object"),
            (said::<LimitSpec>(json!(["hush"])), "the body", "expected"),
        ] {
            assert!(told.contains(field) && told.contains(expected), "{told}");
            assert!(!told.contains("hush"), "{told}");
        }
        for text in ["", "{", "{\"content\": \"x"] {
            assert!(
                from_json::<GuardRequest>(text).unwrap_err().message().contains("before the JSON is complete"),
                "{text}"
            );
        }
        assert!(from_json::<GuardRequest>("{\"content\": hush}").unwrap_err().message().contains("not JSON"));
    }
}
