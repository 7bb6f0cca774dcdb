//! Caches for all accounts, bounded by weight, in which one account pushes out its own before anybody else's. And work that is
//! done once for all who ask for it at one moment. Owns no meaning; touches only `error`.

use std::{
    borrow::Borrow,
    cmp::Reverse,
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{BuildHasher as _, Hash},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};

use crate::error::Result;

const SHARDS: usize = 32;
/// How many entries that were used since their last turn are passed over, at most, before one goes.
const CHANCES: usize = 16;

type State = foldhash::quality::RandomState;

/// What an entry takes in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// What it takes alone.
    pub own: u64,
    /// The name of what it shares with others, and what that takes. In all it counts once, and once for each account.
    pub shared: Option<(u64, u64)>,
}

struct Entry<A, K, V> {
    account: A,
    key: K,
    value: V,
    used: AtomicBool,
    /// None once it is out. Changed while the order is locked.
    weight: Mutex<Option<Weight>>,
}

type Kept<A, K, V> = Arc<Entry<A, K, V>>;
type Shard<A, K, V> = RwLock<HashMap<K, Kept<A, K, V>, State>>;

/// What one account has in a cache.
struct Share<A, K, V> {
    weight: u64,
    /// Oldest first.
    entries: VecDeque<Kept<A, K, V>>,
    rank: Rank,
}

/// The heaviest come first, those within a factor of two as equals, and of these whoever had its last turn longest ago.
type Rank = (Reverse<u32>, u64);

struct Order<A, K, V> {
    total: u64,
    shares: HashMap<A, Share<A, K, V>, State>,
    ranks: BTreeSet<(Rank, A)>,
    /// How many entries share a thing, in all and of one account.
    sharing: HashMap<u64, usize, State>,
    sharing_of: HashMap<(A, u64), usize, State>,
    turn: u64,
}

/// A cache of accounts `A`. When it is full, the account that holds most loses what it used longest ago: who holds less than half
/// as much as another never loses anything.
pub struct FairCache<A, K, V> {
    shards: Box<[Shard<A, K, V>]>,
    hasher: State,
    order: Mutex<Order<A, K, V>>,
    capacity: u64,
}

