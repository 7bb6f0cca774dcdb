//! What a caller gave by name: the fields of one plain object, each taken once. What is left over is not a field.

use napi::Unknown;
use serde_json::{Map, Value};
use tenantry::{api::named, error::Result as CoreResult};

use super::json;
use crate::errors::Result;

/// The fields of an argument. Absent, `undefined` and `null` are the same.
pub struct Given<'env> {
    what: &'static str,
    fields: Vec<(String, Unknown<'env>)>,
}

impl<'env> Given<'env> {
    /// Reads the argument called `what`; absent means no field is given.
    pub fn read(what: &'static str, value: Unknown<'env>) -> Result<Self> {
        let fields = if json::is_absent(value)? { Vec::new() } else { json::fields(what, value)? };
        Ok(Self { what, fields })
    }

    /// Refuses what nobody took.
    pub fn end(self) -> Result<()> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(100).collect();
                Err(json::invalid(format!("`{name}` is not a field of `{}`", self.what)))
            }
        }
    }

    pub fn take(&mut self, name: &str) -> Result<Option<Unknown<'env>>> {
        let Some(index) = self.fields.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (_, value) = self.fields.swap_remove(index);
        Ok(if json::is_absent(value)? { None } else { Some(value) })
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name)?.map(|value| json::text(name, value)).transpose()
    }

    pub fn required(&mut self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| json::invalid(format!("`{name}` of `{}` is missing", self.what)))
    }

    /// A wire name, read by one of the core's parsers.
    pub fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> CoreResult<T>) -> Result<Option<T>> {
        Ok(self.text(name)?.map(|text| parse(&text)).transpose()?)
    }

    /// A wire name of one of a closed set, e.g. a `key of a limit`.
    pub fn named<T: serde::de::DeserializeOwned>(&mut self, name: &str, set: &str) -> Result<Option<T>> {
        self.parsed(name, |text| named(set, text))
    }

    pub fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let Some(value) = self.take(name)? else { return Ok(Vec::new()) };
        json::items(name, value, |item| json::text(name, item))
    }

    pub fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name)?.map(|value| json::flag(name, value)).transpose()
    }

    pub fn number(&mut self, name: &str) -> Result<Option<f64>> {
        self.take(name)?.map(|value| json::number(name, value)).transpose()
    }

    pub fn whole<T: TryFrom<i64>>(&mut self, name: &str) -> Result<Option<T>> {
        self.take(name)?.map(|value| json::whole_number(name, value)).transpose()
    }

    /// A plain object whose names and values are the caller's own.
    pub fn fields(&mut self, name: &str) -> Result<Map<String, Value>> {
        Ok(self.take(name)?.map(|value| json::json_fields(name, value)).transpose()?.unwrap_or_default())
    }

    /// A plain object of strings.
    pub fn text_map(&mut self, name: &str) -> Result<Vec<(String, String)>> {
        let Some(value) = self.take(name)? else { return Ok(Vec::new()) };
        json::fields(name, value)?.into_iter().map(|(key, value)| Ok((key, json::text(name, value)?))).collect()
    }

    /// A part with fields of its own.
    pub fn part(&mut self, name: &'static str) -> Result<Option<Given<'env>>> {
        self.take(name)?.map(|value| Self::read(name, value)).transpose()
    }
}
