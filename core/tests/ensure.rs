//! `ensure` gives what is there and creates what is not: again and again, from many threads and processes at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::{collections::BTreeSet, process::Command, sync::Barrier, thread};

use support::{facts, memory, on};
use tenantry::{
    ErrorKind, Tenantry,
    api::{AccountSpec, AuditAnchor, AuditQuery, AuditRange, ProjectSpec, Since, Status, TenantFacts},
};

/// The kinds of rows in the chain of a project.
fn kinds(client: &Tenantry, account: &str, project: &str) -> Vec<String> {
    let rows = client
        .tenant_blocking(account, project)
        .unwrap()
        .audit()
        .query_blocking(AuditQuery::from(Since::Start).limit(100))
        .unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

#[test]
fn what_is_missing_is_created_and_what_is_there_is_given() {
    let client = memory();
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    let made = accounts.ensure_blocking("acme", facts("gold")).unwrap();
    assert_eq!((made.id.as_str(), made.status, made.facts.tier.as_str()), ("acme", Status::Active, "gold"));
    let project = projects.ensure_blocking("acme", "prod", TenantFacts::default()).unwrap();
    for _ in 0..3 {
        assert_eq!(accounts.ensure_blocking("acme", facts("gold")).unwrap(), made);
        assert_eq!(accounts.ensure_blocking("acme", TenantFacts::default()).unwrap(), made);
        assert_eq!(projects.ensure_blocking("acme", "prod", TenantFacts::default()).unwrap(), project);
    }
    assert_eq!(accounts.get_blocking("acme").unwrap(), made);
    assert_eq!(kinds(&client, "acme", "prod"), ["project.create"], "told once, when it was created");
    let create = accounts.create_blocking("acme").unwrap_err();
    assert_eq!((create.kind(), create.code()), (ErrorKind::Conflict, "scope_exists"), "create keeps its word");
    let create = projects.create_blocking("acme", "prod").unwrap_err();
    assert_eq!((create.kind(), create.code()), (ErrorKind::Conflict, "scope_exists"));
}

#[test]
fn what_was_created_otherwise_is_given_too_and_policies_of_it_stay() {
    let client = memory();
    let acme = support::project(&client, "acme", "prod");
    support::put(&acme, "mine", "forbid (principal, action, resource) when { false };");
    client.admin().projects().ensure_blocking("acme", "prod", TenantFacts::default()).unwrap();
    let names: Vec<String> = acme.policies().list_blocking().unwrap().into_iter().map(|policy| policy.name).collect();
    assert_eq!(names, ["baseline", "mine"]);
}

#[test]
fn a_fact_that_is_given_and_differs_is_a_conflict_that_names_it_and_changes_nothing() {
    let has = TenantFacts {
        tier: "gold".into(),
        region: "eu".into(),
        labels: vec!["a".into(), "b".into()],
        ..TenantFacts::default()
    };
    let asked = |change: fn(&mut TenantFacts)| {
        let mut facts = TenantFacts::default();
        change(&mut facts);
        facts
    };
    let differ: [(&str, TenantFacts, &str); 6] = [
        ("tier", asked(|facts| facts.tier = "free".into()), "has the tier `gold`, not `free`"),
        ("tier", asked(|facts| facts.tier = "Gold".into()), "has the tier `gold`, not `Gold`"),
        ("plan", asked(|facts| facts.plan = "yearly".into()), "has no plan, not `yearly`"),
        ("region", asked(|facts| facts.region = "us".into()), "has the region `eu`, not `us`"),
        ("labels", asked(|facts| facts.labels = vec!["a".into()]), "has the labels `a, b`, not `a`"),
        ("labels", asked(|facts| facts.labels = vec!["a".into(), "c".into()]), "has the labels `a, b`, not `a, c`"),
    ];
    let client = memory();
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    let account = accounts.create_blocking(AccountSpec::with("acme", has.clone())).unwrap();
    let project = projects.create_blocking("acme", ProjectSpec::with("prod", has.clone())).unwrap();
    for (name, facts, words) in differ {
        let error = accounts.ensure_blocking("acme", facts.clone()).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "facts_differ"), "{facts:?}");
        assert_eq!(error.message(), format!("account `acme` exists and {words}"));
        assert!(error.help().unwrap().contains(&format!("leave the {name} out")));
        let error = projects.ensure_blocking("acme", "prod", facts).unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            ("facts_differ", format!("project `acme/prod` exists and {words}").as_str())
        );
    }
    let same: [TenantFacts; 4] = [
        has,
        asked(|facts| facts.tier = "gold".into()),
        asked(|facts| facts.labels = vec!["b".into(), "a".into()]),
        asked(|facts| facts.labels = vec!["b".into(), "a".into(), "b".into()]),
    ];
    for facts in same {
        assert_eq!(accounts.ensure_blocking("acme", facts.clone()).unwrap(), account);
        assert_eq!(projects.ensure_blocking("acme", "prod", facts).unwrap(), project);
    }
}

