//! Queues: who waits for room in a limit, and whose turn it is. Owns who is called next.
//!
//! One line may be many accounts', where the limit lies on the platform. Each account stands in a row of its own, first come
//! first served, and the rows take turns: a row of thousands delays another's first by a single turn.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::scope::{Key, Uid};

/// Most calls of one account that wait at a time, over all lines.
const MAX_WAITING: usize = 10_000;

/// All lines.
#[derive(Default)]
pub struct Queues(Mutex<State>);

#[derive(Default)]
struct State {
    lines: HashMap<Key, Queue>,
    /// How many wait, by account.
    waiting: HashMap<Uid, usize>,
    tickets: u64,
}

/// Accounts in the order of their turns, each with its row: tickets in order of arrival, and the bell of who holds each.
#[derive(Default)]
struct Queue(VecDeque<(Uid, BTreeMap<u64, Arc<Notify>>)>);

impl Queue {
    fn first(&self) -> Option<(&u64, &Arc<Notify>)> {
        self.0.front().and_then(|(_, row)| row.first_key_value())
    }

    fn add(&mut self, account: Uid, ticket: u64, bell: Arc<Notify>) {
        match self.0.iter_mut().find(|(own, _)| *own == account) {
            Some((_, row)) => drop(row.insert(ticket, bell)),
            None => self.0.push_back((account, BTreeMap::from([(ticket, bell)]))),
        }
    }

    /// Whoever was first leaves the next turn to another account.
    fn remove(&mut self, account: Uid, ticket: u64) {
        let was_first = self.first().is_some_and(|(first, _)| *first == ticket);
        if let Some((_, row)) = self.0.iter_mut().find(|(own, _)| *own == account) {
            row.remove(&ticket);
        }
        if was_first {
            self.0.rotate_left(1);
        }
        self.0.retain(|(_, row)| !row.is_empty());
    }
}

/// A place in a line; leaving it lets the next one try.
pub struct Permit<'a> {
    lines: &'a Queues,
    key: Key,
    account: Uid,
    ticket: u64,
    called: Arc<Notify>,
}

impl Queues {
    /// Whether nobody waits here.
    pub fn is_empty(&self, key: &Key) -> bool {
        !self.0.lock().lines.contains_key(key)
    }

    /// A place at the end of the account's row; none when too many of the account wait already.
    pub fn join(&self, key: &Key, account: Uid) -> Option<Permit<'_>> {
        let mut state = self.0.lock();
        let waiting = state.waiting.entry(account).or_default();
        if *waiting >= MAX_WAITING {
            return None;
        }
        *waiting += 1;
        state.tickets += 1;
        let (ticket, called) = (state.tickets, Arc::new(Notify::new()));
        state.lines.entry(key.clone()).or_default().add(account, ticket, Arc::clone(&called));
        Some(Permit { lines: self, key: key.clone(), account, ticket, called })
    }
}

impl Permit<'_> {
    /// Whether it is this one's turn to try.
    pub fn is_first(&self) -> bool {
        let state = self.lines.0.lock();
        state.lines.get(&self.key).and_then(Queue::first).is_some_and(|(ticket, _)| *ticket == self.ticket)
    }

    /// Whether this is a place in the line of `key`.
    pub fn is_at(&self, key: &Key) -> bool {
        self.key == *key
    }

    /// Waits until it may be this one's turn.
    pub async fn called(&self) {
        self.called.notified().await;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.lines.0.lock();
        if let Entry::Occupied(mut waiting) = state.waiting.entry(self.account) {
            *waiting.get_mut() = waiting.get().saturating_sub(1);
            if *waiting.get() == 0 {
                waiting.remove();
            }
        }
        if let Some(line) = state.lines.get_mut(&self.key) {
            line.remove(self.account, self.ticket);
            match line.first() {
                Some((_, next)) => next.notify_one(),
                None => drop(state.lines.remove(&self.key)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scope::{Id, KeyKind, Scope};

    fn key(name: &str) -> Key {
        let scope = Scope::mint_account(Id::parse("test", "a").unwrap(), Uid::from_bytes([1; 16]));
        Key::new(&scope, KeyKind::Rate, &[name.as_bytes()])
    }

    fn account(seed: u8) -> Uid {
        Uid::from_bytes([seed; 16])
    }

    #[test]
    fn one_account_s_crowd_delays_another_by_one_turn() {
        let lines = Queues::default();
        let mut crowd: VecDeque<_> = (0..MAX_WAITING).filter_map(|_| lines.join(&key("x"), account(1))).collect();
        assert!(lines.join(&key("x"), account(1)).is_none(), "its own bound");
        assert!(lines.join(&key("y"), account(1)).is_none(), "over all lines");
        let single = lines.join(&key("x"), account(2)).unwrap();
        assert!(crowd[0].is_first() && !single.is_first());
        drop(crowd.pop_front());
        assert!(single.is_first(), "before the rest of the crowd");
        drop(single);
        assert!(crowd[0].is_first());
        drop(crowd);
        assert!(lines.0.lock().lines.is_empty() && lines.0.lock().waiting.is_empty());
    }

    proptest! {
        /// Whoever joins and leaves, somebody is first, in each account the one that came first, and nobody is counted twice.
        #[test]
        fn somebody_is_always_first(steps in prop::collection::vec((0..3_u8, any::<prop::sample::Index>(), any::<bool>()), 1..200)) {
            let lines = Queues::default();
            let mut held: Vec<Permit<'_>> = Vec::new();
            for (who, which, joins) in steps {
                if joins || held.is_empty() {
                    held.extend(lines.join(&key("x"), account(who)));
                } else {
                    drop(held.remove(which.index(held.len())));
                }
                let first: Vec<&Permit<'_>> = held.iter().filter(|turn| turn.is_first()).collect();
                prop_assert_eq!(first.len(), usize::from(!held.is_empty()));
                if let Some(first) = first.first() {
                    let own = held.iter().filter(|turn| turn.account == first.account);
                    prop_assert_eq!(own.map(|turn| turn.ticket).min(), Some(first.ticket));
                }
                prop_assert_eq!(lines.0.lock().waiting.values().sum::<usize>(), held.len());
            }
        }
    }
}
