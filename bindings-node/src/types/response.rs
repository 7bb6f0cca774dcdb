//! What a guard call answers: readings of a response that the core makes. A response crosses as JSON text, back too.

use napi::Unknown;
use napi_derive::napi;
use serde::Serialize;
use tenantry::{
    api::{Blocked, GuardResponse},
    error::Error,
};

use super::{required, wire};
use crate::errors::{Result, catch_panic};

#[derive(Serialize)]
struct Readings {
    allowed: bool,
    denied: bool,
    suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<Blocked>,
}

/// What the core reads in a response, as JSON: `allowed`, `denied`, `suspended`, and `blocked` when it is an error to go
/// on.
#[napi]
pub fn readings(response: String) -> napi::Result<String> {
    catch_panic(|| {
        let response = read(&response)?;
        Ok(wire(&Readings {
            allowed: response.allowed(),
            denied: response.denied(),
            suspended: response.suspended(),
            blocked: response.blocked(),
        })?)
    })
}

/// `content` as it may be passed on under a response.
#[napi(ts_args_type = "response: string, content: string")]
pub fn passed_on(response: String, content: Unknown<'_>) -> napi::Result<String> {
    catch_panic(|| Ok(read(&response)?.passed_on(&required("content", content)?).to_owned()))
}

fn read(response: &str) -> Result<GuardResponse> {
    Ok(serde_json::from_str(response).map_err(|_| Error::invalid("request_invalid", "this is not a guard response"))?)
}
