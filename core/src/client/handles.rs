//! The handles of operations, made from the table: a type for each noun, a method for each verb, and a twin that waits.

use std::sync::Arc;

use serde_json::Value;

use super::{Tenant, Tenantry, with_operations};
use crate::{
    access::Caller,
    api::*,
    clock::BoxFuture,
    error::{Error, Result},
    operations::{self, Nothing, Operation, Row, Target, ops},
    rooms::Rooms,
    runtime::block_on,
};

/// Who asks, and about what.
#[derive(Clone)]
pub(super) enum At {
    /// The client, about whatever its credential reaches.
    Client(Tenantry),
    /// A tenant's handle, about its project.
    Tenant(Tenant),
}

impl At {
    fn parts(&self) -> Result<(Arc<Rooms>, Caller, Target)> {
        Ok(match self {
            Self::Client(client) => (client.rooms()?, client.as_caller()?, Target::Reach),
            Self::Tenant(tenant) => {
                (tenant.client.rooms()?, tenant.caller.clone(), Target::Tenant(Arc::clone(&tenant.instance)))
            }
        })
    }

    /// The tenant whose handle this is.
    pub(super) fn tenant(&self) -> Result<&Tenant> {
        match self {
            Self::Tenant(tenant) => Ok(tenant),
            Self::Client(_) => Err(Error::internal("a handle of a tenant has none")),
        }
    }

    /// Who asks, about what `levels` name, or where the handle is.
    fn about(&self, levels: &[&str]) -> Result<(Arc<Rooms>, Caller, Target)> {
        let (rooms, caller, own) = self.parts()?;
        let target = match levels {
            [] => own,
            [account, rest @ ..] => Target::Named {
                account: (*account).to_owned(),
                project: rest.first().map(|project| (*project).to_owned()).unwrap_or_default(),
            },
        };
        Ok((rooms, caller, target))
    }

    fn call<O: Operation>(&self, levels: &[&str], input: O::Input) -> BoxFuture<'static, Result<O::Output>> {
        let about = self.about(levels);
        Box::pin(async move {
            let (rooms, caller, target) = about?;
            operations::call::<O>(&rooms, caller, target, input).await
        })
    }

    /// Does a row of the table, with JSON on both sides.
    pub(super) fn operate(&self, row: &Row, levels: &[&str], input: Value) -> BoxFuture<'static, Result<Value>> {
        let (about, call) = (self.about(levels), row.call);
        Box::pin(async move {
            let (rooms, caller, target) = about?;
            call(rooms, caller, target, input).await
        })
    }
}

macro_rules! handles {
    ($(
        $(#[doc = $noun:literal])*
        $handle:ident = $place:literal in $module:ident {
            $(
                $(#[doc = $doc:literal])*
                call $verb:ident $([$($level:ident),+])? ($($input:ty)?) $(-> $output:ty)? = $facts:expr;
            )+
        }
    )+) => { $(
        $(#[doc = $noun])*
        #[derive(Clone)]
        pub struct $handle(pub(super) At);

        impl $handle {
            $(
                handles!(@method $handle $module $verb [$($doc)*] [$($($level)+)?] [$($input)?] [$($output)?]);
            )+
        }
    )+ };
    (@method $handle:ident $module:ident $verb:ident [$($doc:literal)*] [$($level:ident)*] [$($input:ty)?] []) => {
        handles!(@method $handle $module $verb [$($doc)*] [$($level)*] [$($input)?] [()]);
    };
    (@method $handle:ident $module:ident $verb:ident [$($doc:literal)*] [$($level:ident)*] [] [$output:ty]) => {
        $(#[doc = $doc])*
        pub fn $verb(&self $(, $level: &str)*) -> BoxFuture<'static, Result<$output>> {
            self.0.call::<ops::$module::$verb>(&[$($level),*], Nothing {})
        }

        pastey::paste! {
            #[doc = concat!("As [`", stringify!($handle), "::", stringify!($verb), "`], waiting on this thread.")]
            pub fn [<$verb _blocking>](&self $(, $level: &str)*) -> Result<$output> {
                block_on(self.$verb($($level),*))
            }
        }
    };
    (@method $handle:ident $module:ident $verb:ident [$($doc:literal)*] [$($level:ident)*] [$input:ty] [$output:ty]) => {
        $(#[doc = $doc])*
        pub fn $verb(&self $(, $level: &str)*, input: impl Into<$input>) -> BoxFuture<'static, Result<$output>> {
            self.0.call::<ops::$module::$verb>(&[$($level),*], input.into())
        }

        pastey::paste! {
            #[doc = concat!("As [`", stringify!($handle), "::", stringify!($verb), "`], waiting on this thread.")]
            pub fn [<$verb _blocking>](&self $(, $level: &str)*, input: impl Into<$input>) -> Result<$output> {
                block_on(self.$verb($($level,)* input))
            }
        }
    };
}
with_operations!(handles);
