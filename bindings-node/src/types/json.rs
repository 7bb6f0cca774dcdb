//! Plain data: JavaScript values to text, numbers and JSON, walked directly and never coerced.

use napi::{
    JsValue, KeyCollectionMode, KeyConversion, KeyFilter, Unknown, ValueType,
    bindgen_prelude::{FromNapiValue, JsObjectValue, Object},
};
use serde_json::{Map, Number, Value};
use tenantry::{
    api::{MAX_JSON_DEPTH, whole},
    error::Error,
};

use crate::errors::{Failure, Result};

/// Whether an argument or field was not given: `undefined` or `null`.
pub fn is_absent(value: Unknown<'_>) -> Result<bool> {
    Ok(matches!(value.get_type()?, ValueType::Undefined | ValueType::Null))
}

/// Text. Lone surrogates, which Rust text cannot hold, become U+FFFD.
pub fn text(what: &str, value: Unknown<'_>) -> Result<String> {
    match value.get_type()? {
        ValueType::String => cast(value),
        _ => Err(invalid(format!("`{what}` is not a string"))),
    }
}

/// `true` or `false`; nothing else stands for them.
pub fn flag(what: &str, value: Unknown<'_>) -> Result<bool> {
    match value.get_type()? {
        ValueType::Boolean => cast(value),
        _ => Err(invalid(format!("`{what}` is neither true nor false"))),
    }
}

/// A finite number.
pub fn number(what: &str, value: Unknown<'_>) -> Result<f64> {
    match value.get_type()? {
        ValueType::Number => finite(cast(value)?),
        _ => Err(invalid(format!("`{what}` is not a number"))),
    }
}

/// A whole number in the range it is counted in.
pub fn whole_number<T: TryFrom<i64>>(what: &str, value: Unknown<'_>) -> Result<T> {
    match whole_of(number(what, value)? + 0.0).as_ref().and_then(Number::as_i64) {
        Some(number) => Ok(whole(what, number)?),
        None => Err(invalid(format!("`{what}` is not a whole number"))),
    }
}

/// The items of an array, one by one.
pub fn items<'env, T>(what: &str, value: Unknown<'env>, read: impl Fn(Unknown<'env>) -> Result<T>) -> Result<Vec<T>> {
    if !value.is_array()? {
        return Err(invalid(format!("`{what}` is not an array")));
    }
    let array: Object<'_> = cast(value)?;
    (0..array.get_array_length()?).map(|index| read(array.get_element(index)?)).collect()
}

/// The own fields of a plain object, in order. The TypeScript half has copied what the caller gave: it is plain, has no
/// symbols, proxies and holes, and names are well-formed.
pub fn fields<'env>(what: &str, value: Unknown<'env>) -> Result<Vec<(String, Unknown<'env>)>> {
    if value.get_type()? != ValueType::Object || value.is_array()? {
        return Err(invalid(format!("`{what}` is not a plain object")));
    }
    let object: Object<'_> = cast(value)?;
    let (own, conversion) = (KeyCollectionMode::OwnOnly, KeyConversion::NumbersToStrings);
    let names = object.get_all_property_names(own, KeyFilter::Enumerable, conversion)?;
    let mut fields = Vec::new();
    for index in 0..names.get_array_length()? {
        let name: Unknown<'_> = names.get_element(index)?;
        fields.push((cast(name)?, object.get_property(name)?));
    }
    Ok(fields)
}

/// A plain object as JSON fields.
pub fn json_fields(what: &str, value: Unknown<'_>) -> Result<Map<String, Value>> {
    map(what, value, MAX_JSON_DEPTH)
}

/// `levels` is how much deeper this value may nest before the core refuses it. Cycles end there, too.
fn json(what: &str, value: Unknown<'_>, levels: usize) -> Result<Value> {
    // Deeper is not read; the core, which audits what it refuses, sees that it is too deep.
    let Some(below) = levels.checked_sub(1) else { return Ok(Value::Null) };
    match value.get_type()? {
        ValueType::String => Ok(Value::String(cast(value)?)),
        ValueType::Number => {
            let number = finite(cast(value)?)?;
            Ok(whole_of(number).or_else(|| Number::from_f64(number)).map_or(Value::Null, Value::Number))
        }
        ValueType::Boolean => Ok(Value::Bool(cast(value)?)),
        ValueType::Null => Ok(Value::Null),
        ValueType::Object if value.is_array()? => items(what, value, |item| json(what, item, below)).map(Value::Array),
        ValueType::Object => map(what, value, below).map(Value::Object),
        other => {
            let kind = format!("{other:?}").to_lowercase();
            Err(invalid(format!("`{what}` holds a value of type {kind}: {DATA}")))
        }
    }
}

fn map(what: &str, value: Unknown<'_>, levels: usize) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    for (name, value) in fields(what, value)? {
        // As everywhere in JavaScript's JSON, a field that is undefined is not there.
        if value.get_type()? != ValueType::Undefined {
            map.insert(name, json(what, value, levels)?);
        }
    }
    Ok(map)
}

const DATA: &str = "data is made of plain objects, arrays, strings, finite numbers, booleans and null";

fn finite(number: f64) -> Result<f64> {
    if number.is_finite() { Ok(number) } else { Err(invalid("NaN and infinity are not acceptable")) }
}

/// JavaScript has one kind of number; whole ones are integers on the wire, save negative zero.
fn whole_of(number: f64) -> Option<Number> {
    const END: f64 = 18_446_744_073_709_551_616.0; // 2 to the power of 64
    if number.fract() != 0.0 || (number == 0.0 && number.is_sign_negative()) {
        None
    } else if (-END / 2.0..END / 2.0).contains(&number) {
        Some(Number::from(number as i64))
    } else if (0.0..END).contains(&number) {
        Some(Number::from(number as u64))
    } else {
        None
    }
}

pub fn invalid(message: impl Into<String>) -> Failure {
    Error::invalid("request_invalid", message).into()
}

/// For arguments that must be there.
pub fn required(what: &str, value: Unknown<'_>) -> Result<String> {
    if is_absent(value)? { Err(invalid(format!("`{what}` is missing"))) } else { text(what, value) }
}

#[allow(unsafe_code, reason = "napi has no checked way from an unknown value to a known one")]
fn cast<T: FromNapiValue>(value: Unknown<'_>) -> Result<T> {
    // SAFETY: every caller has looked at the value's type; a wrong one is an error of Node's and no undefined behaviour.
    Ok(unsafe { value.cast() }?)
}
