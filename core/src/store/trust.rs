//! Rows that prove themselves: each carries a keyed hash over its table, its key, its scope, its version and all it says. Owns
//! what is said of a row that does not.

use std::sync::Arc;

use crate::{
    error::{Error, Result},
    keyring::RowKey,
};

/// Of a row that was not written by who holds the root key, or was changed since. Whoever would have read it gets this.
pub fn untrusted(table: &str, name: &str) -> Error {
    Error::data(
        "data_untrusted",
        format!("`{name}` in the table `{table}` was changed on the disk, or put there by somebody else"),
    )
    .with_help("`tenantry doctor` names all of these; restore the row, or remove it and make it again")
}

/// Whether an error is [`untrusted`].
pub fn is_untrusted(error: &Error) -> bool {
    error.code() == "data_untrusted"
}

/// A row whose columns are not of their types was not written by us.
pub fn readable<T>(row: rusqlite::Result<T>, table: &str, name: &str) -> Result<T> {
    use rusqlite::Error as E;
    row.map_err(|error| match error {
        E::InvalidColumnType(..)
        | E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..) => untrusted(table, name),
        other => other.into(),
    })
}

/// Proves the rows of one table.
#[derive(Clone)]
pub struct Proof {
    key: Arc<RowKey>,
    table: &'static str,
}

impl Proof {
    /// Of `table`.
    pub const fn new(key: Arc<RowKey>, table: &'static str) -> Self {
        Self { key, table }
    }

    /// What goes beside a row of these fields.
    pub fn tag(&self, fields: &[&[u8]]) -> Vec<u8> {
        self.key.tag(self.table, fields).to_vec()
    }

    /// Refuses a row of these fields unless `tag` is its own.
    pub fn check(&self, fields: &[&[u8]], tag: &[u8], name: &str) -> Result<()> {
        if self.key.check(self.table, fields, tag) { Ok(()) } else { Err(untrusted(self.table, name)) }
    }
}
