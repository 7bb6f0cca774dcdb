//! The core's types as they cross to Go. Owns conversions; laid out as the core's `api`, one file per file there.
//!
//! Field names are the wire's names: the generator makes Go fields and JSON tags of them. `Option` means left out when
//! absent. An `Option` of a scalar is a pointer in Go; of a [`Text`], a closed set or a [`JsonObject`] it is
//! a plain value whose zero means absent. A record whose name ends in `Parts` is not public in Go.

mod convert;
mod identity;
mod request;
mod response;

pub use convert::*;
pub use identity::*;
pub use request::*;
pub use response::*;

/// Records that mirror a core type: `out` from the core, or `into` the core. A field that has another name or
/// another place in the core names it in brackets.
macro_rules! mirror {
    (
        $way:ident $(#[doc = $doc:literal])+ $name:ident: $core:ty {
            $($(#[doc = $field_doc:literal])+ $field:ident $(($($place:tt)+))?: $type:ty,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(uniffi::Record)]
        pub struct $name {
            $($(#[doc = $field_doc])+ pub $field: $type,)+
        }

        mirror!(@$way $name, $core, $($field ($($($place)+)?),)+);
    };
    (@out $name:ident, $core:ty, $($field:ident ($($place:tt)*),)+) => {
        impl $crate::types::FromCore<$core> for $name {
            fn from_core(core: $core) -> Self {
                Self { $($field: $crate::types::FromCore::from_core(mirror!(@place core $field $($place)*)),)+ }
            }
        }
    };
    (@into $name:ident, $core:ty, $($field:ident ($($place:ident)?),)+) => {
        impl $crate::types::IntoCore<$core> for $name {
            fn into_core(self, _what: &str) -> tenantry::Result<$core> {
                type Core = $core;
                Ok(mirror!(@build Core self {} $($field ($($place)?),)+))
            }
        }
    };
    (@build $core:ident $self:ident {$($built:tt)*}) => { $core { $($built)* } };
    (@build $core:ident $self:ident {$($built:tt)*} $field:ident (), $($rest:tt)*) => {
        mirror!(@build $core $self {
            $($built)* $field: $crate::types::IntoCore::into_core($self.$field, stringify!($field))?,
        } $($rest)*)
    };
    (@build $core:ident $self:ident {$($built:tt)*} $field:ident ($place:ident), $($rest:tt)*) => {
        mirror!(@build $core $self {
            $($built)* $place: $crate::types::IntoCore::into_core($self.$field, stringify!($field))?,
        } $($rest)*)
    };
    (@place $core:ident $field:ident) => { $core.$field };
    (@place $core:ident $field:ident $($place:tt)+) => { $core.$($place)+ };
}
use mirror;
