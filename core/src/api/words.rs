//! Wire names and numbers, read and written the same way by every binding.

use std::{fmt::Display, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{Error, Result};

/// Reads the wire name of one of a closed set, e.g. `session` as a `key of a limit`.
pub fn named<T: DeserializeOwned>(what: &str, name: &str) -> Result<T> {
    serde_json::from_value(Value::from(name))
        .map_err(|_| Error::invalid("request_invalid", format!("`{name}` is not a {what}")))
}

/// The wire name of one of a closed set.
#[must_use]
pub fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A whole number in the range it is counted in.
pub fn whole<T: TryFrom<i64>>(what: impl Display, number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| Error::invalid("request_invalid", format!("{what} `{number}` is out of range")))
}

/// Reads `second`, `minute`, `hour`, `day`, or a duration such as `10s`, into milliseconds.
pub fn parse_period(text: &str) -> Result<u64> {
    let wrong = || {
        Error::invalid("period_invalid", format!("`{text}` is not a period"))
            .with_help("use `second`, `minute`, `hour`, `day` or a duration such as `10s` or `15m`")
    };
    match text {
        "second" => Ok(1_000),
        "minute" => Ok(60_000),
        "hour" => Ok(3_600_000),
        "day" => Ok(86_400_000),
        _ => humantime::parse_duration(text)
            .ok()
            .and_then(|duration| u64::try_from(duration.as_millis()).ok())
            .ok_or_else(wrong),
    }
}

/// A number of seconds, in milliseconds.
pub fn period_of_seconds(seconds: f64) -> Result<u64> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|duration| u64::try_from(duration.as_millis()).ok())
        .ok_or_else(|| Error::invalid("period_invalid", format!("`{seconds}` is not a number of seconds")))
}
