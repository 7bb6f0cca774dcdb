use super::{waiting::TURN, *};
use crate::{runtime::block_on, scope::Id, store::ledger::GENESIS};

fn keyring() -> Keyring {
    Keyring::new(crate::config::RootKey::parse(&"5a".repeat(32)).unwrap())
}

fn scope(text: &str, seed: u8) -> Scope {
    Scope::mint_account(Id::parse("test", text).unwrap(), Uid::from_bytes([seed; 16]))
}

fn entry<'a>(request_id: &'a str, body: &'a str) -> Entry<'a> {
    Entry { at: 1, kind: "decision", request_id, decision: "allow", body, spend: None }
}

fn rows(ledger: &SqliteLedger, scope: &Scope) -> Vec<Row> {
    block_on(ledger.settle()).unwrap();
    // A page ends by its bytes, too.
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = block_on(ledger.rows(scope, RowsFrom::After(after), 10_000)).unwrap();
        let last = page.last().map_or(0, |row| row.sequence);
        all.extend(page);
        if last <= after {
            return all;
        }
        after = last;
    }
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
                assert_eq!(
                    sequences(RowsFrom::Within { after: 0, at: Some(20), before: None, newest: false }, 2),
                    [3, 4]
                );
            }
        }
    };
}

ledger_behaviour!(memory, || (SqliteLedger::open(None).unwrap(), ()));
ledger_behaviour!(sqlite, || {
    let folder = tempfile::tempdir().unwrap();
    (SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap(), folder)
});

#[test]
fn what_a_dead_process_journalled_is_adopted_once_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let dead = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    for i in 0..20 {
        dead.append(&a, &entry(&i.to_string(), "{}")).unwrap();
    }
    // Half may be committed by the writer thread, half not; then the process is gone.
    dead.0.closed.store(true, Ordering::Release);
    let dead = Arc::downgrade(&{ dead.0 });
    while dead.upgrade().is_some() {
        std::thread::yield_now();
    }
    let living = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
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
    let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    let body = format!("{{\"x\":\"{}\"}}", "tnJ1".repeat(1_000));
    // A backlog of several reads, kept back by holding the committer's lock.
    let held = ledger.0.committing.lock();
    for i in 0..2_500 {
        ledger.append(&a, &entry(&i.to_string(), &body)).unwrap();
    }
    let Intake::Folder(files) = &ledger.0.intake else { panic!() };
    let full = Arc::clone(&files.journal.read());
    assert!(full.length() > 9 << 20);
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
    let ledgers: Vec<_> = (0..4).map(|_| SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap()).collect();
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
    let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    ledger.append(&a, &entry("1", "{}")).unwrap();
    block_on(ledger.settle()).unwrap();
    ledger.close();
    assert_eq!(std::fs::read_dir(folder.path().join("journal")).unwrap().count(), 0);
    let again = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
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

fn kept(id: &str, body: &str, until: i64) -> Answer {
    Answer { id: id.into(), until, body: body.into() }
}

#[test]
fn of_several_processes_one_answers_a_request_and_the_others_learn_what() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let ledgers: Vec<_> = (0..3).map(|_| SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap()).collect();
    let told: Vec<Vec<Option<String>>> = std::thread::scope(|threads| {
        let answer = |who: usize, ledger: &SqliteLedger| {
            let answered = |id: usize| {
                let own = kept(&id.to_string(), &format!("of {who}"), i64::MAX);
                block_on(ledger.commit(&a, &entry(&format!("{who}/{id}"), "{}"), Some(own))).unwrap()
            };
            (0..40).map(answered).collect()
        };
        let asking: Vec<_> =
            ledgers.iter().enumerate().map(|(who, ledger)| threads.spawn(move || answer(who, ledger))).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for id in 0..40 {
        let first: Vec<usize> = (0..3).filter(|who| told[*who][id].is_none()).collect();
        let [first] = first[..] else { panic!("{id} was answered by {first:?}") };
        let by_others = told.iter().filter_map(|told| told[id].clone());
        assert!(by_others.into_iter().all(|body| body == format!("of {first}")));
    }
    let found = rows(&ledgers[0], &a);
    assert_eq!(found.len(), 40);
    assert!(chained(&found));
}

#[test]
fn what_gathers_is_committed_together_and_each_is_told_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    let held = ledger.0.committing.lock();
    let begun: Vec<_> = (0..5)
        .map(|n| ledger.commit(&a, &entry(&n.to_string(), "{}"), Some(kept(["k", "l"][n % 2], &n.to_string(), 9))))
        .collect();
    drop(held);
    let told: Vec<_> = begun.into_iter().map(|one| block_on(one).unwrap()).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(told, [None, None, text("0"), text("1"), text("0")]);
    assert_eq!(rows(&ledger, &a).len(), 2);
}

