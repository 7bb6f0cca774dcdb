//! Proof: what was decided, in a chain per scope, with signed heads. Owns records, heads and verification; touches ground
//! and `store`.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::{Map, Value};

pub use crate::store::HEAD;
use crate::{
    api::{AuditClass, AuditHead, AuditOrder, AuditRange, AuditRecord, Since, VerifyReport},
    clock::{Clock, rfc3339},
    error::{Error, Result},
    keyring::Keyring,
    scope::{Layer, Scope, Uid},
    store::{
        Answer, Catalog, Committed, DocumentKind, Entry, HeadChange, Kept, Ledger, Row, RowsFrom, SetAside, Spend,
    },
};

/// One call in this many is kept by the class `sampled`.
const SAMPLE: u32 = 10;
/// Most rows one query returns.
pub const MAX_ROWS: usize = 10_000;
/// A chain gets a new signed head at the latest after this many rows; the housekeeper signs every second besides.
const ROWS_PER_HEAD: u64 = 1_000;
/// How many heads one transaction writes: they share its sync, and nobody who loads a tenant waits long for it.
const HEADS_AT_ONCE: usize = 32;

/// The audit trails of all scopes.
pub struct Audit {
    ledger: Arc<dyn Ledger>,
    catalog: Arc<dyn Catalog>,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Scopes this process has written for; heads are signed per scope.
    known: Mutex<HashMap<Uid, Scope>>,
    /// Chains that grew since their last head.
    grown: Mutex<HashMap<Uid, Committed>>,
    /// The sequence of the newest head of each chain signed here.
    signed: Mutex<HashMap<Uid, u64>>,
}

impl Audit {
    /// A room over a ledger; heads go to the catalog, so that a cut ledger is noticed.
    pub fn new(ledger: Arc<dyn Ledger>, catalog: Arc<dyn Catalog>, keyring: Keyring, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        ledger.on_commit(Box::new(move |moved| {
            let mut grown = told.grown.lock();
            for committed in moved {
                grown.insert(committed.scope, committed.clone());
            }
        }));
        Self { ledger, catalog, keyring, clock, shared }
    }

    /// Writes one row as strongly as `class` says. Waits only for `required`.
    pub async fn record(&self, scope: &Scope, class: AuditClass, entry: &Entry<'_>) -> Result<()> {
        // What was spent is not a sample of anything.
        let is_sample = class == AuditClass::Sampled && entry.spend.is_none();
        if is_sample && !crc32fast::hash(entry.request_id.as_bytes()).is_multiple_of(SAMPLE) {
            return Ok(());
        }
        match class {
            AuditClass::Required => self.commit(scope, entry, None).await.map(drop),
            AuditClass::Standard | AuditClass::Sampled => {
                self.know(scope);
                self.ledger.append(scope, entry)
            }
        }
    }

    /// What was answered to the request of this id before, sealed.
    pub async fn answer(&self, id: &str) -> Result<Option<String>> {
        self.ledger.answer(id, self.clock.now().wall_micros).await
    }

    /// Commits one row, as strongly as any class asks, together with what its request is answered from now on, if it is to be
    /// answered so again; or gives, where it was answered before, by any process, the answer of then, and writes nothing.
    pub async fn commit(&self, scope: &Scope, entry: &Entry<'_>, answer: Option<Answer>) -> Result<Option<String>> {
        self.know(scope);
        self.ledger.commit(scope, entry, answer).await
    }

    /// Writes down what was spent; false when that was done before.
    pub async fn spend(&self, scope: &Scope, spend: &Spend) -> Result<Kept> {
        self.ledger.spend(scope, spend).await
    }

    fn know(&self, scope: &Scope) {
        self.shared.known.lock().entry(scope.uid()).or_insert_with(|| scope.clone());
    }

    /// Rows of `scope`. A page ends after `limit` rows or 8 MiB, whichever is first.
    pub async fn query(&self, scope: &Scope, range: AuditRange, limit: usize) -> Result<Vec<AuditRecord>> {
        if limit == 0 || limit > MAX_ROWS {
            return Err(Error::invalid("audit_limit_invalid", format!("limit is 1 to {MAX_ROWS}")));
        }
        let (after, at) = match range.since {
            Since::Start => (0, None),
            Since::Sequence(sequence) => (sequence, None),
            Since::Time(at) => (0, Some(at)),
            Since::Ago(back) => {
                let back = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
                (0, Some(self.clock.now().wall_micros.saturating_sub(back)))
            }
        };
        let from = RowsFrom::Within { after, at, before: range.before, newest: range.order == AuditOrder::Newest };
        self.ledger.settle().await?;
        let rows = self.ledger.rows(scope, from, limit).await?;
        Ok(rows.iter().map(record).collect())
    }

    /// A freshly signed head of everything written so far.
    pub async fn head(&self, scope: &Scope) -> Result<AuditHead> {
        self.know(scope);
        self.ledger.settle().await?;
        let tip = self.ledger.tip(scope).await?;
        self.sign(scope, &tip).await
    }

