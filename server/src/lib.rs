//! Tenantry as a server: the same engine behind HTTP, and the command line that runs and administers it. Owns sockets,
//! routes and what people type; decides nothing itself.

pub mod cli;
pub mod fair;
pub mod http;
pub mod listen;
pub mod metrics;
pub mod pace;
