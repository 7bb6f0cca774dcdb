//! Limits that an app takes from for work of its own.

use napi::{
    Env, Unknown, ValueType,
    bindgen_prelude::{Either, PromiseRaw},
};
use napi_derive::napi;
use tenantry::{api::parse_period, error::Error};

use super::Tenant;
use crate::{
    errors::catch_panic,
    runtime::{Work, promise, wait},
    types::{Given, required},
};

twins! {
    impl Tenant {
        /// Takes `cost` from a limit for work of the app's own.
        #[arguments("id: string, options?: AcquireOptions")]
        fn acquire_sync / acquire(&self, id, options) -> () {
            let (limits, id) = (self.0.limits(), required("id", id)?);
            let mut given = Given::read("options", options)?;
            let key = given.text("key")?.unwrap_or_default();
            let cost = given.whole("cost")?.unwrap_or(1);
            given.end()?;
            Work::new(async move { limits.acquire(&id, &key, cost).await })
        }
    }
}

/// The milliseconds of a period that the field `name` tells in words. A bare number could be seconds as well.
#[napi(ts_args_type = "name: string, value: unknown")]
pub fn period(name: String, value: Unknown<'_>) -> napi::Result<i64> {
    catch_panic(|| {
        if value.get_type()? != ValueType::String {
            let message = format!("`{name}` is not a string: a period is told as `minute` or `15m`");
            let help = format!("write seconds as `6s`, or give milliseconds as `{name}Ms`");
            return Err(Error::invalid("request_invalid", message).with_help(help).into());
        }
        Ok(i64::try_from(parse_period(&required(&name, value)?)?).unwrap_or(i64::MAX))
    })
}
