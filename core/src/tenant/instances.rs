//! Which instances there are. Every one that somebody holds is found by its name, so that two of one project never live side by
//! side; those that nobody holds are kept while there is room, and rebuilt when met again.

use std::{
    collections::HashMap,
    hash::BuildHasher as _,
    sync::{Arc, Weak},
};

use parking_lot::RwLock;

use super::{Instance, Snapshot};
use crate::{
    cache::{FairCache, Flights, Landed, Weight},
    clock::BoxFuture,
    error::{ErrorKind, Result},
    quota::ActiveLimit,
    scope::{AccountId, ProjectId, Scope, Uid},
};

const SHARDS: usize = 32;
/// At how many names of one shard those that nobody holds any more are looked for first.
const SWEEP: usize = 256;
/// What the tables, and the pieces that an instance is made of, take besides what is counted below, in bytes.
const TABLES: usize = 1_024;

/// A project by the names of its account and itself.
pub type Name = (AccountId, ProjectId);

type State = foldhash::quality::RandomState;

/// The instances of one engine.
pub struct Instances {
    known: Box<[RwLock<Known>]>,
    hasher: State,
    kept: FairCache<Uid, Uid, Arc<Instance>>,
    loads: Flights<Name, Arc<Instance>>,
}

/// Instances by name, whoever holds them.
struct Known {
    named: HashMap<Name, Weak<Instance>, State>,
    sweep_at: usize,
}

fn name(scope: &Scope) -> Option<Name> {
    Some((scope.account_id()?.clone(), scope.project_id()?.clone()))
}

impl Instances {
    /// None yet; those that nobody holds take `capacity` bytes at most.
    pub fn new(capacity: u64) -> Self {
        let known = || RwLock::new(Known { named: HashMap::default(), sweep_at: SWEEP });
        Self {
            known: (0..SHARDS).map(|_| known()).collect(),
            hasher: State::default(),
            kept: FairCache::new(capacity),
            loads: Flights::default(),
        }
    }

    fn shard(&self, name: &Name) -> Option<&RwLock<Known>> {
        self.known.get(usize::try_from(self.hasher.hash_one(name) >> 32).unwrap_or_default() % SHARDS)
    }

    /// The instance of this name, if there is one.
    pub fn get(&self, name: &Name) -> Option<Arc<Instance>> {
        let found = self.shard(name)?.read().named.get(name).and_then(Weak::upgrade)?;
        if !self.kept.touch(&found.scope.uid()) {
            self.keep(&found);
        }
        Some(found)
    }

    /// The instance of this name, or the one that `load` makes; who asks meanwhile waits for the same.
    pub async fn get_or_load<'a>(
        &self,
        name: &Name,
        load: impl Fn() -> BoxFuture<'a, Result<Arc<Instance>>>,
    ) -> Result<Arc<Instance>> {
        loop {
            if let Some(found) = self.get(name) {
                return Ok(found);
            }
            let work = async {
                // It may have landed between the look and the line.
                match self.get(name) {
                    Some(found) => Ok(found),
                    None => Ok(self.add(name, load().await?)),
                }
            };
            // On the heap: the future is large, and part of everything that asks for a tenant.
            let Landed { result, own } = Box::pin(self.loads.join(name, work)).await;
            match result {
                // It may have been created since somebody else looked.
                Err(error) if !own && error.kind() == ErrorKind::NotFound => {}
                result => return result,
            }
        }
    }

    /// Takes a new instance in; gives the one that is to be used, which is another one where that is here already.
    fn add(&self, name: &Name, fresh: Arc<Instance>) -> Arc<Instance> {
        let Some(shard) = self.shard(name) else { return fresh };
        let mut known = shard.write();
        if known.named.len() >= known.sweep_at {
            known.named.retain(|_, held| held.strong_count() > 0);
            // In proportion to what is held, so that sweeping costs each the same however many there are.
            known.sweep_at = SWEEP.max(known.named.len() * 2);
        }
        let there = known.named.get(name).and_then(Weak::upgrade);
        let used = there.filter(|there| there.scope.uid() == fresh.scope.uid()).unwrap_or(fresh);
        known.named.insert(name.clone(), Arc::downgrade(&used));
        drop(known);
        self.keep(&used);
        used
    }

    fn keep(&self, instance: &Arc<Instance>) {
        let (account, uid) = (instance.scope.account_uid(), instance.scope.uid());
        let weight = weight(instance, &instance.snapshot.load());
        self.let_go(self.kept.put(account, uid, Arc::clone(instance), weight));
    }

    /// Notes that an instance has another snapshot.
    pub fn reweigh(&self, instance: &Instance) {
        let weight = weight(instance, &instance.snapshot.load());
        self.let_go(self.kept.reweigh(&instance.scope.uid(), weight));
    }

    /// Names of what nobody holds now go at once.
    fn let_go(&self, gone: Vec<Arc<Instance>>) {
        for one in gone {
            let Some(name) = name(&one.scope) else { continue };
            drop(one);
            let Some(shard) = self.shard(&name) else { continue };
            let mut known = shard.write();
            if known.named.get(&name).is_some_and(|held| held.strong_count() == 0) {
                known.named.remove(&name);
            }
        }
    }

    /// Forgets the instance of a project that is gone; handles on it are none of this name's any more.
    pub fn forget(&self, scope: &Scope) {
        let (Some(name), uid) = (name(scope), scope.uid()) else { return };
        if let Some(shard) = self.shard(&name) {
            let mut known = shard.write();
            let of_it = known.named.get(&name).and_then(Weak::upgrade).is_none_or(|one| one.scope.uid() == uid);
            if of_it {
                known.named.remove(&name);
            }
        }
        self.kept.remove(&uid);
    }

    #[cfg(test)]
    pub fn names(&self) -> usize {
        self.known.iter().map(|shard| shard.read().named.len()).sum()
    }

    #[cfg(test)]
    pub fn weight(&self) -> u64 {
        self.kept.weight()
    }
}

/// What an instance takes in memory, in bytes: rather more than less.
fn weight(instance: &Instance, snapshot: &Snapshot) -> Weight {
    let facts = &snapshot.facts;
    let texts = [&facts.tier, &facts.plan, &facts.region].into_iter().chain(&facts.labels);
    let texts: usize = texts.map(|text| size_of::<String>() + text.len()).sum();
    let limits: usize = snapshot.limits.iter().map(|limit| 2 * size_of::<ActiveLimit>() + limit.spec.id.len()).sum();
    let names = name(&instance.scope).map_or(0, |(account, project)| account.as_str().len() + project.as_str().len());
    let own = TABLES + size_of::<Instance>() + size_of::<Snapshot>() + names + texts + limits;
    Weight { own: own as u64, shared: Some((snapshot.policies.id(), snapshot.policies.weight())) }
}
