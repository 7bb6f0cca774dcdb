//! How single values convert: closed sets by their wire names, free JSON as text, numbers in the range they are counted.
#![allow(unsafe_code, reason = "uniffi's macros implement unsafe traits")]

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use tenantry::{
    Result,
    api::{self, name_of, named, whole},
};

/// Makes a crossing value of a core value.
pub trait FromCore<C> {
    /// Never fails: what the core answers is always expressible.
    fn from_core(core: C) -> Self;
}

/// Makes a core value of a crossing value.
pub trait IntoCore<C> {
    /// `what` names the field in errors.
    fn into_core(self, what: &str) -> Result<C>;
}

/// Text of which `""` means absent.
pub struct Text(pub String);
uniffi::custom_newtype!(Text, String);

/// A JSON object, as text.
pub struct JsonObject(pub String);
uniffi::custom_newtype!(JsonObject, String);

impl JsonObject {
    /// The object itself.
    pub fn parse(self) -> Result<Map<String, Value>> {
        api::parse_object(&self.0)
    }
}

/// A closed set of the core: crosses as its wire name.
macro_rules! closed_set {
    ($($(#[doc = $doc:literal])+ $name:ident: $core:ty, |$text:ident| $parse:expr;)+) => {$(
        $(#[doc = $doc])+
        pub struct $name(pub String);
        uniffi::custom_type!(
            $(#[doc = $doc])+
            $name, String, { lower: |value| value.0, try_lift: |text| Ok($name(text)) }
        );

        impl FromCore<$core> for $name {
            fn from_core(core: $core) -> Self {
                Self(name_of(&core))
            }
        }

        impl IntoCore<$core> for $name {
            fn into_core(self, _what: &str) -> Result<$core> {
                let $text = self.0.as_str();
                $parse
            }
        }
    )+};
}

closed_set! {
    /// What a guard call decided.
    Decision: api::Decision, |text| named("decision", text);
    /// How bad a finding is.
    Severity: api::Severity, |text| named("severity", text);
    /// How strictly policy outcomes are applied.
    Mode: api::Mode, |text| api::Mode::parse(text);
    /// What kind of text a request holds.
    ContentType: api::ContentType, |text| api::ContentType::parse(text);
}

impl FromCore<String> for Decision {
    fn from_core(core: String) -> Self {
        Self(core)
    }
}

/// Closed sets whose zero value in Go means what the core takes by default.
macro_rules! defaulted {
    ($($name:ident: $core:ty = $default:expr;)+) => {$(
        impl FromCore<$core> for Option<$name> {
            fn from_core(core: $core) -> Self {
                Some(FromCore::from_core(core))
            }
        }

        impl IntoCore<$core> for Option<$name> {
            fn into_core(self, what: &str) -> Result<$core> {
                self.map_or(Ok($default), |name| name.into_core(what))
            }
        }
    )+};
}

defaulted! {
    Mode: api::Mode = api::Mode::Enforce;
    ContentType: api::ContentType = api::ContentType::default();
}

/// Values that are the same on both sides.
macro_rules! plain {
    ($($type:ty),+) => {$(
        impl FromCore<$type> for $type {
            fn from_core(core: $type) -> Self {
                core
            }
        }

        impl IntoCore<$type> for $type {
            fn into_core(self, _what: &str) -> Result<$type> {
                Ok(self)
            }
        }
    )+};
}

plain!(String, bool, i64, u64, f64);

impl FromCore<()> for () {
    fn from_core((): ()) {}
}

impl FromCore<usize> for u64 {
    fn from_core(core: usize) -> Self {
        Self::try_from(core).unwrap_or(Self::MAX)
    }
}

/// Unsigned numbers that callers also give: signed in Go, so that a negative one is an error with the field's name.
macro_rules! counted {
    ($($type:ty),+) => {$(
        impl FromCore<$type> for i64 {
            fn from_core(core: $type) -> Self {
                Self::try_from(core).unwrap_or(Self::MAX)
            }
        }

        impl IntoCore<$type> for i64 {
            fn into_core(self, what: &str) -> Result<$type> {
                whole(what, self)
            }
        }
    )+};
}

counted!(u32, u64);

impl<T: FromCore<C>, C> FromCore<Option<C>> for Option<T> {
    fn from_core(core: Option<C>) -> Self {
        core.map(T::from_core)
    }
}

impl<T: IntoCore<C>, C> IntoCore<Option<C>> for Option<T> {
    fn into_core(self, what: &str) -> Result<Option<C>> {
        self.map(|value| value.into_core(what)).transpose()
    }
}

impl<T: FromCore<C>, C> FromCore<Vec<C>> for Vec<T> {
    fn from_core(core: Vec<C>) -> Self {
        core.into_iter().map(T::from_core).collect()
    }
}

impl<T: IntoCore<C>, C> IntoCore<Vec<C>> for Vec<T> {
    fn into_core(self, what: &str) -> Result<Vec<C>> {
        self.into_iter().map(|value| value.into_core(what)).collect()
    }
}

/// A list that is left out when empty.
impl<T: FromCore<C>, C> FromCore<Vec<C>> for Option<Vec<T>> {
    fn from_core(core: Vec<C>) -> Self {
        (!core.is_empty()).then(|| FromCore::from_core(core))
    }
}

impl<T: IntoCore<C>, C> IntoCore<Vec<C>> for Option<Vec<T>> {
    fn into_core(self, what: &str) -> Result<Vec<C>> {
        self.unwrap_or_default().into_core(what)
    }
}

/// A map that is left out when empty.
impl FromCore<BTreeMap<String, String>> for Option<HashMap<String, String>> {
    fn from_core(core: BTreeMap<String, String>) -> Self {
        (!core.is_empty()).then(|| core.into_iter().collect())
    }
}

impl FromCore<String> for Text {
    fn from_core(core: String) -> Self {
        Self(core)
    }
}

impl IntoCore<String> for Text {
    fn into_core(self, _what: &str) -> Result<String> {
        Ok(self.0)
    }
}

impl FromCore<String> for Option<Text> {
    fn from_core(core: String) -> Self {
        (!core.is_empty()).then_some(Text(core))
    }
}

impl FromCore<Map<String, Value>> for JsonObject {
    fn from_core(core: Map<String, Value>) -> Self {
        Self(Value::Object(core).to_string())
    }
}

/// What an operation answers, as text.
impl FromCore<Value> for String {
    fn from_core(core: Value) -> Self {
        core.to_string()
    }
}

/// What the core tells, as JSON.
pub fn json(told: &impl serde::Serialize) -> String {
    serde_json::to_string(told).unwrap_or_default()
}

/// An object that is left out when empty.
impl FromCore<Map<String, Value>> for Option<JsonObject> {
    fn from_core(core: Map<String, Value>) -> Self {
        (!core.is_empty()).then(|| FromCore::from_core(core))
    }
}

impl IntoCore<Map<String, Value>> for Option<JsonObject> {
    fn into_core(self, _what: &str) -> Result<Map<String, Value>> {
        self.map_or_else(|| Ok(Map::new()), JsonObject::parse)
    }
}