impl<A: Clone + Eq + Hash + Ord, K: Clone + Eq + Hash, V: Clone> FairCache<A, K, V> {
    /// An empty cache that holds at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let order = Order {
            total: 0,
            shares: HashMap::default(),
            ranks: BTreeSet::new(),
            sharing: HashMap::default(),
            sharing_of: HashMap::default(),
            turn: 0,
        };
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: State::default(),
            order: Mutex::new(order),
            capacity,
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> Option<&Shard<A, K, V>> {
        self.shards.get(usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or_default() % SHARDS)
    }

    /// What is kept under `key`.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let shard = self.shard(key)?.read();
        let entry = shard.get(key)?;
        mark(entry);
        Some(entry.value.clone())
    }

    /// Whether something is kept under `key`; it counts as used.
    pub fn touch<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.shard(key).is_some_and(|shard| shard.read().get(key).map(mark).is_some())
    }

    /// Keeps `value`, in place of what was under `key`; gives what had to go for it, which may be itself.
    pub fn put(&self, account: A, key: K, value: V, weight: Weight) -> Vec<V> {
        let entry =
            Arc::new(Entry { account, key, value, used: AtomicBool::new(false), weight: Mutex::new(Some(weight)) });
        let mut order = self.order.lock();
        let Some(shard) = self.shard(&entry.key) else { return Vec::new() };
        let before = shard.write().insert(entry.key.clone(), Arc::clone(&entry));
        if let Some(before) = &before {
            order.take_out(before);
        }
        order.add(entry, weight);
        let gone = self.make_room(&mut order);
        drop(order);
        // What may take long to drop goes after the lock.
        drop(before);
        gone.iter().map(|entry| entry.value.clone()).collect()
    }

    /// Notes that what is under `key` weighs something else now; gives what had to go for it.
    pub fn reweigh<Q: Eq + Hash + ?Sized>(&self, key: &Q, weight: Weight) -> Vec<V>
    where
        K: Borrow<Q>,
    {
        let Some(entry) = self.shard(key).and_then(|shard| shard.read().get(key).cloned()) else { return Vec::new() };
        let mut order = self.order.lock();
        let before = match &mut *entry.weight.lock() {
            Some(known) if *known != weight => std::mem::replace(known, weight),
            _ => return Vec::new(),
        };
        // The new one first: what both share is shared throughout.
        order.charge(&entry.account, weight);
        order.discharge(&entry.account, before);
        order.rank(&entry.account, false);
        let gone = self.make_room(&mut order);
        drop(order);
        gone.iter().map(|entry| entry.value.clone()).collect()
    }

    /// Forgets what is under `key`.
    pub fn remove<Q: Eq + Hash + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let mut order = self.order.lock();
        let found = self.shard(key).and_then(|shard| shard.write().remove(key));
        if let Some(entry) = &found {
            order.take_out(entry);
        }
        drop(order);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut order = self.order.lock();
        let emptied: Vec<_> = self.shards.iter().map(|shard| std::mem::take(&mut *shard.write())).collect();
        let shares = std::mem::take(&mut order.shares);
        order.ranks.clear();
        order.sharing.clear();
        order.sharing_of.clear();
        order.total = 0;
        // Whoever is about to weigh one of them anew finds it out.
        shares.values().flat_map(|share| &share.entries).for_each(|entry| *entry.weight.lock() = None);
        drop(order);
        drop((emptied, shares));
    }

    /// How many bytes it holds.
    pub fn weight(&self) -> u64 {
        self.order.lock().total
    }

    fn make_room(&self, order: &mut Order<A, K, V>) -> Vec<Kept<A, K, V>> {
        let mut gone = Vec::new();
        while order.total > self.capacity {
            let Some(entry) = order.evict() else { break };
            if let Some(shard) = self.shard(&entry.key) {
                shard.write().remove(&entry.key);
            }
            gone.push(entry);
        }
        gone
    }
}

fn mark<A, K, V>(entry: &Kept<A, K, V>) {
    // Most are marked already, and a look disturbs no other thread.
    if !entry.used.load(Ordering::Relaxed) {
        entry.used.store(true, Ordering::Relaxed);
    }
}

impl<A: Clone + Eq + Hash + Ord, K, V> Order<A, K, V> {
    fn add(&mut self, entry: Kept<A, K, V>, weight: Weight) {
        let account = entry.account.clone();
        let fresh = || Share { weight: 0, entries: VecDeque::new(), rank: (Reverse(0), 0) };
        self.shares.entry(account.clone()).or_insert_with(fresh).entries.push_back(entry);
        self.charge(&account, weight);
        self.rank(&account, false);
    }

    fn charge(&mut self, account: &A, weight: Weight) {
        let mut of_account = weight.own;
        self.total += weight.own;
        if let Some((name, shared)) = weight.shared {
            let all = self.sharing.entry(name).or_default();
            let own = self.sharing_of.entry((account.clone(), name)).or_default();
            self.total += if *all == 0 { shared } else { 0 };
            of_account += if *own == 0 { shared } else { 0 };
            (*all, *own) = (*all + 1, *own + 1);
        }
        if let Some(share) = self.shares.get_mut(account) {
            share.weight += of_account;
        }
    }

    fn discharge(&mut self, account: &A, weight: Weight) {
        let mut of_account = weight.own;
        self.total = self.total.saturating_sub(weight.own);
        if let Some((name, shared)) = weight.shared {
            if fewer(&mut self.sharing, &name) {
                self.total = self.total.saturating_sub(shared);
            }
            if fewer(&mut self.sharing_of, &(account.clone(), name)) {
                of_account += shared;
            }
        }
        if let Some(share) = self.shares.get_mut(account) {
            share.weight = share.weight.saturating_sub(of_account);
        }
    }

