use proptest::prelude::*;

use super::*;
use crate::{
    error::{Error, ErrorKind},
    runtime::block_on,
};

type Cache = FairCache<u8, u32, u32>;

fn own(bytes: u64) -> Weight {
    Weight { own: bytes, shared: None }
}

/// What everything a cache holds weighs, counted from nothing.
fn counted(cache: &Cache) -> (u64, HashMap<u8, u64>) {
    let mut of_accounts: HashMap<u8, u64> = HashMap::new();
    let (mut total, mut all, mut of) = (0, HashMap::new(), HashMap::new());
    for shard in &cache.shards {
        for entry in shard.read().values() {
            let weight = entry.weight.lock().unwrap();
            total += weight.own;
            *of_accounts.entry(entry.account).or_default() += weight.own;
            if let Some((name, bytes)) = weight.shared {
                total += if all.insert(name, bytes).is_none() { bytes } else { 0 };
                *of_accounts.entry(entry.account).or_default() +=
                    if of.insert((entry.account, name), bytes).is_none() { bytes } else { 0 };
            }
        }
    }
    (total, of_accounts)
}

/// The books agree with what is there.
fn check(cache: &Cache) {
    let (total, of_accounts) = counted(cache);
    let order = cache.order.lock();
    assert_eq!(order.total, total);
    assert!(total <= cache.capacity);
    let booked: HashMap<u8, u64> = order.shares.iter().map(|(account, share)| (*account, share.weight)).collect();
    assert_eq!(booked, of_accounts);
    assert_eq!(order.ranks.len(), order.shares.len());
    let entries: usize = order.shares.values().map(|share| share.entries.len()).sum();
    assert_eq!(entries, cache.shards.iter().map(|shard| shard.read().len()).sum::<usize>());
    assert!(order.sharing.values().chain(order.sharing_of.values()).all(|count| *count > 0));
}

#[derive(Clone, Debug)]
enum Step {
    Put(u32, u64, Option<u64>),
    Reweigh(u32, u64, Option<u64>),
    Get(u32),
    Remove(u32),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let weight = (1_u64..400, prop::option::of(0_u64..6));
    prop_oneof![
        8 => (0_u32..60, weight.clone()).prop_map(|(k, (w, s))| Step::Put(k, w, s)),
        2 => (0_u32..60, weight).prop_map(|(k, (w, s))| Step::Reweigh(k, w, s)),
        4 => (0_u32..60).prop_map(Step::Get),
        1 => (0_u32..60).prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ]
}

fn weighs(own: u64, shared: Option<u64>) -> Weight {
    // What is shared weighs the same wherever it is.
    Weight { own, shared: shared.map(|name| (name, 100 * (name + 1))) }
}

proptest! {
    #[test]
    fn the_books_are_right_whatever_comes(steps in prop::collection::vec(step(), 1..200), capacity in 0_u64..3_000) {
        let cache = Cache::new(capacity);
        for step in steps {
            match step {
                // A key is one account's.
                Step::Put(key, bytes, shared) => {
                    let account = (key % 5) as u8;
                    cache.put(account, key, key, weighs(bytes, shared));
                }
                Step::Reweigh(key, bytes, shared) => drop(cache.reweigh(&key, weighs(bytes, shared))),
                Step::Get(key) => assert!(cache.get(&key).is_none_or(|value| value == key)),
                Step::Remove(key) => {
                    cache.remove(&key);
                    assert_eq!(cache.get(&key), None);
                }
                Step::Clear => cache.clear(),
            }
            check(&cache);
        }
    }

    #[test]
    fn who_holds_less_than_half_of_what_another_does_loses_nothing(
        puts in prop::collection::vec((0_u8..6, 1_u64..200), 1..300), capacity in 200_u64..3_000,
    ) {
        let cache = Cache::new(capacity);
        for (key, (account, bytes)) in (0_u32..).zip(puts) {
            let (_, mut held) = counted(&cache);
            *held.entry(account).or_default() += bytes;
            let value = u32::from(account) * 1_000 + u32::try_from(bytes).unwrap();
            for gone in cache.put(account, key, value, own(bytes)) {
                let (loser, bytes) = (u8::try_from(gone / 1_000).unwrap(), u64::from(gone % 1_000));
                let largest = held.values().copied().max().unwrap();
                prop_assert!(held[&loser] * 2 > largest, "{loser} lost of {held:?}");
                *held.get_mut(&loser).unwrap() -= bytes;
            }
        }
    }
}

