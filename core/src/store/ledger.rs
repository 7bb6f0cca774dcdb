//! Ledger: what a decision commits. Owns the shape of audit rows and how they are chained; `sqlite` keeps them.

mod record;
mod rows;
mod sqlite;

use ring::digest::{Context, SHA256, digest};
#[cfg(test)]
pub(super) use rows::SCHEMA;
use serde::{Deserialize, Serialize};
pub use sqlite::SqliteLedger;

use crate::{
    clock::BoxFuture,
    error::Result,
    scope::{Scope, Uid},
};

/// The hash before the first row of every chain.
pub const GENESIS: [u8; 32] = [0; 32];

/// What is about to be written down.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Microseconds since 1970.
    pub at: i64,
    /// `decision`, `error` or an admin event.
    pub kind: &'a str,
    /// The call's id.
    pub request_id: &'a str,
    /// The decision's name, or `""`.
    pub decision: &'a str,
    /// JSON object.
    pub body: &'a str,
    /// What it spent; committed with it, or not at all.
    pub spend: Option<&'a Spend>,
}

/// An answer that is given again to whoever repeats its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Names scope, principal, route and key of the request.
    pub id: String,
    /// Until when, microseconds since 1970.
    pub until: i64,
    /// The sealed answer.
    pub body: String,
}

/// What a model call cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Names the model call: the same within [`SPEND_ONCE`] is the same call.
    pub id: String,
    /// When, microseconds since 1970.
    pub at: i64,
    /// The model, as the price book names it, or as it was reported.
    pub model: String,
    /// Millionths of a US dollar.
    pub micros: i64,
}

/// What became of a model call that was to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new, and written down.
    Recorded,
    /// It was written down before.
    Known,
    /// It was written down before, and not every report of it said the same. The larger counts, and the row says so.
    Differs,
}

/// How long a model call is known by its id, in microseconds: 48 hours.
pub const SPEND_ONCE: i64 = 48 * 3_600 * 1_000_000;

/// Where reading a chain starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsFrom {
    /// After this sequence.
    After(u64),
    /// Between these, and perhaps the newest first.
    Within {
        /// After this sequence.
        after: u64,
        /// None older than this, microseconds since 1970.
        at: Option<i64>,
        /// Before this sequence.
        before: Option<u64>,
        /// Whether the newest comes first.
        newest: bool,
    },
}

/// One row as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Position, from 1.
    pub sequence: u64,
    /// Microseconds since 1970.
    pub at: i64,
    /// See [`Entry::kind`].
    pub kind: String,
    /// The call's id.
    pub request_id: String,
    /// The decision's name, or `""`.
    pub decision: String,
    /// JSON object; its hash, not its text, is chained.
    pub body: String,
    /// SHA-256 of the body.
    pub body_hash: Vec<u8>,
    /// This row's hash.
    pub hash: Vec<u8>,
    /// The hash of the row before as it stands now; empty when that row is missing.
    pub previous: Vec<u8>,
}

impl Row {
    /// What `hash` must be after `previous`: H(previous, sequence, metadata, H(body)), every field length-prefixed.
    #[must_use]
    pub fn expected_hash(&self, previous: &[u8]) -> Vec<u8> {
        chain_hash(previous, self.sequence, self.at, [&self.kind, &self.request_id, &self.decision], &self.body_hash)
            .to_vec()
    }

    /// Whether the body is the one that was chained.
    #[must_use]
    pub fn body_matches(&self) -> bool {
        digest(&SHA256, self.body.as_bytes()).as_ref() == self.body_hash
    }
}

/// H(previous, sequence, metadata, H(body)), every field of the metadata length-prefixed.
fn chain_hash(previous: &[u8], sequence: u64, at: i64, metadata: [&str; 3], body_hash: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"tenantry row v1");
    context.update(previous);
    context.update(&sequence.to_be_bytes());
    context.update(&at.to_be_bytes());
    for field in metadata {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field.as_bytes());
    }
    context.update(body_hash);
    // INVARIANT: SHA-256 gives 32 bytes.
    context.finish().as_ref().try_into().unwrap_or(GENESIS)
}

/// The end of a chain after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Whose chain.
    pub scope: Uid,
    /// The last row's sequence.
    pub sequence: u64,
    /// The last row's hash.
    pub hash: [u8; 32],
}

/// A file among the journals that is left as it is, since it is none of ours or somebody has changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its name.
    pub file: String,
    /// Whose chain it claims to be of; the platform's where that cannot be told.
    pub scope: Uid,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Called after each commit with the chains it moved.
pub type OnCommit = Box<dyn Fn(&[Committed]) + Send + Sync>;

/// Audit rows, in chains by scope.
pub trait Ledger: Send + Sync {
    /// Puts `entry` where a killed process cannot lose it. Does not wait.
    fn append(&self, scope: &Scope, entry: &Entry<'_>) -> Result<()>;

    /// Commits `entry`, synced, together with the `answer` to its request where that is to be given again, and waits for it.
    /// All who wait at one moment share one sync. Where the request was answered before, by any process, nothing is written and
    /// the answer of then is given; of an error nothing is written either.
    fn commit(&self, scope: &Scope, entry: &Entry<'_>, answer: Option<Answer>)
    -> BoxFuture<'_, Result<Option<String>>>;

    /// Waits until everything appended so far (by any process that is gone, too) is committed and synced.
    fn settle(&self) -> BoxFuture<'_, Result<()>>;

    /// Committed rows of `scope`, oldest first unless `from` says otherwise: as many as `limit`, or fewer where those are 8 MiB already, but one at least.
    fn rows(&self, scope: &Scope, from: RowsFrom, limit: usize) -> BoxFuture<'_, Result<Vec<Row>>>;

    /// The end of the committed chain of `scope`.
    fn tip(&self, scope: &Scope) -> BoxFuture<'_, Result<Committed>>;

    /// The answer kept under `id`, if it is still good at `now` (microseconds since 1970).
    fn answer(&self, id: &str, now: i64) -> BoxFuture<'_, Result<Option<String>>>;

    /// Writes down what was spent in `scope`, once within [`SPEND_ONCE`]; of two that differ the larger stays.
    fn spend(&self, scope: &Scope, spend: &Spend) -> BoxFuture<'_, Result<Kept>>;

    /// Files that are set aside, as the last [`Ledger::settle`] found them.
    fn set_aside(&self) -> Vec<SetAside>;

    /// Sets what is told of commits. Once, at start.
    fn on_commit(&self, tell: OnCommit);

    /// Gives up the journal. What was appended since the last [`Ledger::settle`] stays in it for whoever adopts it.
    fn close(&self);
}
