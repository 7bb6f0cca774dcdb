use std::{sync::Arc, time::Duration};

use proptest::prelude::*;

use super::{
    memory::{SHARD_CELLS, SHARDS},
    *,
};
use crate::{
    clock::{Clock as _, ManualClock},
    runtime::block_on,
    scope::{Id, KeyKind},
};

fn scope(seed: u8) -> Scope {
    Scope::mint_account(Id::parse("test", "a").unwrap(), Uid::from_bytes([seed; 16]))
}

fn cell(scope: &Scope, name: &str, rate: u64, ticks: u64) -> Cell {
    let per_nanos = ticks.saturating_mul(TICK);
    let key = Key::new(scope, KeyKind::Rate, &[name.as_bytes()]);
    Cell { key, scope: scope.clone(), account: scope.account_uid(), rate, per_nanos, cost: 1 }
}

/// A store on a clock that stands where a test says; one tick is a microsecond, which both clocks can tell.
struct Bench {
    clock: ManualClock,
    store: Box<dyn Counters>,
}

impl Bench {
    fn take(&self, cells: &[Cell], now: u64, commit: bool) -> Result<Taken> {
        let here = self.clock.now().steady_nanos / TICK;
        if now >= here {
            self.clock.advance(Duration::from_nanos((now - here) * TICK));
        } else {
            self.clock.step_back(Duration::from_nanos((here - now) * TICK));
        }
        block_on(self.store.take(cells, commit))
    }

    fn granted(&self, cells: &[Cell], now: u64) -> bool {
        matches!(self.take(cells, now, true).unwrap(), Taken::Granted(_))
    }
}

const TICK: u64 = 1_000;

fn memory() -> Bench {
    let clock = ManualClock::at(0);
    Bench { store: Box::new(MemoryCounters::new(Arc::new(clock.clone()))), clock }
}

