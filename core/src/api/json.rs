//! Caller JSON as text: read strictly, so that what is inspected is what any other reader of the same text would see.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::MAX_JSON_DEPTH;
use crate::error::{Error, Result};

/// Reads metadata or tool arguments. A key that stands twice is refused: of two readers each may believe the other one.
///
/// What is nested deeper than a request may be is cut one level below that, for the core to refuse the request.
pub fn parse_object(text: &str) -> Result<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { levels: MAX_JSON_DEPTH + 1 }.deserialize(&mut reader).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    match value {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Error::invalid("request_invalid", "metadata and arguments are JSON objects")),
        // The parser's own words may quote content.
        Err(error) if error.to_string().starts_with(TWICE) => {
            Err(Error::invalid("request_invalid", "metadata or arguments name a key twice"))
        }
        Err(_) => Err(Error::invalid("request_invalid", "metadata or arguments are not acceptable JSON")),
    }
}

/// The members of one JSON object, sorted by name: for an object that is read once, seldom asked and given up, this costs
/// a fraction of a map. What lies below is read as strictly as [`parse_object`] does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads an object. A key that stands twice is refused.
    ///
    /// # Errors
    /// `request_invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = || Error::invalid("request_invalid", "not an acceptable JSON object");
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(FieldsVisitor).map_err(|_| refuse())?;
        reader.end().map_err(|_| refuse())?;
        Self::sorted(fields).ok_or_else(refuse)
    }

    fn sorted(mut fields: Vec<(String, Value)>) -> Option<Self> {
        fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        fields.is_sorted_by(|(a, _), (b, _)| a < b).then_some(Self(fields))
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.0.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// Every value.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The members as a map.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        self.0.iter().cloned().collect()
    }
}

impl From<&Map<String, Value>> for Fields {
    fn from(map: &Map<String, Value>) -> Self {
        let fields = map.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self::sorted(fields).unwrap_or_default()
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::with_capacity(16);
        while let Some(name) = fields.next_key::<String>()? {
            found.push((name, fields.next_value_seed(Strict { levels: MAX_JSON_DEPTH })?));
        }
        Ok(found)
    }
}

const TWICE: &str = "a key stands twice";

/// Reads one value that may nest `levels` deep.
#[derive(Clone, Copy)]
struct Strict {
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.levels {
            // Skipped without recursion, however deep it goes.
            0 => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self { levels: self.levels - 1 })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(Self { levels: self.levels - 1 })?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_level() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"a":[{"b":"x","\u0062":"y"}]}"#] {
            assert!(parse_object(text).unwrap_err().message().contains("twice"));
        }
        let text = r#"{"a":[1,-2,0.5,true,null,"x",{"b":{}}]}"#;
        assert_eq!(Value::Object(parse_object(text).unwrap()), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn endless_nesting_is_cut_and_rubbish_is_refused() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        for levels in [100, 1_000_000] {
            let mut request = crate::api::GuardRequest::prompt("hi");
            request.metadata = parse_object(&nested(levels)).unwrap();
            assert_eq!(request.check_depth().unwrap_err().code(), "request_too_deep");
        }
        for text in ["", "[]", "1", "{", "{}}", r#"{"a":NaN}"#, r#"{"a":1e999}"#] {
            assert_eq!(parse_object(text).unwrap_err().code(), "request_invalid", "{text}");
        }
    }
}