    /// Recomputes the chain of `scope` and compares it with its signed head and, if given, an outside anchor.
    pub async fn verify(&self, scope: &Scope, anchor: Option<&AuditHead>) -> Result<VerifyReport> {
        if anchor.is_some_and(|anchor| anchor.scope != scope.uid().to_hex()) {
            return Err(Error::invalid("anchor_foreign", "the anchor belongs to another scope"));
        }
        self.ledger.settle().await?;
        let stored = self.stored_head(scope).await?;
        let mut report =
            VerifyReport { head_sequence: stored.as_ref().map_or(0, |head| head.sequence), ..VerifyReport::default() };
        let aside = self.ledger.set_aside().into_iter().filter(|one| one.scope == scope.uid());
        report.problems.extend(aside.map(|one| told(&one)));
        if stored.is_none() {
            report.problems.push("the signed head is missing from the catalog".into());
        }
        let mut previous = vec![0; 32];
        let mut expected = 1;
        let mut heads: Vec<(&str, &AuditHead)> = stored.iter().map(|head| ("signed head", head)).collect();
        heads.extend(anchor.map(|anchor| ("outside anchor", anchor)));
        let mut seen: Vec<bool> = heads.iter().map(|(_, head)| head.sequence == 0).collect();
        loop {
            let rows = self.ledger.rows(scope, RowsFrom::After(expected - 1), MAX_ROWS).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                report.rows += 1;
                check_row(&row, expected, &previous, &mut report.problems);
                expected = row.sequence + 1;
                for ((_, head), seen) in heads.iter().zip(&mut seen) {
                    if head.sequence == row.sequence {
                        *seen = data_encoding::HEXLOWER.encode(&row.hash) == head.hash;
                    }
                }
                previous = row.hash;
                if report.problems.len() >= 100 {
                    report.problems.push("more problems follow".into());
                    return Ok(report);
                }
            }
        }
        for ((name, head), seen) in heads.iter().zip(seen) {
            if !self.keyring.signer(scope)?.check(&statement(head), &head.signature) {
                report.problems.push(format!("the {name} carries a signature that is not ours"));
            } else if !seen && head.sequence >= expected {
                let last = expected - 1;
                report.problems.push(format!(
                    "the ledger ends at row {last} but the {name} covers row {}: the tail is missing",
                    head.sequence
                ));
            } else if !seen {
                report.problems.push(format!("row {} is not the one the {name} covers", head.sequence));
            }
        }
        report.ok = report.problems.is_empty();
        Ok(report)
    }

    /// What is set aside among the journals, whosever it is.
    pub async fn set_aside(&self) -> Result<Vec<String>> {
        self.ledger.settle().await?;
        Ok(self.ledger.set_aside().iter().map(told).collect())
    }

    /// Signs heads of chains that grew. `all` at close and every second; else only chains that are due by length. One that cannot
    /// be signed keeps no other from its head.
    pub async fn sign_heads(&self, all: bool) -> Result<()> {
        let mut result = Ok(());
        let due: Vec<Committed> = {
            let signed = self.shared.signed.lock();
            let lag = |tip: &Committed| tip.sequence.saturating_sub(signed.get(&tip.scope).copied().unwrap_or(0));
            let grown = self.shared.grown.lock();
            grown.values().filter(|tip| all || lag(tip) >= ROWS_PER_HEAD).cloned().collect()
        };
        for tips in due.chunks(HEADS_AT_ONCE) {
            let mut next = Vec::with_capacity(tips.len());
            for tip in tips {
                let scope = self.shared.known.lock().get(&tip.scope).cloned();
                // A chain adopted from a dead process gets its head when its scope is next met here.
                let Some(scope) = scope else { continue };
                match self.next_head(&scope, tip).await {
                    Ok((_, change)) => next.push((tip, change)),
                    Err(error) => result = Err(error),
                }
            }
            let changes: Vec<HeadChange> = next.iter().filter_map(|(_, change)| change.clone()).collect();
            let together = if changes.is_empty() { Ok(()) } else { self.catalog.replace_heads(changes).await };
            for (tip, change) in next {
                let written = match (&together, change) {
                    (Ok(()), _) | (Err(_), None) => Ok(()),
                    // One of them stood in the way of all.
                    (Err(_), Some(change)) => self.catalog.replace_heads(vec![change]).await,
                };
                if let Err(error) = written {
                    result = Err(error);
                    continue;
                }
                self.shared.signed.lock().insert(tip.scope, tip.sequence);
                let mut grown = self.shared.grown.lock();
                if grown.get(&tip.scope).is_some_and(|newest| newest.sequence == tip.sequence) {
                    grown.remove(&tip.scope);
                }
            }
        }
        result
    }

    /// Commits and signs everything.
    pub async fn settle(&self) -> Result<()> {
        self.ledger.settle().await?;
        self.sign_heads(true).await
    }

    /// Settles, then gives up the journal.
    pub async fn close(&self) -> Result<()> {
        let settled = self.settle().await;
        self.ledger.close();
        settled
    }

    async fn stored_head(&self, scope: &Scope) -> Result<Option<AuditHead>> {
        self.stored_body(scope).await?.as_deref().map(parsed).transpose()
    }

    async fn stored_body(&self, scope: &Scope) -> Result<Option<String>> {
        let documents = self.catalog.documents(scope, DocumentKind::Head).await?;
        Ok(documents.into_iter().find(|document| document.name == HEAD).map(|document| document.body))
    }

    /// Whether a head at `sequence` may replace `stored`: never backwards, and never over a chain that no longer holds
    /// the row the stored head covers, or a cut would be signed away by the rows written after it.
    async fn follows(&self, scope: &Scope, stored: Option<&AuditHead>, sequence: u64) -> Result<bool> {
        // Every project and account has a head from birth; where it is gone, nothing is signed over what may be a cut.
        let Some(stored) = stored else { return Ok(scope.layer() == Layer::Platform) };
        if stored.sequence >= sequence {
            return Ok(false);
        }
        let Some(before) = stored.sequence.checked_sub(1) else { return Ok(true) };
        let row = self.ledger.rows(scope, RowsFrom::After(before), 1).await?;
        Ok(row.first().is_some_and(|row| {
            row.sequence == stored.sequence && data_encoding::HEXLOWER.encode(&row.hash) == stored.hash
        }))
    }

    async fn sign(&self, scope: &Scope, tip: &Committed) -> Result<AuditHead> {
        let (head, change) = self.next_head(scope, tip).await?;
        self.catalog.replace_heads(change.into_iter().collect()).await?;
        Ok(head)
    }

    /// The head of a tip, and how it is to be kept, if it may take the place of the one that is.
    async fn next_head(&self, scope: &Scope, tip: &Committed) -> Result<(AuditHead, Option<HeadChange>)> {
        let head = signed(&self.keyring, scope, tip, self.clock.now().wall_micros)?;
        let before = self.stored_body(scope).await?;
        let stored = before.as_deref().map(parsed).transpose()?;
        if !self.follows(scope, stored.as_ref(), head.sequence).await? {
            return Ok((head, None));
        }
        let body = serde_json::to_string(&head).map_err(|_| Error::internal("a head could not be written"))?;
        Ok((head, Some(HeadChange { scope: scope.clone(), before, body })))
    }
}

