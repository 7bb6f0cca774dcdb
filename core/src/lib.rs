//! Tenantry: the boundary between the customers of an AI product.
//!
//! Start at [`Tenantry`]. The rooms below it are public so that tests and bindings can reach them; what they promise is
//! in `docs/ARCHITECTURE.md`, and only [`api`], [`client`], [`config`] and [`error`] are kept stable.
#![doc = include_str!("../../README.md")]

pub mod access;
pub mod api;
pub mod audit;
pub mod cache;
pub mod client;
pub mod clock;
pub mod config;
pub mod context_keys;
pub mod detect;
pub mod disk;
pub mod entropy;
pub mod error;
pub mod guard;
pub mod identity;
pub mod keyring;
pub mod nearest;
pub mod net;
pub mod operations;
pub mod policy;
pub mod quota;
pub mod redact;
pub mod rooms;
pub mod runtime;
pub mod scope;
pub mod session;
pub mod store;
pub mod tenant;
#[cfg(feature = "test-hooks")]
pub mod testing;
pub mod usage;
pub mod workers;

pub use client::{Tenant, Tenantry};
pub use config::Options;
pub use error::{Error, ErrorKind, Result};

/// The compiler's side of law 1; run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../tests/no_scope.md")]
pub struct NoScope;