    /// Puts an account where it belongs; at the end of its equals where it `had_turn`.
    fn rank(&mut self, account: &A, had_turn: bool) {
        let Some(share) = self.shares.get_mut(account) else { return };
        let class = Reverse(u64::BITS - share.weight.leading_zeros());
        if share.entries.is_empty() {
            self.ranks.remove(&(share.rank, account.clone()));
            self.shares.remove(account);
        } else if had_turn || share.rank.0 != class || share.rank.1 == 0 {
            self.ranks.remove(&(share.rank, account.clone()));
            self.turn += 1;
            share.rank = (class, self.turn);
            self.ranks.insert((share.rank, account.clone()));
        }
    }

    /// Takes an entry out that was replaced or forgotten.
    fn take_out(&mut self, entry: &Kept<A, K, V>) {
        let Some(weight) = entry.weight.lock().take() else { return };
        if let Some(share) = self.shares.get_mut(&entry.account) {
            share.entries.retain(|one| !Arc::ptr_eq(one, entry));
        }
        self.discharge(&entry.account, weight);
        self.rank(&entry.account, false);
    }

    /// Takes out what goes next.
    fn evict(&mut self) -> Option<Kept<A, K, V>> {
        for chance in 0.. {
            let account = self.ranks.first()?.1.clone();
            let share = self.shares.get_mut(&account)?;
            let entry = share.entries.pop_front()?;
            if chance < CHANCES && entry.used.swap(false, Ordering::Relaxed) {
                share.entries.push_back(entry);
                self.rank(&account, true);
                continue;
            }
            if let Some(weight) = entry.weight.lock().take() {
                self.discharge(&account, weight);
            }
            self.rank(&account, true);
            return Some(entry);
        }
        None
    }
}

/// Counts one less; whether it was the last.
fn fewer<N: Eq + Hash>(counts: &mut HashMap<N, usize, State>, name: &N) -> bool {
    let Some(count) = counts.get_mut(name) else { return false };
    *count -= 1;
    let last = *count == 0;
    if last {
        counts.remove(name);
    }
    last
}

/// Work under way, by what it is for: of several who want the same one does it, and the others wait for what comes of it.
pub struct Flights<K, V>(Mutex<HashMap<K, Flight<V>, State>>);

type Flight<V> = Arc<tokio::sync::Mutex<Option<Result<V>>>>;

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What came of work, and whether it was begun by who asked, or before.
pub struct Landed<V> {
    /// What came of it.
    pub result: Result<V>,
    /// Whether it was begun for this asker.
    pub own: bool,
}

impl<K: Clone + Eq + Hash, V: Clone> Flights<K, V> {
    /// Does `work` for `key`, or waits for who does it. Whoever gives up halfway leaves it to the next who waits.
    pub async fn join(&self, key: &K, work: impl Future<Output = Result<V>>) -> Landed<V> {
        let flight = Arc::clone(self.0.lock().entry(key.clone()).or_default());
        let leave = Leave { flights: self, key, flight: Arc::clone(&flight) };
        let mut slot = flight.lock().await;
        if let Some(result) = &*slot {
            return Landed { result: result.clone(), own: false };
        }
        let result = work.await;
        *slot = Some(result.clone());
        // Whoever comes from now on asks anew.
        leave.end();
        Landed { result, own: true }
    }
}

struct Leave<'a, K: Eq + Hash, V> {
    flights: &'a Flights<K, V>,
    key: &'a K,
    flight: Flight<V>,
}

impl<K: Eq + Hash, V> Leave<'_, K, V> {
    fn end(&self) {
        let mut flights = self.flights.0.lock();
        if flights.get(self.key).is_some_and(|known| Arc::ptr_eq(known, &self.flight)) {
            flights.remove(self.key);
        }
    }
}

impl<K: Eq + Hash, V> Drop for Leave<'_, K, V> {
    /// The last one who leaves takes an unfinished flight with it: the table's, this one's and its caller's are three.
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock();
        let known = flights.get(self.key);
        if known.is_some_and(|known| Arc::ptr_eq(known, &self.flight)) && Arc::strong_count(&self.flight) <= 3 {
            flights.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests;
