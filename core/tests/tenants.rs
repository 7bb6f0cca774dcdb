//! Tenants through the public door: lifecycle, isolation, dev mode, opening and closing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;

use proptest::prelude::*;
use support::{facts, folder_options, limit, memory, on, policy, project, put};
use tenantry::{
    ErrorKind, Options, Tenantry,
    api::{AccountSpec, AuditAnchor, AuditQuery, Decision, GuardRequest, ProjectSpec, Since, Status},
    config::{Credential, RootKey, Storage},
    scope::Layer,
};

#[test]
fn accounts_and_projects_are_created_listed_suspended_and_deleted() {
    let client = memory();
    let accounts = client.admin().accounts();
    let acme = accounts.create_blocking(AccountSpec::with("acme", facts("enterprise"))).unwrap();
    assert_eq!((acme.status, acme.facts.tier.as_str(), acme.uid.len()), (Status::Active, "enterprise", 32));
    accounts.create_blocking("globex").unwrap();
    let names: Vec<String> = accounts.list_blocking().unwrap().into_iter().map(|account| account.id).collect();
    assert_eq!(names, ["acme", "globex"]);
    let projects = client.admin().projects();
    projects.create_blocking("acme", ProjectSpec::with("prod", facts("gold"))).unwrap();
    assert_eq!(projects.get_blocking("acme", "prod").unwrap().account_id, "acme");
    projects.delete_blocking("acme", "prod").unwrap();
    assert!(projects.list_blocking("acme").unwrap().is_empty());
    accounts.delete_blocking("globex").unwrap();
    assert_eq!(accounts.get_blocking("globex").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn ids_outside_the_grammar_and_confusable_ones_are_refused() {
    let client = memory();
    let accounts = client.admin().accounts();
    for bad in ["", ".a", "-a", "_a", "a b", "a/b", "a:b", "ä", "a\0", "a\u{200b}", "..", "%2e", &"x".repeat(129)] {
        let error = accounts.create_blocking(bad).unwrap_err();
        assert_eq!(error.code(), "scope_id_invalid", "{bad:?}");
    }
    accounts.create_blocking("Acme").unwrap();
    assert_eq!(accounts.create_blocking("acme").unwrap_err().code(), "scope_exists");
    assert_eq!(accounts.get_blocking("acme").unwrap_err().code(), "scope_not_found", "lookups never fold");
    for reserved in ["default", "Default"] {
        assert_eq!(accounts.create_blocking(reserved).unwrap_err().code(), "scope_id_reserved");
    }
}

#[test]
fn suspending_a_project_or_its_account_denies_every_call_in_any_mode() {
    let client = memory();
    let acme = project(&client, "acme", "prod");
    let ask = || acme.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap();
    let (accounts, projects) = (client.admin().accounts(), client.admin().projects());
    projects.suspend_blocking("acme", "prod").unwrap();
    let denied = ask();
    assert_eq!((denied.decision, denied.code.as_deref()), (Decision::Deny, Some("suspended")));
    projects.resume_blocking("acme", "prod").unwrap();
    assert_eq!(ask().decision, Decision::Allow);
    accounts.suspend_blocking("acme").unwrap();
    assert_eq!(ask().code.as_deref(), Some("suspended"));
}

#[test]
fn a_deleted_and_recreated_project_has_nothing_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    let old = project(&client, "acme", "prod");
    put(&old, "closed", "forbid (principal, action, resource);");
    old.limits().set_blocking(limit("l", 1, 60_000)).unwrap();
    let in_session = || GuardRequest { session_id: Some("s".into()), ..GuardRequest::prompt("hi") };
    old.guard().evaluate_blocking(in_session()).unwrap();
    client.admin().projects().delete_blocking("acme", "prod").unwrap();
    assert_eq!(
        old.guard().evaluate_blocking(in_session()).unwrap_err().code(),
        "scope_not_found",
        "old handles are dead"
    );
    let late = old.policies().put_blocking(policy("late", "forbid (principal, action, resource);")).unwrap_err();
    assert_eq!(late.code(), "scope_not_found", "nothing is attached to a tombstone");
    let new = project(&client, "acme", "prod");
    assert_ne!(old.scope().uid(), new.scope().uid());
    let fresh = new.guard().evaluate_blocking(in_session()).unwrap();
    assert_eq!((fresh.decision, fresh.session_delta.unwrap().turn_count), (Decision::Allow, 1));
    assert!(new.limits().list_blocking().unwrap().is_empty());
    let rows = new.audit().query_blocking(AuditQuery::from(Since::Start).limit(100)).unwrap();
    assert_eq!(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>(), ["project.create", "decision"]);
    assert_eq!(old.guard().evaluate_blocking(in_session()).unwrap_err().kind(), ErrorKind::NotFound, "for ever");
}

#[test]
fn a_missing_tenant_and_a_foreign_one_answer_alike() {
    let client = memory();
    project(&client, "acme", "prod");
    let missing = client.tenant_blocking("acme", "nope").err().unwrap();
    let foreign = client.tenant_blocking("globex", "prod").err().unwrap();
    assert_eq!((missing.kind(), foreign.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
    assert_eq!(missing.code(), foreign.code());
}

#[test]
fn tenants_with_equal_names_below_different_accounts_share_nothing() {
    let client = memory();
    let (a, b) = (project(&client, "a", "prod"), project(&client, "b", "prod"));
    put(&a, "closed", "forbid (principal, action, resource);");
    a.limits().set_blocking(limit("l", 1, 60_000)).unwrap();
    for _ in 0..3 {
        a.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap();
        assert_eq!(b.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap().decision, Decision::Allow);
    }
    assert_eq!(b.policies().list_blocking().unwrap().len(), 1);
    let kinds = |tenant: &tenantry::Tenant| {
        tenant.audit().query_blocking(AuditQuery::from(Since::Start).limit(100)).unwrap().len()
    };
    assert_eq!((kinds(&a), kinds(&b)), (1 + 2 + 3, 1 + 3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Whatever sessions one tenant fills under whatever ids, it finds them again and the other never does.
    #[test]
    fn create_then_get_inside_a_tenant_and_never_from_another(
        ids in prop::collection::hash_set("[ab:_/\u{e9}\u{1F600} \\.%\0-]{1,8}", 1..12),
    ) {
        let client = memory();
        let (a, b) = (project(&client, "a", "b_c"), project(&client, "a_b", "c"));
        let turn = |tenant: &tenantry::Tenant, id: &str| {
            let request = GuardRequest { session_id: Some(id.into()), ..GuardRequest::prompt("hi") };
            tenant.guard().evaluate_blocking(request).unwrap().session_delta.unwrap().turn_count
        };
        for id in &ids {
            prop_assert_eq!(turn(&a, id), 1);
        }
        for id in &ids {
            prop_assert_eq!(turn(&a, id), 2, "{:?} was forgotten or shared", id);
            prop_assert_eq!(turn(&b, id), 1, "{:?} crossed over", id);
        }
    }
}

#[test]
fn concurrent_first_callers_share_one_load() {
    let folder = tempfile::tempdir().unwrap();
    project(&on(folder.path()), "acme", "prod");
    let client = on(folder.path());
    std::thread::scope(|threads| {
        let handles: Vec<_> =
            (0..16).map(|_| threads.spawn(|| client.tenant_blocking("acme", "prod").unwrap())).collect();
        let uids: Vec<_> = handles.into_iter().map(|handle| handle.join().unwrap().scope().uid()).collect();
        assert!(uids.windows(2).all(|pair| pair[0] == pair[1]));
    });
}

#[test]
fn a_change_by_another_client_on_the_folder_is_seen_with_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (on(folder.path()), on(folder.path()));
    let acme = project(&one, "acme", "prod");
    let same = two.tenant_blocking("acme", "prod").unwrap();
    put(&same, "closed", "forbid (principal, action, resource);");
    assert_eq!(acme.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap().decision, Decision::Deny);
}

fn dev(
    folder: &std::path::Path,
    key: Option<&str>,
    account: Option<&str>,
    project: Option<&str>,
) -> tenantry::Result<Tenantry> {
    Tenantry::open(Options {
        dev: Some(true),
        api_key: key.map(Credential::new),
        account_id: account.map(Into::into),
        project_id: project.map(Into::into),
        ..folder_options(folder)
    })
}

#[test]
fn dev_mode_makes_tenants_up_and_says_so_in_every_response() {
    let folder = tempfile::tempdir().unwrap();
    let client = dev(folder.path(), Some("hf_sk_x"), Some("acc_tenant_a"), Some("proj_prod")).unwrap();
    let own = client.own_blocking().unwrap();
    assert_eq!((own.account_id(), own.project_id()), ("acc_tenant_a", "proj_prod"));
    let response = own.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap();
    assert_eq!(
        (response.decision, response.degraded.as_slice()),
        (Decision::Allow, ["dev_mode".to_owned()].as_slice())
    );
    assert_eq!(client.tenant_blocking("acc_tenant_b", "proj_prod").err().unwrap().code(), "outside_authority");
    assert_eq!(client.admin().accounts().list_blocking().err().unwrap().kind(), ErrorKind::PermissionDenied);
    let above =
        tenantry::api::PolicySpec { layer: Layer::Account, ..policy("p", "permit (principal, action, resource);") };
    assert_eq!(own.policies().put_blocking(above).unwrap_err().code(), "outside_authority");
    let nameless = dev(folder.path(), Some("k"), None, None).unwrap().own_blocking().unwrap();
    assert_eq!((nameless.account_id(), nameless.project_id()), ("dev", "default"));
}

#[test]
fn a_dev_folder_and_a_production_folder_never_change_places() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(dev(a.path(), None, None, None).unwrap());
    assert_eq!(Tenantry::open(folder_options(a.path())).err().unwrap().code(), "dev_mode_mismatch");
    drop(on(b.path()));
    assert_eq!(dev(b.path(), None, None, None).err().unwrap().code(), "dev_mode_mismatch");
}

#[test]
fn a_credential_outside_dev_mode_is_unauthenticated_and_another_root_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { api_key: Some(Credential::new("hf_sk_x")), ..folder_options(folder.path()) };
    assert_eq!(Tenantry::open(options).err().unwrap().kind(), ErrorKind::Unauthenticated);
    drop(on(folder.path()));
    let other = Options { root_key: Some(RootKey::parse(&"ff".repeat(32)).unwrap()), ..folder_options(folder.path()) };
    assert_eq!(Tenantry::open(other).err().unwrap().code(), "root_key_mismatch");
}

#[test]
fn a_folder_of_another_version_is_refused_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let client = on(folder.path());
    project(&client, "acme", "prod");
    client.close_blocking().unwrap();
    drop(client);
    let catalog = rusqlite::Connection::open(folder.path().join("catalog.db")).unwrap();
    // Of another shape, too: nothing is read or made before the version is known.
    catalog
        .execute_batch(
            "UPDATE installation SET value = '1' WHERE name = 'format'; DROP TABLE tenants; CREATE TABLE tenants (x)",
        )
        .unwrap();
    drop(catalog);
    // The journal of a process that is no more would be taken up by whoever opened the ledger.
    std::fs::remove_file(folder.path().join("ledger.db")).unwrap();
    let error = Tenantry::open(folder_options(folder.path())).err().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "store_format"));
    assert!(!folder.path().join("ledger.db").exists(), "nothing else was opened");
}

