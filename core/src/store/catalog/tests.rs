use super::*;
use crate::runtime::block_on;

fn key() -> Arc<RowKey> {
    let secret = crate::config::RootKey::parse(&"5a".repeat(32)).unwrap();
    Arc::new(crate::keyring::Keyring::new(secret).row_key().unwrap())
}

fn installation(dev: bool) -> Installation {
    Installation { key_id: "k1".into(), key_place: "given in code".into(), dev }
}

macro_rules! catalog_behaviour {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            fn with(work: impl FnOnce(&SqliteCatalog)) {
                #[allow(clippy::redundant_closure_call)]
                let (catalog, _keep) = $make();
                work(&catalog);
            }

            fn id(text: &str) -> Id {
                Id::parse("test", text).unwrap()
            }

            fn create(catalog: &SqliteCatalog, text: &str) -> Result<TenantRow> {
                let uid = Uid::random().unwrap();
                block_on(catalog.create(
                    &Scope::mint_platform(),
                    uid,
                    &id(text),
                    &TenantFacts::default(),
                    1,
                    Vec::new(),
                ))
            }

            #[test]
            fn ids_that_differ_in_case_only_collide() {
                with(|catalog| {
                    create(catalog, "Acme").unwrap();
                    assert_eq!(create(catalog, "aCME").unwrap_err().code(), "scope_exists");
                    // And a lookup never folds.
                    let found = block_on(catalog.find(&Scope::mint_platform(), &id("acme"))).unwrap();
                    assert_eq!(found, None);
                });
            }

            #[test]
            fn a_recreated_tenant_has_a_new_uid_and_none_of_the_old_documents() {
                with(|catalog| {
                    let platform = Scope::mint_platform();
                    let old = create(catalog, "acme").unwrap();
                    let scope = Scope::mint_account(old.id.clone(), old.uid);
                    block_on(catalog.put_document(&scope, DocumentKind::Policy, "p", Some("{}".into()))).unwrap();
                    block_on(catalog.delete(&scope, 2)).unwrap();
                    assert!(block_on(catalog.list(&platform)).unwrap().is_empty());
                    let new = create(catalog, "acme").unwrap();
                    assert_ne!(new.uid, old.uid);
                    let scope = Scope::mint_account(new.id, new.uid);
                    assert!(block_on(catalog.documents(&scope, DocumentKind::Policy)).unwrap().is_empty());
                });
            }

            #[test]
            fn every_decision_relevant_write_is_a_change_and_heads_are_not() {
                with(|catalog| {
                    let row = create(catalog, "acme").unwrap();
                    let scope = Scope::mint_account(row.id, row.uid);
                    let put = |kind| block_on(catalog.put_document(&scope, kind, "x", Some("1".into()))).unwrap();
                    let (before, _) = catalog.changes(0).unwrap();
                    put(DocumentKind::Head);
                    assert_eq!(catalog.changes(before).unwrap(), (before, vec![]));
                    put(DocumentKind::Limit);
                    assert_eq!(catalog.changes(before).unwrap(), (before + 1, vec![row.uid]));
                });
            }
        }
    };
}

catalog_behaviour!(memory, || (SqliteCatalog::open(None, &installation(false), key()).unwrap(), ()));
catalog_behaviour!(sqlite, || {
    let folder = tempfile::tempdir().unwrap();
    (SqliteCatalog::open(Some(&folder.path().join("catalog.db")), &installation(false), key()).unwrap(), folder)
});

#[test]
fn another_root_key_or_mode_is_refused_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.db");
    drop(SqliteCatalog::open(Some(&path), &installation(false), key()).unwrap());
    let code = |asked: &Installation| SqliteCatalog::open(Some(&path), asked, key()).err().map(|e| e.code().to_owned());
    assert_eq!(code(&installation(true)).as_deref(), Some("dev_mode_mismatch"));
    let other = Installation { key_id: "k2".into(), ..installation(false) };
    assert_eq!(code(&other).as_deref(), Some("root_key_mismatch"));
    assert_eq!(code(&installation(false)), None);
}