#[test]
fn what_create_refuses_ensure_refuses_alike_whether_or_not_it_exists() {
    let client = memory();
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    for bad in ["", ".a", "-a", "a b", "a/b", "ä", "..", "%2e", "default", "Default", &"x".repeat(129)] {
        let create = accounts.create_blocking(bad).unwrap_err();
        assert_eq!(accounts.ensure_blocking(bad, TenantFacts::default()).unwrap_err().code(), create.code(), "{bad:?}");
    }
    accounts.ensure_blocking("Acme", TenantFacts::default()).unwrap();
    for other in ["acme", "ACME"] {
        // Another name, that nobody could tell from it.
        let error = accounts.ensure_blocking(other, TenantFacts::default()).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "scope_exists"), "{other}");
    }
    projects.ensure_blocking("Acme", "prod", TenantFacts::default()).unwrap();
    assert_eq!(projects.ensure_blocking("Acme", "PROD", TenantFacts::default()).unwrap_err().code(), "scope_exists");
    let nobody = projects.ensure_blocking("nobody", "prod", TenantFacts::default()).unwrap_err();
    assert_eq!((nobody.kind(), nobody.message()), (ErrorKind::NotFound, "account `nobody` does not exist"));
    assert_eq!(accounts.get_blocking("nobody").unwrap_err().kind(), ErrorKind::NotFound, "an account is never made up");
    for id in ["Acme", "new"] {
        let error = accounts.ensure_blocking(id, facts(&"x".repeat(257))).unwrap_err();
        assert_eq!(error.code(), "facts_invalid", "{id}");
        let error = projects
            .ensure_blocking("Acme", if id == "new" { "new" } else { "prod" }, facts(&"x".repeat(257)))
            .unwrap_err();
        assert_eq!(error.code(), "facts_invalid", "{id}");
    }
}

#[test]
fn a_suspension_stays_and_what_was_deleted_is_made_anew() {
    let client = memory();
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    let first = accounts.ensure_blocking("acme", facts("gold")).unwrap();
    projects.ensure_blocking("acme", "prod", TenantFacts::default()).unwrap();
    accounts.suspend_blocking("acme").unwrap();
    projects.suspend_blocking("acme", "prod").unwrap();
    assert_eq!(accounts.ensure_blocking("acme", TenantFacts::default()).unwrap().status, Status::Suspended);
    assert_eq!(projects.ensure_blocking("acme", "prod", TenantFacts::default()).unwrap().status, Status::Suspended);
    accounts.delete_blocking("acme").unwrap();
    let gone = projects.ensure_blocking("acme", "prod", TenantFacts::default()).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound, "its account is deleted");
    let second = accounts.ensure_blocking("acme", facts("free")).unwrap();
    assert_ne!(second.uid, first.uid);
    assert_eq!((second.status, second.facts.tier.as_str()), (Status::Active, "free"));
    assert!(projects.list_blocking("acme").unwrap().is_empty(), "with nothing of the old one");
}