#[test]
fn an_answer_is_given_until_its_time_is_over_and_then_forgotten() {
    let ledger = SqliteLedger::open(None).unwrap();
    let a = scope("a", 1);
    let answered = |id: &str, at: i64| {
        let own = kept(id, &format!("of {at}"), at + 10);
        block_on(ledger.commit(&a, &Entry { at, ..entry("r", "{}") }, Some(own))).unwrap()
    };
    assert_eq!(answered("k", 1), None);
    assert_eq!(answered("k", 10).as_deref(), Some("of 1"));
    assert_eq!(answered("k", 11), None, "its time is over");
    assert_eq!(answered("k", 12).as_deref(), Some("of 11"));
    for at in 100..200 {
        answered(&at.to_string(), at);
    }
    let count = |table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        ledger.0.database.read_now(|open| Ok(open.query_row(&count, [], |row| row.get::<_, i64>(0))?)).unwrap()
    };
    assert_eq!((count("answers"), count("rows")), (10, 102), "what one lifetime brings");
    // Of a clock that was wrong once, and right again.
    answered("far ahead", 1 << 40);
    for at in 200..300 {
        answered(&at.to_string(), at);
    }
    assert_eq!(count("answers"), 11);
}

#[test]
fn what_was_written_before_comes_before() {
    let keys = keyring();
    for folder in [None, Some(tempfile::tempdir().unwrap())] {
        let ledger = SqliteLedger::open(folder.as_ref().map(|folder| (folder.path(), &keys))).unwrap();
        let a = scope("a", 1);
        for number in 0..20 {
            ledger.append(&a, &entry(&format!("{number:02}-"), "{}")).unwrap();
            let own = kept(&number.to_string(), "b", i64::MAX);
            block_on(ledger.commit(&a, &entry(&format!("{number:02}-once"), "{}"), Some(own))).unwrap();
        }
        let ids: Vec<String> = rows(&ledger, &a).into_iter().map(|row| row.request_id).collect();
        assert_eq!(ids.len(), 40);
        assert!(ids.is_sorted(), "{ids:?}");
    }
}

#[test]
fn one_chain_that_was_tampered_with_goes_on_and_ends_no_others() {
    let far = [
        "sequence = (1 << 62) - 2",
        "sequence = (1 << 62) - 1",
        "sequence = 1 << 62",
        "sequence = 9223372036854775807",
    ];
    for tampering in ["hash = x'00'", "sequence = sequence + 100"].into_iter().chain(far) {
        let (a, b) = (scope("a", 1), scope("b", 2));
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
        ledger.append(&a, &entry("1", "{}")).unwrap();
        block_on(ledger.settle()).unwrap();
        let tamper = format!("UPDATE rows SET {tampering}");
        ledger.0.database.now(|transaction| Ok(transaction.execute_batch(&tamper)?)).unwrap();
        for number in ["2", "3", "4", "5"] {
            ledger.append(&a, &entry(number, "{}")).unwrap();
            ledger.append(&b, &entry(number, "{}")).unwrap();
            block_on(ledger.settle()).unwrap();
        }
        assert!(rows(&ledger, &a).iter().any(|row| row.request_id == "5"), "{tampering}");
        assert_eq!(rows(&ledger, &b).len(), 4, "{tampering}");
    }
}

