//! Plain data: Python text, numbers, lists and dicts to and from JSON values, walked directly and never through text.

use std::cell::Cell;

use pyo3::{
    inspect::PyStaticExpr,
    prelude::*,
    type_hint_identifier, type_hint_subscript,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyNone, PyString, PyTuple, PyType},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};
use tenantry::{api::MAX_JSON_DEPTH, error::Error};

use crate::errors::{Failure, Result};

/// Text from Python. Lone surrogates, which Rust text cannot hold, become U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "str");

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        text(&object.cast::<PyString>()?.to_owned()).map(Self)
    }
}

fn text(object: &Bound<'_, PyString>) -> PyResult<String> {
    if let Ok(text) = object.to_str() {
        return Ok(text.to_owned());
    }
    // UTF-16 and not UTF-8: two surrogates that form a pair are the character they stand for.
    let bytes = object.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
    let bytes = bytes.cast::<PyBytes>()?.as_bytes();
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes(pair.try_into().unwrap_or_default()));
    Ok(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// A dict with text keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(pub Map<String, Value>);

impl FromPyObject<'_, '_> for Fields {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = <Self as IntoPyObject<'_>>::OUTPUT_TYPE;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match object.cast::<PyDict>() {
            Ok(fields) => Ok(Self(map_from_python(&fields.to_owned(), MAX_JSON_DEPTH, &Reading::default())?)),
            Err(_) => Err(unsupported(&object.to_owned()).into()),
        }
    }
}

impl<'py> IntoPyObject<'py> for Fields {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("builtins", "dict"),
        type_hint_identifier!("builtins", "str"),
        type_hint_identifier!("typing", "Any")
    );

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        map_to_python(py, &self.0)
    }
}

/// Any plain data.
pub struct Json(pub Value);

impl<'py> IntoPyObject<'py> for Json {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("typing", "Any");

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        to_python(py, &self.0)
    }
}

/// The fields of a core type as the wire names them.
pub fn fields_of(value: &impl Serialize) -> Result<Fields> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(Fields(fields)),
        Ok(_) | Err(_) => Err(Error::internal("a result could not be written as fields").into()),
    }
}

/// What a value is pickled as: the function that makes it again, and what that takes.
pub type Restored = (Py<PyAny>, (Py<PyAny>, String));

/// How `value`, the Python object `object`, is pickled.
pub fn reduced(py: Python<'_>, object: &Bound<'_, PyAny>, value: &impl Serialize) -> Result<Restored> {
    let text = serde_json::to_string(value).map_err(|_| Error::internal("a value could not be written as JSON"))?;
    // The module's own function: pickles name it.
    let restored = py.import("tenantry._tenantry")?.getattr("_restored")?;
    Ok((restored.unbind(), (object.get_type().into_any().unbind(), text)))
}

/// What [`reduced`] wrote.
pub fn read_back<T: DeserializeOwned>(text: &str) -> Result<T> {
    let foreign = |_| Error::invalid("request_invalid", "this is not what such a value is pickled as");
    Ok(serde_json::from_str(text).map_err(foreign)?)
}

/// Makes a value of the class `kind` again from what it was pickled as.
#[pyfunction]
pub fn _restored<'py>(kind: &Bound<'py, PyType>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    kind.call_method1("_from_json", (text,))
}

/// What was met while reading the data of one argument.
#[derive(Default)]
struct Reading {
    // One level more than the core takes is enough for it to refuse the request, with a row in the audit.
    too_deep: Cell<bool>,
    // Lists that hold one list many times are small in memory and endless to walk.
    values: Cell<usize>,
}

/// Most values one argument may hold.
const MAX_VALUES: usize = 1_000_000;

/// `levels` is how much deeper this value may nest.
fn from_python(object: &Bound<'_, PyAny>, levels: usize, reading: &Reading) -> Result<Value> {
    let below = match levels.checked_sub(1) {
        Some(below) if !reading.too_deep.get() => below,
        _ => {
            reading.too_deep.set(true);
            return Ok(Value::Null);
        }
    };
    reading.values.set(reading.values.get() + 1);
    if reading.values.get() > MAX_VALUES {
        let message = format!("metadata or arguments hold more than {MAX_VALUES} values");
        return Err(Error::invalid("content_too_large", message).into());
    }
    if let Ok(value) = object.cast::<PyString>() {
        Ok(Value::String(text(value)?))
    } else if object.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = object.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if object.is_instance_of::<PyInt>() {
        let number = object.extract::<i64>().map(Number::from).or_else(|_| object.extract::<u64>().map(Number::from));
        number.map(Value::Number).map_err(|_| invalid("an integer is too large: 64 bits at most"))
    } else if let Ok(value) = object.cast::<PyFloat>() {
        Number::from_f64(value.value()).map(Value::Number).ok_or_else(|| invalid("NaN and infinity are not acceptable"))
    } else if let Ok(value) = object.cast::<PyDict>() {
        map_from_python(value, below, reading).map(Value::Object)
    } else if let Ok(value) = object.cast::<PyList>() {
        value.iter().map(|item| from_python(&item, below, reading)).collect::<Result<_>>().map(Value::Array)
    } else if let Ok(value) = object.cast::<PyTuple>() {
        value.iter().map(|item| from_python(&item, below, reading)).collect::<Result<_>>().map(Value::Array)
    } else {
        Err(unsupported(object))
    }
}

fn map_from_python(fields: &Bound<'_, PyDict>, levels: usize, reading: &Reading) -> Result<Map<String, Value>> {
    fields
        .iter()
        .map(|(key, value)| {
            let key = key.cast::<PyString>().map_err(|_| invalid("a dict has a key that is not a str"))?;
            // Two keys must not become one, so what Rust text cannot hold is refused here and not replaced.
            let key = key.to_str().map_err(|_| invalid("a dict has a key with a lone surrogate"))?;
            Ok((key.to_owned(), from_python(&value, levels, reading)?))
        })
        .collect()
}

fn invalid(message: &'static str) -> Failure {
    Error::invalid("request_invalid", message).into()
}

fn unsupported(object: &Bound<'_, PyAny>) -> Failure {
    let name = object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    Error::invalid("request_invalid", format!("a value of type `{name}` is not acceptable"))
        .with_help("use None, bool, int, float, str, and lists, tuples and dicts of them")
        .into()
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => PyNone::get(py).to_owned().into_any(),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => value.into_pyobject(py)?.into_any(),
            (None, Some(value)) => value.into_pyobject(py)?.into_any(),
            (None, None) => PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            items.iter().try_for_each(|item| list.append(to_python(py, item)?))?;
            list.into_any()
        }
        Value::Object(fields) => map_to_python(py, fields)?.into_any(),
    })
}

fn map_to_python<'py>(py: Python<'py>, fields: &Map<String, Value>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    fields.iter().try_for_each(|(name, value)| dict.set_item(name, to_python(py, value)?))?;
    Ok(dict)
}
