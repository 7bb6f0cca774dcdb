//! Tenantry: the boundary between the customers of an AI product.
pub mod api;
pub mod clock;
pub mod config;
pub mod context_keys;
pub mod error;
pub mod keyring;
pub mod runtime;
pub mod scope;
pub mod store;