#[test]
fn a_flood_of_one_account_pushes_out_its_own_alone() {
    for (flood, bytes) in [(10_000, 10), (1_000, 500), (50, 9_000), (3, 1_000_000)] {
        let cache = Cache::new(10_000);
        for quiet in 1..=4 {
            cache.put(quiet, quiet.into(), 0, own(1_000));
        }
        for number in 0..flood {
            cache.put(0, 100 + number, 0, own(bytes));
            check(&cache);
        }
        for quiet in 1..=4_u32 {
            assert!(cache.touch(&quiet), "{flood} times {bytes}");
        }
    }
}

#[test]
fn among_equals_what_was_used_stays() {
    let cache: FairCache<u32, u32, u32> = FairCache::new(1_000);
    for number in 0..10 {
        cache.put(number, number, 0, own(100));
    }
    for round in 0..200 {
        for kept in 0..5 {
            assert!(cache.touch(&kept), "round {round}");
        }
        cache.put(1_000 + round, 1_000 + round, 0, own(100));
    }
}

#[test]
fn what_is_shared_counts_once_in_all_and_once_for_each_account() {
    let cache = Cache::new(1_000_000);
    let weight = Weight { own: 10, shared: Some((7, 5_000)) };
    for key in 0..100 {
        cache.put((key % 4) as u8, key, 0, weight);
    }
    assert_eq!(cache.weight(), 6_000);
    assert_eq!(cache.order.lock().shares[&0].weight, 5_250);
    (0..99).for_each(|key| cache.remove(&key));
    assert_eq!(cache.weight(), 5_010);
    cache.remove(&99);
    assert_eq!(cache.weight(), 0);
}

#[test]
fn many_threads_leave_the_books_right() {
    let cache = Cache::new(5_000);
    std::thread::scope(|threads| {
        for thread in 0..4_u32 {
            let cache = &cache;
            threads.spawn(move || {
                for number in 0..3_000_u32 {
                    let key = (number * 7 + thread * 13) % 90;
                    match number % 5 {
                        0 => drop(cache.get(&key)),
                        1 => cache.remove(&key),
                        2 => drop(cache.reweigh(&key, weighs(u64::from(number % 300), None))),
                        _ => drop(cache.put((key % 5) as u8, key, key, weighs(100, Some(u64::from(key % 3))))),
                    }
                }
            });
        }
    });
    check(&cache);
}

#[test]
fn of_several_one_works_and_all_get_what_came_of_it() {
    for fails in [false, true] {
        let flights: Flights<u8, u32> = Flights::default();
        let (begun, go) = (std::sync::Barrier::new(9), tokio::sync::Semaphore::new(0));
        let worked = std::sync::atomic::AtomicU32::new(0);
        let landed: Vec<Landed<u32>> = std::thread::scope(|threads| {
            let asking: Vec<_> = (0..8)
                .map(|_| {
                    threads.spawn(|| {
                        let work = async {
                            worked.fetch_add(1, Ordering::SeqCst);
                            drop(go.acquire().await);
                            if fails { Err(Error::internal("no")) } else { Ok(7) }
                        };
                        let mut asked = Box::pin(flights.join(&1, work));
                        // Each is in line before any of it is done.
                        let first =
                            std::future::poll_fn(|context| std::task::Poll::Ready(asked.as_mut().poll(context)));
                        assert!(block_on(async { Ok(first.await.is_pending()) }).unwrap());
                        begun.wait();
                        block_on(async { Ok(asked.await) }).unwrap()
                    })
                })
                .collect();
            begun.wait();
            go.add_permits(1);
            asking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(worked.into_inner(), 1);
        assert_eq!(landed.iter().filter(|one| one.own).count(), 1);
        for one in landed {
            match one.result {
                Ok(value) => assert!(!fails && value == 7),
                Err(error) => assert!(fails && error.kind() == ErrorKind::Internal),
            }
        }
        assert!(flights.0.lock().is_empty());
    }
}

#[test]
fn work_that_is_given_up_goes_to_the_next_who_waits() {
    let flights: Flights<u8, u32> = Flights::default();
    let never = std::future::pending::<Result<u32>>();
    let mut first = Box::pin(flights.join(&1, never));
    let mut second = Box::pin(flights.join(&1, async { Ok(2) }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    let landed = block_on(async { Ok(second.await) }).unwrap();
    assert!(landed.own && landed.result.unwrap() == 2);
    assert!(flights.0.lock().is_empty());
    // And nothing stays of one that everybody gave up.
    let mut alone = Box::pin(flights.join(&1, std::future::pending::<Result<u32>>()));
    assert!(alone.as_mut().poll(&mut context).is_pending());
    drop(alone);
    assert!(flights.0.lock().is_empty());
}
