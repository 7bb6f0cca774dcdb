//! What the table of operations leaves to the server: the settings of identity, and who asks.

use serde_json::{Map, Value};
use tenantry::{
    Error,
    api::{IdentitySettings, from_value},
};

use super::{
    App, Call,
    answer::{Answer, ok},
};

/// `GET /v1/admin/identity`
pub async fn settings(_: App, call: Call) -> Answer {
    ok(&call.caller()?.identity().settings().await?)
}

/// `PATCH /v1/admin/identity`: what is not given stays. The issuer is the address this server is reached by, and not changed
/// under its feet.
pub async fn change_settings(_: App, call: Call) -> Answer {
    let caller = call.caller()?;
    let given: Map<String, Value> = call.json()?;
    let current = caller.identity().settings().await?;
    if given.get("issuer").is_some_and(|issuer| *issuer != current.issuer.as_str()) {
        return Err(Error::invalid("issuer_invalid", "the issuer is set when the server starts")
            .with_help("start it with --issuer"));
    }
    let mut fields =
        serde_json::to_value(&current).map_err(|_| Error::internal("the settings could not be written"))?;
    if let Value::Object(fields) = &mut fields {
        fields.extend(given);
    }
    let settings: IdentitySettings = from_value(fields)?;
    ok(&caller.identity().put_settings(settings).await?)
}

/// `GET /v1/whoami`
pub async fn whoami(_: App, call: Call) -> Answer {
    let caller = call.tenant()?.caller().ok_or_else(|| tenantry::Error::internal("a caller without a credential"))?;
    ok(caller)
}