fn stores() -> [(&'static str, Bench); 2] {
    let clock = ManualClock::at(0);
    let sqlite = SqliteCounters::open(None, Arc::new(clock.clone())).unwrap();
    [("memory", memory()), ("sqlite", Bench { store: Box::new(sqlite), clock })]
}

/// The textbook form, in exact rationals over elapsed (never negative) time.
struct Model {
    debt: u128,
    last: u64,
}

impl Model {
    fn take(&mut self, rate: u64, per: u64, now: u64) -> bool {
        self.debt = self.debt.saturating_sub(u128::from(now.saturating_sub(self.last)) * u128::from(rate));
        self.last = now;
        let fits = self.debt + u128::from(per) <= u128::from(per) * u128::from(rate);
        if fits {
            self.debt += u128::from(per);
        }
        fits
    }
}

proptest! {
    #[test]
    fn every_store_agrees_with_the_model_also_when_time_steps_back(
        rate in 1_u64..20, per in 1_u64..1_000, moves in prop::collection::vec(-500_i64..500, 1..120),
    ) {
        for (name, store) in stores() {
            let scope = scope(1);
            let mut now = 10_000_u64;
            let mut model = Model { debt: 0, last: now };
            for step in &moves {
                now = now.saturating_add_signed(*step);
                let expected = model.take(rate, per, now);
                prop_assert_eq!(store.granted(&[cell(&scope, "x", rate, per)], now), expected, "{}", name);
            }
        }
    }

    #[test]
    fn never_more_than_rate_per_period_beyond_one_burst(
        rate in 1_u64..10, per in 10_u64..1_000, gaps in prop::collection::vec(0_u64..200, 1..200),
    ) {
        let store = memory();
        let (scope, mut now, mut count) = (scope(1), 0_u64, 0_u64);
        for gap in &gaps {
            now += gap;
            count += u64::from(store.granted(&[cell(&scope, "x", rate, per)], now));
        }
        prop_assert!(u128::from(count) <= u128::from(rate) + u128::from(now) * u128::from(rate) / u128::from(per));
    }
}

#[test]
fn retry_after_is_exact() {
    for (name, store) in stores() {
        let cells = [cell(&scope(1), "x", 3, 1_000)];
        while store.granted(&cells, 5) {}
        let Taken::Refused { retry_nanos, .. } = store.take(&cells, 5, false).unwrap() else { panic!() };
        assert!(!store.granted(&cells, 5 + retry_nanos.div_ceil(TICK) - 1), "{name}");
        assert!(store.granted(&cells, 5 + retry_nanos.div_ceil(TICK)), "{name}");
    }
}

#[test]
fn a_charge_over_several_levels_is_all_or_none() {
    for (name, store) in stores() {
        let scope = scope(1);
        let wide = cell(&scope, "account", 100, 1_000_000);
        let narrow = cell(&scope, "project", 1, 1_000_000);
        assert!(store.granted(&[wide.clone(), narrow.clone()], 0));
        for _ in 0..10 {
            assert!(!store.granted(&[wide.clone(), narrow.clone()], 0));
        }
        let Taken::Granted(left) = store.take(&[wide], 0, false).unwrap() else { panic!() };
        assert_eq!(left, [98], "{name}: refused calls took nothing from the wider level");
    }
}

#[test]
fn a_refund_gives_the_place_back() {
    for (name, store) in stores() {
        let cells = [cell(&scope(1), "x", 1, 1_000)];
        assert!(store.granted(&cells, 0));
        assert!(!store.granted(&cells, 0));
        store.store.refund(&cells);
        assert!(store.granted(&cells, 0), "{name}");
    }
}

#[test]
fn a_changed_limit_keeps_what_is_owed() {
    for (name, store) in stores() {
        let scope = scope(1);
        for _ in 0..4 {
            assert!(store.granted(&[cell(&scope, "x", 4, 1_000)], 0));
        }
        // Lowered to 2: four calls are still owed, so nothing fits until three have drained at the new pace.
        assert!(!store.granted(&[cell(&scope, "x", 2, 1_000)], 1_499), "{name}");
        assert!(store.granted(&[cell(&scope, "x", 2, 1_000)], 1_500), "{name}");
    }
}

#[test]
fn the_same_key_text_in_another_scope_is_another_counter() {
    for (name, store) in stores() {
        assert!(store.granted(&[cell(&scope(1), "x", 1, 1_000)], 0));
        assert!(store.granted(&[cell(&scope(2), "x", 1, 1_000)], 0), "{name}");
    }
}

#[test]
fn a_foreign_key_is_refused_even_inside_the_process() {
    for (_, store) in stores() {
        let forged = Cell { scope: scope(2), ..cell(&scope(1), "x", 1, 1_000) };
        assert!(store.take(&[forged], 0, true).is_err());
    }
}

#[test]
fn what_is_no_longer_owed_is_swept_and_what_belongs_to_the_deleted_goes() {
    let clock = ManualClock::at(0);
    let memory = MemoryCounters::new(Arc::new(clock.clone()));
    let shared = SqliteCounters::open(None, Arc::new(clock.clone())).unwrap();
    let kept = |sql: &str| -> i64 {
        shared.0.read_now(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?)).unwrap()
    };
    let on_platform = |account: &Scope, name: &str| {
        let platform = Scope::mint_platform();
        Cell { account: account.uid(), ..cell(&platform, name, 4, 1_000) }
    };
    let (a, b) = (scope(1), scope(2));
    let cells = [cell(&a, "a", 4, 1_000), cell(&b, "b", 1, 1_000_000), on_platform(&a, "x"), on_platform(&b, "y")];
    let stores: [&dyn Counters; 2] = [&memory, &shared];
    let both = |work: &dyn Fn(&dyn Counters)| stores.iter().for_each(|store| work(*store));
    let is = |count: usize| {
        assert_eq!((memory.len(), kept("SELECT count(*) FROM cells")), (count, i64::try_from(count).unwrap()));
        assert_eq!(kept("SELECT coalesce(sum(cells), 0) FROM holders"), i64::try_from(count).unwrap());
    };
    both(&|store| assert!(matches!(block_on(store.take(&cells, true)).unwrap(), Taken::Granted(_))));
    both(&|store| block_on(store.sweep()).unwrap());
    is(4);
    both(&|store| block_on(store.forget(&a)).unwrap());
    is(2);
    // A refund of what is gone makes nothing.
    both(&|store| store.refund(&cells[..1]));
    is(2);
    // One of four calls a period is owed for a quarter of it. A shard is searched ten times a second at most.
    clock.advance(Duration::from_millis(200));
    both(&|store| block_on(store.sweep()).unwrap());
    is(1);
    clock.advance(Duration::from_secs(1));
    both(&|store| block_on(store.sweep()).unwrap());
    is(0);
}

#[test]
fn one_scope_with_countless_keys_neither_grows_without_bound_nor_starves_another() {
    let store = MemoryCounters::new(Arc::new(ManualClock::at(0)));
    let take = |cells: &[Cell]| block_on(store.take(cells, true));
    let greedy = scope(1);
    let refused = (0..300_000_u32).filter(|i| take(&[cell(&greedy, &i.to_string(), 1, 1 << 40)]).is_err()).count();
    assert!(refused > 0);
    assert!(store.len() <= HOLDER_CELLS);
    assert!(matches!(take(&[cell(&scope(2), "fresh", 1, 1_000)]).unwrap(), Taken::Granted(_)));
}

#[test]
fn many_greedy_scopes_together_never_close_the_door_to_a_newcomer() {
    let store = MemoryCounters::new(Arc::new(ManualClock::at(0)));
    let take = |cells: &[Cell]| block_on(store.take(cells, true));
    for seed in 10..22 {
        for i in 0..120_000_u32 {
            drop(take(&[cell(&scope(seed), &i.to_string(), 1, 1 << 40)]));
        }
    }
    assert!(store.len() <= SHARDS * SHARD_CELLS);
    for i in 0..500_u32 {
        assert!(matches!(take(&[cell(&scope(2), &i.to_string(), 1, 1_000)]).unwrap(), Taken::Granted(_)));
    }
}