#[test]
fn many_at_once_get_one_tenant_and_its_creation_is_told_once() {
    for round in 0..8 {
        let client = memory();
        let start = Barrier::new(16);
        let uids: BTreeSet<(String, String)> = thread::scope(|threads| {
            let one = || {
                start.wait();
                let account = client.admin().accounts().ensure_blocking("acme", facts("gold")).unwrap();
                let project =
                    client.admin().projects().ensure_blocking("acme", "prod", TenantFacts::default()).unwrap();
                (account.uid, project.uid)
            };
            let running: Vec<_> = (0..16).map(|_| threads.spawn(one)).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(uids.len(), 1, "round {round}");
        assert_eq!(kinds(&client, "acme", "prod"), ["project.create"], "round {round}");
    }
}

#[test]
fn beside_deletions_it_gives_a_living_one_or_says_that_there_is_none() {
    let client = memory();
    let start = Barrier::new(5);
    thread::scope(|threads| {
        threads.spawn(|| {
            start.wait();
            for _ in 0..60 {
                let _ = client.admin().accounts().delete_blocking("acme");
            }
        });
        for _ in 0..4 {
            threads.spawn(|| {
                start.wait();
                for _ in 0..60 {
                    client.admin().accounts().ensure_blocking("acme", facts("gold")).unwrap();
                    match client.admin().projects().ensure_blocking("acme", "prod", TenantFacts::default()) {
                        Ok(_) => {}
                        // Its account went before it came.
                        Err(error) => assert_eq!(error.code(), "scope_not_found", "{error}"),
                    }
                }
            });
        }
    });
    // Whatever the order was: nothing lives below a deleted account, and the name can be used.
    let account = client.admin().accounts().ensure_blocking("acme", facts("gold")).unwrap();
    let project = client.admin().projects().ensure_blocking("acme", "prod", TenantFacts::default()).unwrap();
    assert_eq!(client.admin().accounts().get_blocking("acme").unwrap(), account);
    assert_eq!(client.admin().projects().list_blocking("acme").unwrap(), [project]);
    assert!(client.admin().problems_blocking().unwrap().is_empty());
}

/// What a child process does: see the test below.
#[test]
fn a_process_that_ensures() {
    let Some(folder) = std::env::var_os("TENANTRY_TEST_ENSURE") else { return };
    let client = on(std::path::Path::new(&folder));
    for number in 0..20 {
        let account = format!("account-{number}");
        client.admin().accounts().ensure_blocking(&account, facts("gold")).unwrap();
        client.admin().projects().ensure_blocking(&account, "prod", TenantFacts::default()).unwrap();
    }
    client.close_blocking().unwrap();
}

#[test]
fn processes_that_start_together_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    drop(on(folder.path()));
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_that_ensures", "--test-threads", "1"])
            .env("TENANTRY_TEST_ENSURE", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| child()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let client = on(folder.path());
    assert_eq!(client.admin().accounts().list_blocking().unwrap().len(), 20);
    for number in 0..20 {
        let account = format!("account-{number}");
        assert_eq!(kinds(&client, &account, "prod"), ["project.create"], "{account}");
        assert!(
            client
                .tenant_blocking(&account, "prod")
                .unwrap()
                .audit()
                .verify_blocking(AuditAnchor::default())
                .unwrap()
                .ok
        );
    }
}

#[test]
fn the_newest_rows_come_first_where_they_are_asked_for() {
    let (client, clock) = support::with_clock();
    let acme = support::project(&client, "acme", "prod");
    for number in 0..9 {
        clock.advance(std::time::Duration::from_secs(60));
        acme.limits().set_blocking(support::limit(&format!("l{number}"), 1, 1_000)).unwrap();
    }
    let audit = acme.audit();
    let sequences = |range: AuditRange, limit: u32| -> Vec<u64> {
        audit.query_blocking(AuditQuery::from(range).limit(limit)).unwrap().iter().map(|row| row.sequence).collect()
    };
    assert_eq!(sequences(AuditRange::newest(), 100), (1..=10).rev().collect::<Vec<u64>>());
    assert_eq!(sequences(AuditRange::newest(), 3), [10, 9, 8]);
    assert_eq!(sequences(AuditRange::newest().before(8), 3), [7, 6, 5]);
    assert_eq!(sequences(AuditRange::newest().before(1), 3), [0_u64; 0]);
    assert_eq!(sequences(AuditRange::newest().before(0), 3), [0_u64; 0]);
    assert_eq!(sequences(AuditRange::newest().before(u64::MAX), 1), [10]);
    assert_eq!(sequences(AuditRange::default().before(4), 100), [1, 2, 3], "the oldest end before it, too");
    let since = |since: Since| AuditRange { since, ..AuditRange::newest() };
    assert_eq!(sequences(since(Since::Sequence(7)), 100), [10, 9, 8]);
    assert_eq!(sequences(since(Since::Sequence(7)).before(10), 100), [9, 8]);
    assert_eq!(sequences(since(Since::Sequence(u64::MAX)), 100), [0_u64; 0]);
    assert_eq!(sequences(since(Since::Ago(std::time::Duration::from_secs(90))), 100), [10, 9]);
    assert_eq!(sequences(since(Since::parse("2026-01-01T00:08:00Z").unwrap()), 100), [10, 9]);
    for limit in [0, 10_001] {
        assert_eq!(
            audit.query_blocking(AuditQuery::from(AuditRange::newest()).limit(limit)).unwrap_err().code(),
            "audit_limit_invalid"
        );
    }
    // Page by page, backwards, it is the whole chain; and each row knows the one before it.
    let mut all = Vec::new();
    loop {
        let before = all.last().map(|row: &tenantry::api::AuditRecord| row.sequence);
        let page =
            audit.query_blocking(AuditQuery::from(AuditRange { before, ..AuditRange::newest() }).limit(4)).unwrap();
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all.len(), 10);
    for pair in all.windows(2) {
        assert_eq!(pair[0].previous, pair[1].hash);
    }
    let forward = audit.query_blocking(AuditQuery::from(Since::Start).limit(100)).unwrap();
    all.reverse();
    assert_eq!(all, forward.items);
}