#[test]
fn a_client_without_a_tenant_of_its_own_never_gets_a_default_one() {
    assert_eq!(memory().own_blocking().err().unwrap().code(), "tenant_missing");
}

#[test]
fn closing_is_idempotent_and_a_closed_handle_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (client, other) = (on(folder.path()), on(folder.path()));
    let acme = project(&client, "acme", "prod");
    let same = other.tenant_blocking("acme", "prod").unwrap();
    client.close_blocking().unwrap();
    client.close_blocking().unwrap();
    assert_eq!(acme.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap_err().code(), "client_closed");
    assert_eq!(same.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap().decision, Decision::Allow);
}

#[test]
fn everything_is_there_again_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    {
        let client = on(folder.path());
        let acme = project(&client, "acme", "prod");
        put(&acme, "closed", r#"forbid (principal, action == Action::"call_tool", resource);"#);
        let request = GuardRequest { session_id: Some("s".into()), ..GuardRequest::prompt("hi") };
        acme.guard().evaluate_blocking(request).unwrap();
        client.close_blocking().unwrap();
    }
    let acme = on(folder.path()).tenant_blocking("acme", "prod").unwrap();
    let request = GuardRequest { session_id: Some("s".into()), ..GuardRequest::prompt("hi") };
    assert_eq!(acme.guard().evaluate_blocking(request).unwrap().session_delta.unwrap().turn_count, 2);
    let denied = acme.guard().evaluate_blocking(GuardRequest::tool_call("x", serde_json::Map::new())).unwrap();
    assert_eq!(denied.decision, Decision::Deny);
    assert!(acme.audit().verify_blocking(AuditAnchor::default()).unwrap().ok);
}