#[test]
fn rows_around_the_end_of_all_numbers_keep_nobody_from_writing() {
    let (a, b) = (scope("a", 1), scope("b", 2));
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    (0..3).for_each(|_| ledger.append(&a, &entry("1", "{}")).unwrap());
    block_on(ledger.settle()).unwrap();
    let tamper = "UPDATE rows SET sequence = (1 << 62) - 1 WHERE sequence = 2;
                  UPDATE rows SET sequence = (1 << 62) + 1 WHERE sequence = 3";
    ledger.0.database.now(|transaction| Ok(transaction.execute_batch(tamper)?)).unwrap();
    for _ in 0..3 {
        (0..5).for_each(|_| ledger.append(&a, &entry("2", "{}")).unwrap());
        ledger.append(&b, &entry("2", "{}")).unwrap();
        block_on(ledger.settle()).unwrap();
    }
    assert_eq!((rows(&ledger, &a).len(), rows(&ledger, &b).len()), (18, 3));
}

#[test]
fn an_answer_that_cannot_be_written_ends_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (scope("a", 1), scope("b", 2));
    let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    let refuse =
        "CREATE TRIGGER refuse BEFORE INSERT ON answers WHEN NEW.id = 'k' BEGIN SELECT RAISE(ABORT, 'no'); END";
    ledger.0.database.now(|transaction| Ok(transaction.execute_batch(refuse)?)).unwrap();
    let held = ledger.0.committing.lock();
    let broken = ledger.commit(&a, &entry("2", "{}"), Some(kept("k", "b", 9)));
    let whole = ledger.commit(&b, &entry("3", "{}"), Some(kept("l", "b", 9)));
    drop(held);
    assert_eq!(block_on(broken).unwrap_err().code(), "store_error");
    assert_eq!(block_on(whole).unwrap(), None);
    assert_eq!((rows(&ledger, &a).len(), rows(&ledger, &b).len()), (0, 1));
}

#[test]
fn an_answer_whose_row_cannot_be_written_is_none() {
    let ledger = SqliteLedger::open(None).unwrap();
    ledger.0.database.now(|transaction| Ok(transaction.execute_batch("DROP TABLE rows")?)).unwrap();
    assert!(block_on(ledger.commit(&scope("a", 1), &entry("1", "{}"), Some(kept("k", "b", 9)))).is_err());
    ledger.0.database.now(|transaction| Ok(transaction.execute_batch(rows::SCHEMA)?)).unwrap();
    assert_eq!(block_on(ledger.commit(&scope("a", 1), &entry("1", "{}"), Some(kept("k", "b", 9)))).unwrap(), None);
}

/// Ends of chains told with each commit.
fn commits(ledger: &SqliteLedger) -> Arc<Mutex<Vec<Vec<Uid>>>> {
    let told: Arc<Mutex<Vec<Vec<Uid>>>> = Arc::default();
    let tell = Arc::clone(&told);
    ledger.on_commit(Box::new(move |moved| tell.lock().push(moved.iter().map(|tip| tip.scope).collect())));
    told
}

#[test]
fn who_waits_at_one_moment_shares_one_commit() {
    for (callers, chains) in [(1, 1), (8, 1), (64, 1), (64, 8), (64, 64), (300, 7)] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
        let scopes: Vec<Scope> = (0..chains).map(|n| scope(&format!("a{n}"), n + 1)).collect();
        let told = commits(&ledger);
        let held = ledger.0.committing.lock();
        let begun: Vec<_> = (0..callers)
            .map(|n: usize| ledger.commit(&scopes[n % scopes.len()], &entry(&n.to_string(), "{}"), None))
            .collect();
        drop(held);
        begun.into_iter().for_each(|one| assert_eq!(block_on(one).unwrap(), None));
        assert_eq!(told.lock().len(), 1, "{callers} callers, {chains} chains");
        let mut all = 0;
        for (at, scope) in scopes.iter().enumerate() {
            let found = block_on(ledger.rows(scope, RowsFrom::After(0), 10_000)).unwrap();
            assert!(chained(&found));
            let order = (at..callers).step_by(scopes.len()).map(|n| n.to_string());
            assert!(found.iter().map(|row| row.request_id.clone()).eq(order), "in the order they came");
            all += found.len();
        }
        assert_eq!(all, callers);
    }
}

