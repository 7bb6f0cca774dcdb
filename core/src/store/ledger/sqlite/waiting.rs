//! What somebody waits for: records that are committed together, in turns of the accounts, and told of each alone.

use std::{collections::HashMap, sync::atomic::Ordering};

use rusqlite::Transaction;
use tokio::sync::oneshot;

use super::{Inner, Intake};
use crate::{
    error::{Error, ErrorKind, Result},
    scope::Uid,
    store::ledger::{
        Answer,
        rows::{self, Tips},
    },
};

/// Most records of one account in one commit: who sends more at once waits for the next, and nobody else does.
pub const TURN: usize = 256;

/// A record somebody waits for; one with an answer is written only if its request was not answered before.
pub struct Waiting {
    /// Whose turn it takes.
    pub account: Uid,
    /// Whose chain it goes to.
    pub scope: Uid,
    /// The record.
    pub payload: Vec<u8>,
    /// What its request is answered from then on.
    pub answer: Option<Answer>,
    /// When it was asked, microseconds since 1970.
    pub at: i64,
    /// Who waits.
    pub done: oneshot::Sender<Told>,
}

impl Waiting {
    fn write(&self, transaction: &Transaction<'_>, tips: &mut Tips) -> Told {
        let before = match &self.answer {
            Some(answer) => rows::keep_answer(transaction, answer, self.at)?,
            None => None,
        };
        if before.is_none() {
            rows::append(transaction, tips, &self.payload)?;
        }
        Ok(before)
    }

    /// As [`Waiting::write`], and where that fails everything is as before it. Fails itself only when nothing can be written.
    fn try_write(&self, transaction: &Transaction<'_>, tips: &mut Tips) -> Result<Told> {
        let tip = tips.get(&self.scope).cloned();
        transaction.execute_batch("SAVEPOINT one")?;
        let told = self.write(transaction, tips);
        if told.is_err() {
            transaction.execute_batch("ROLLBACK TO one")?;
            match tip {
                Some(tip) => drop(tips.insert(self.scope, tip)),
                None => drop(tips.remove(&self.scope)),
            }
        }
        transaction.execute_batch("RELEASE one")?;
        Ok(told)
    }
}

/// What came of it: the answer that was there before, if any.
pub type Told = Result<Option<String>>;

/// Tells everybody of one error.
pub fn refused(waiting: &[Waiting], error: &Error) -> Vec<Told> {
    waiting.iter().map(|_| Err(error.clone())).collect()
}

impl Inner {
    /// What waits, as much of each account as one commit takes. The writer comes back for the rest.
    pub(super) fn take_turns(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock();
        if waiting.len() <= TURN || matches!(self.intake, Intake::Memory(_)) {
            return std::mem::take(&mut *waiting);
        }
        let mut turns: HashMap<Uid, usize> = HashMap::new();
        let (now, later) = std::mem::take(&mut *waiting).into_iter().partition(|one: &Waiting| {
            let taken = turns.entry(one.account).or_default();
            *taken += 1;
            *taken <= TURN
        });
        *waiting = later;
        if !waiting.is_empty() {
            self.urgent.store(true, Ordering::Release);
            self.dirty.store(true, Ordering::Release);
            if let Some(writer) = &*self.writer.lock() {
                writer.unpark();
            }
        }
        now
    }

    /// Commits what waited in one transaction. Where that fails for one of them the others are committed without it; where
    /// even that fails, each alone.
    pub(super) fn commit_waiting(&self, waiting: &[Waiting]) -> Vec<Told> {
        if waiting.is_empty() {
            return Vec::new();
        }
        let answers = || waiting.iter().filter(|one| one.answer.is_some());
        let together = self.commit(|transaction, tips| {
            if let Some(newest) = answers().map(|one| one.at).max() {
                rows::forget_answers(transaction, answers().count(), newest)?;
            }
            waiting.iter().map(|one| one.write(transaction, tips)).collect::<Result<Vec<_>>>()
        });
        let apart = match together {
            Ok(told) => return told.into_iter().map(Ok).collect(),
            Err(error) if error.kind() == ErrorKind::Unavailable => return refused(waiting, &error),
            Err(_) => self.commit(|transaction, tips| {
                waiting.iter().map(|one| one.try_write(transaction, tips)).collect::<Result<Vec<_>>>()
            }),
        };
        match apart {
            Ok(told) => told,
            Err(error) if error.kind() == ErrorKind::Unavailable => refused(waiting, &error),
            Err(_) => waiting.iter().map(|one| self.commit(|transaction, tips| one.write(transaction, tips))).collect(),
        }
    }
}