#[test]
fn an_embedded_warm_call_is_ready_at_its_first_poll() {
    let folder = tempfile::tempdir().unwrap();
    let acme = project(&on(folder.path()), "acme", "prod");
    acme.limits().set_blocking(limit("l", 1_000, 1_000)).unwrap();
    let request = GuardRequest { session_id: Some("s".into()), ..GuardRequest::prompt("hi") };
    acme.guard().evaluate_blocking(request.clone()).unwrap();
    let guard = Arc::new(acme.guard());
    let call = Box::pin(async move { guard.evaluate(request).await });
    assert!(tenantry::runtime::poll_once(call).is_ok(), "a warm call had to wait");
}

#[test]
fn the_deadline_is_an_error_and_never_an_allow() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { deadline: Some(std::time::Duration::ZERO), ..folder_options(folder.path()) };
    let acme = project(&Tenantry::open(options).unwrap(), "acme", "prod");
    let error = acme.guard().evaluate_blocking(GuardRequest::prompt("hi")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, "deadline_exceeded"));
    assert_eq!(
        acme.audit().query_blocking(AuditQuery::from(Since::Start).limit(10)).unwrap().last().unwrap().kind,
        "error"
    );
}

#[test]
fn storage_that_cannot_be_used_is_an_outage_with_a_next_step() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Tenantry::open(Options {
        storage: Some(Storage::Folder(file.path().join("inside-a-file"))),
        ..folder_options(file.path())
    });
    let error = error.err().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "data_dir_unavailable"));
    assert!(error.help().unwrap().contains("TENANTRY_DATA_DIR"));
}