#[test]
fn a_row_that_cannot_be_written_ends_no_others() {
    // How a row is refused, and in how many commits the others are written then.
    let refusals = [("ABORT, 'no'", 1), ("FAIL, 'no'", 1), ("ROLLBACK, 'no'", 9)];
    for ((how, most), broken) in refusals.into_iter().flat_map(|how| [(how, 0), (how, 4), (how, 9)]) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
        let (bad, good) = (scope("bad", 1), scope("good", 2));
        let refuse = format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON rows WHEN NEW.scope = x'{}' AND NEW.request_id <> 'fine'
             BEGIN SELECT RAISE({how}); END",
            bad.uid().to_hex()
        );
        ledger.0.database.now(|transaction| Ok(transaction.execute_batch(&refuse)?)).unwrap();
        block_on(ledger.commit(&bad, &entry("fine", "{}"), None)).unwrap();
        let told = commits(&ledger);
        let held = ledger.0.committing.lock();
        let begun: Vec<_> = (0..10)
            .map(|n| {
                let whose = if n == broken { &bad } else { &good };
                let answer = (n % 2 == 0).then(|| kept(&n.to_string(), "b", 9));
                ledger.commit(whose, &entry(&n.to_string(), "{}"), answer)
            })
            .collect();
        let after = ledger.commit(&bad, &entry("fine", "{}"), None);
        drop(held);
        for (n, one) in begun.into_iter().enumerate() {
            assert_eq!(block_on(one).is_err(), n == broken, "{how}: {n}");
        }
        block_on(after).unwrap();
        assert!(told.lock().len() <= most + 1, "{how}: {} commits", told.lock().len());
        let (in_bad, in_good) = (rows(&ledger, &bad), rows(&ledger, &good));
        assert_eq!((in_bad.len(), in_good.len()), (2, 9), "{how}");
        assert!(chained(&in_bad) && chained(&in_good));
        // What was not written was not answered either.
        assert_eq!(block_on(ledger.answer(&broken.to_string(), 1)).unwrap(), None);
    }
}

#[test]
fn a_crowd_of_one_account_keeps_nobody_from_the_next_commit() {
    for crowd in [TURN + 1, 2 * TURN, 1_000] {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
        let (crowded, alone) = (scope("crowd", 1), scope("alone", 2));
        let told = commits(&ledger);
        let held = ledger.0.committing.lock();
        let mut begun: Vec<_> =
            (0..crowd).map(|n| ledger.commit(&crowded, &entry(&n.to_string(), "{}"), None)).collect();
        begun.push(ledger.commit(&alone, &entry("alone", "{}"), None));
        drop(held);
        begun.into_iter().for_each(|one| drop(block_on(one).unwrap()));
        let told = told.lock();
        assert!(told[0].contains(&alone.uid()), "{crowd}: it waited for {} commits", told.len());
        assert_eq!(told.len(), crowd.div_ceil(TURN));
        assert!(rows(&ledger, &crowded).iter().map(|row| row.request_id.clone()).eq((0..crowd).map(|n| n.to_string())));
    }
}

#[test]
fn what_cannot_be_committed_now_is_not_acknowledged_and_not_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let a = scope("a", 1);
    let ledger = SqliteLedger::open(Some((folder.path(), &keyring()))).unwrap();
    ledger.0.database.now(|transaction| Ok(transaction.execute_batch("PRAGMA query_only = 1")?)).unwrap();
    let begun: Vec<_> = (0..5).map(|n| ledger.commit(&a, &entry(&n.to_string(), "{}"), None)).collect();
    for one in begun {
        assert_eq!(block_on(one).unwrap_err().code(), "store_unavailable");
    }
    ledger.0.database.read_now(|connection| Ok(connection.execute_batch("PRAGMA query_only = 0")?)).unwrap();
    assert_eq!(rows(&ledger, &a).len(), 0);
    block_on(ledger.commit(&a, &entry("5", "{}"), None)).unwrap();
    assert_eq!(rows(&ledger, &a).len(), 1);
}
