use super::{super::Beside, *};
use crate::{runtime::block_on, scope::Id};

fn scope(text: &str, seed: u8) -> Scope {
    Scope::mint_account(Id::parse("test", text).unwrap(), Uid::from_bytes([seed; 16]))
}

fn entry<'a>(request_id: &'a str, body: &'a str) -> Entry<'a> {
    Entry { at: 1, kind: "decision", request_id, decision: "allow", body, beside: Beside::default() }
}

fn rows(ledger: &SqliteLedger, scope: &Scope) -> Vec<Row> {
    block_on(ledger.settle()).unwrap();
    block_on(ledger.rows(scope, RowsFrom::After(0), 10_000)).unwrap()
}

fn chained(rows: &[Row]) -> bool {
    let mut previous = GENESIS.to_vec();
    rows.iter().zip(1..).all(|(row, sequence)| {
        let good = row.sequence == sequence && row.body_matches() && row.hash == row.expected_hash(&previous);
        previous = row.hash.clone();
        good
    })
}

macro_rules! ledger_behaviour {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn rows_form_one_whole_chain_per_scope() {
                let (ledger, _keep) = $make();
                let (a, b) = (scope("a", 1), scope("b", 2));
                for i in 0..50 {
                    ledger.append(if i % 3 == 0 { &b } else { &a }, &entry(&i.to_string(), "{}")).unwrap();
                }
                let (in_a, in_b) = (rows(&ledger, &a), rows(&ledger, &b));
                assert_eq!((in_a.len(), in_b.len()), (33, 17));
                assert!(chained(&in_a) && chained(&in_b));
            }

            #[test]
            fn since_and_limit_select() {
                let (ledger, _keep) = $make();
                let a = scope("a", 1);
                for i in 0..5 {
                    ledger.append(&a, &Entry { at: i * 10, ..entry("r", "{}") }).unwrap();
                }
                block_on(ledger.settle()).unwrap();
                let sequences = |since, limit| -> Vec<u64> {
                    block_on(ledger.rows(&a, since, limit)).unwrap().iter().map(|row| row.sequence).collect()
                };
                assert_eq!(sequences(RowsFrom::After(3), 10), [4, 5]);
                assert_eq!(sequences(RowsFrom::At(20), 2), [3, 4]);
            }
        }
    };
}

ledger_behaviour!(memory, || (SqliteLedger::open(None).unwrap(), ()));
ledger_behaviour!(sqlite, || {
    let folder = tempfile::tempdir().unwrap();
    (SqliteLedger::open(Some(folder.path())).unwrap(), folder)
});

#[test]
fn what_a_dead_process_journalled_is_adopted_once_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let dead = SqliteLedger::open(Some(folder.path())).unwrap();
    for i in 0..20 {
        dead.append(&a, &entry(&i.to_string(), "{}")).unwrap();
    }
    // Half may be committed by the writer thread, half not; then the process is gone.
    dead.0.closed.store(true, Ordering::Release);
    let dead = Arc::downgrade(&{ dead.0 });
    while dead.upgrade().is_some() {
        std::thread::yield_now();
    }
    let living = SqliteLedger::open(Some(folder.path())).unwrap();
    for _ in 0..3 {
        let found = rows(&living, &a);
        assert_eq!(found.len(), 20);
        assert!(chained(&found));
    }
}

#[test]
fn a_failed_journal_is_replaced_and_nothing_in_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let ledger = SqliteLedger::open(Some(folder.path())).unwrap();
    let body = format!("{{\"x\":\"{}\"}}", "tnJ1".repeat(1_000));
    // A backlog of several reads, kept back by holding the committer's lock.
    let held = ledger.0.committing.lock();
    for i in 0..2_500 {
        ledger.append(&a, &entry(&i.to_string(), &body)).unwrap();
    }
    let Intake::Folder(files) = &ledger.0.intake else { panic!() };
    let full = Arc::clone(&files.journal.read());
    assert!(full.length().unwrap() > 9 << 20);
    full.fail();
    for i in 2_500..2_600 {
        ledger.append(&a, &entry(&i.to_string(), &body)).unwrap();
    }
    drop(held);
    let found = rows(&ledger, &a);
    assert_eq!(found.len(), 2_600);
    assert!(chained(&found));
    assert!(found.iter().zip(0..).all(|(row, i)| row.request_id == i.to_string()), "in the order they came");
    assert_eq!(std::fs::read_dir(folder.path().join("journal")).unwrap().count(), 1);
}

#[test]
fn several_ledgers_on_one_folder_extend_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let ledgers: Vec<_> = (0..4).map(|_| SqliteLedger::open(Some(folder.path())).unwrap()).collect();
    std::thread::scope(|threads| {
        for ledger in &ledgers {
            threads.spawn(|| {
                for i in 0..200 {
                    ledger.append(&a, &entry(&i.to_string(), "{\"x\":1}")).unwrap();
                    if i % 50 == 0 {
                        block_on(ledger.settle()).unwrap();
                    }
                }
                block_on(ledger.settle()).unwrap();
            });
        }
    });
    let found = rows(&ledgers[0], &a);
    assert_eq!(found.len(), 800);
    assert!(chained(&found));
}

#[test]
fn closing_leaves_no_journal_behind() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let ledger = SqliteLedger::open(Some(folder.path())).unwrap();
    ledger.append(&a, &entry("1", "{}")).unwrap();
    block_on(ledger.close()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("journal")).unwrap().count(), 0);
    let again = SqliteLedger::open(Some(folder.path())).unwrap();
    assert_eq!(rows(&again, &a).len(), 1);
}

#[test]
fn one_flipped_byte_breaks_the_row_it_is_in() {
    let ledger = SqliteLedger::open(None).unwrap();
    let a = scope("a", 1);
    for i in 0..3 {
        ledger.append(&a, &entry(&i.to_string(), "{\"content\":\"abc\"}")).unwrap();
    }
    let mut found = rows(&ledger, &a);
    assert!(chained(&found));
    found[1].body = found[1].body.replace('b', "c");
    assert!(!chained(&found));
}

macro_rules! an_answer_is_known_before_it_is_committed {
    ($name:ident, $make:expr) => {
        #[test]
        fn $name() {
            let (ledger, _keep) = $make;
            let held = ledger.0.committing.lock();
            let answer = Answer { id: "k".into(), until: i64::MAX, body: "sealed".into() };
            let beside = Beside { answer: Some(&answer), spend: None };
            ledger.append(&scope("a", 1), &Entry { beside, ..entry("1", "{}") }).unwrap();
            assert_eq!(block_on(ledger.answer("k", 1)).unwrap().as_deref(), Some("sealed"));
            drop(held);
            block_on(ledger.settle()).unwrap();
            assert!(ledger.0.unsettled.lock().is_empty(), "what is committed is forgotten");
            assert_eq!(block_on(ledger.answer("k", 1)).unwrap().as_deref(), Some("sealed"));
        }
    };
}

an_answer_is_known_before_it_is_committed!(in_memory, (SqliteLedger::open(None).unwrap(), ()));
an_answer_is_known_before_it_is_committed!(in_a_folder, {
    let folder = tempfile::tempdir().unwrap();
    (SqliteLedger::open(Some(folder.path())).unwrap(), folder)
});