fn parsed(body: &str) -> Result<AuditHead> {
    serde_json::from_str(body)
        .map_err(|error| Error::data("store_corrupt", "a stored audit head cannot be read").with_source(error))
}

fn told(aside: &SetAside) -> String {
    format!("`journal/{}` {}; it is left as it is until somebody removes it", aside.file, aside.problem)
}

/// The head of a chain without rows, for a scope that is being made.
pub fn genesis(keyring: &Keyring, scope: &Scope, at: i64) -> Result<AuditHead> {
    signed(keyring, scope, &Committed { scope: scope.uid(), sequence: 0, hash: [0; 32] }, at)
}

fn signed(keyring: &Keyring, scope: &Scope, tip: &Committed, at: i64) -> Result<AuditHead> {
    let mut head = AuditHead {
        scope: scope.uid().to_hex(),
        sequence: tip.sequence,
        hash: data_encoding::HEXLOWER.encode(&tip.hash),
        at,
        key_id: keyring.id().to_owned(),
        signature: String::new(),
    };
    head.signature = keyring.signer(scope)?.sign(&statement(&head));
    Ok(head)
}

/// The exact bytes a head's signature covers.
fn statement(head: &AuditHead) -> Vec<u8> {
    format!("tenantry head v1\n{}\n{}\n{}\n{}\n{}", head.scope, head.sequence, head.hash, head.at, head.key_id)
        .into_bytes()
}

fn check_row(row: &Row, expected: u64, previous: &[u8], problems: &mut Vec<String>) {
    if !row.body_matches() {
        problems.push(format!("the body of row {} was changed", row.sequence));
    }
    if row.sequence != expected {
        problems.push(format!("row {expected} is missing; row {} follows", row.sequence));
    } else if row.hash != row.expected_hash(previous) {
        problems.push(format!("row {} does not follow from the row before", row.sequence));
    }
}

fn record(row: &Row) -> AuditRecord {
    AuditRecord {
        sequence: row.sequence,
        at: rfc3339(row.at),
        kind: row.kind.clone(),
        request_id: row.request_id.clone(),
        decision: (!row.decision.is_empty()).then(|| row.decision.clone()),
        body: match serde_json::from_str(&row.body) {
            Ok(Value::Object(body)) => body,
            _ => Map::new(),
        },
        hash: data_encoding::HEXLOWER.encode(&row.hash),
        previous: data_encoding::HEXLOWER.encode(&row.previous),
    }
}
