use proptest::prelude::*;

use super::*;
use crate::{
    api::{AuditClass, LimitKey, Mode, OnExceed},
    clock::ManualClock,
    runtime::block_on,
    store::{Installation, SqliteCatalog},
};

/// Two engines over one catalog, as two processes have, and a way to look at it without any memory.
struct House {
    catalog: Arc<SqliteCatalog>,
    keyring: Keyring,
    own: Tenants,
    other: Tenants,
}

impl House {
    fn new(room: u64) -> Self {
        let keyring = Keyring::new(crate::config::RootKey::parse(&"5a".repeat(32)).unwrap());
        let installation = Installation { key_id: keyring.id().to_owned(), key_place: String::new(), dev: false };
        let rows = Arc::new(keyring.row_key().unwrap());
        let catalog = Arc::new(SqliteCatalog::open(None, &installation, rows).unwrap());
        let tenants = |room| Self::over(&catalog, &keyring, room);
        Self { own: tenants(room), other: tenants(0), catalog: Arc::clone(&catalog), keyring: keyring.clone() }
    }

    fn over(catalog: &Arc<SqliteCatalog>, keyring: &Keyring, room: u64) -> Tenants {
        let clock = Arc::new(ManualClock::at(1));
        Tenants::with_room(Arc::clone(catalog) as Arc<dyn Catalog>, keyring.clone(), clock, room).unwrap()
    }

    /// What is so, read anew.
    fn truth(&self, name: &Name) -> Option<Arc<Snapshot>> {
        let mut fresh = Self::over(&self.catalog, &self.keyring, 0);
        // What is compiled is a matter of texts alone, and takes longest.
        fresh.compiler = Arc::clone(&self.own.compiler);
        let instance = found(block_on(fresh.instance(&name.0, &name.1)))?;
        Some(block_on(fresh.snapshot(&instance)).unwrap())
    }
}

/// None where there is nothing of this name; any other error is none of these tests.
fn found<T>(result: Result<T>) -> Option<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        result => Some(result.unwrap()),
    }
}

fn id(text: &str) -> Id {
    Id::parse("test", text).unwrap()
}

fn name(number: usize) -> Name {
    (id(["a", "b"][number % 2]), id(["p", "q", "r"][number % 3]))
}

fn limit(number: u32) -> LimitSpec {
    LimitSpec {
        id: format!("l{number}"),
        rate: 1 + number,
        per_ms: 1_000,
        key: LimitKey::Scope,
        action: String::new(),
        on_exceed: OnExceed::Reject,
        max_wait_ms: 0,
        layer: Layer::Project,
        shared: false,
    }
}

fn policy(number: u32, layer: Layer) -> PolicySpec {
    let text =
        format!("@id(\"r{number}\")\nforbid(principal, action, resource) when {{ context.pii_count > {number} }};");
    let text = text.replace("context.pii_count >", "context has pii_count && context.pii_count >");
    PolicySpec { name: format!("n{number}"), text, mode: Mode::Enforce, layer, ceiling: false }
}

#[derive(Clone, Debug)]
enum Change {
    Limit(usize, u32, Layer),
    Policy(usize, u32, Layer),
    Class(usize, bool),
    Suspend(usize, bool),
    SuspendAccount(usize, bool),
    Create(usize),
    Delete(usize),
    DeleteAccount(usize),
}

#[derive(Clone, Debug)]
enum Step {
    /// By this engine, or by another process.
    Change(Change, bool),
    Look(usize),
    LetGo(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let which = 0_usize..6;
    let layer = prop_oneof![Just(Layer::Platform), Just(Layer::Account), Just(Layer::Project)];
    prop_oneof![
        3 => (which.clone(), 0_u32..4, layer.clone()).prop_map(|(n, l, at)| Change::Limit(n, l, at)),
        2 => (which.clone(), 0_u32..3, layer).prop_map(|(n, p, at)| Change::Policy(n, p, at)),
        2 => (which.clone(), any::<bool>()).prop_map(|(n, to)| Change::Class(n, to)),
        2 => (which.clone(), any::<bool>()).prop_map(|(n, to)| Change::Suspend(n, to)),
        1 => (which.clone(), any::<bool>()).prop_map(|(n, to)| Change::SuspendAccount(n, to)),
        3 => which.clone().prop_map(Change::Create),
        2 => which.clone().prop_map(Change::Delete),
        1 => which.prop_map(Change::DeleteAccount),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (change(), any::<bool>()).prop_map(|(change, own)| Step::Change(change, own)),
        3 => (0_usize..6).prop_map(Step::Look),
        1 => (0_usize..20).prop_map(Step::LetGo),
    ]
}

fn make(tenants: &Tenants, change: &Change) {
    let status = |suspend: bool| if suspend { Status::Suspended } else { Status::Active };
    let scope = |number: usize| {
        let (account, project) = name(number);
        found(block_on(tenants.scope_of(account.as_str(), project.as_str())))
    };
    match *change {
        Change::Limit(number, which, layer) => {
            let Some(level) = scope(number).map(|scope| scope.at(layer).unwrap()) else { return };
            let spec = LimitSpec { layer, ..limit(which) };
            block_on(tenants.put(&level, DocumentKind::Limit, &spec.id, (which > 0).then_some(&spec))).unwrap();
        }
        Change::Policy(number, which, layer) => {
            let Some(level) = scope(number).map(|scope| scope.at(layer).unwrap()) else { return };
            let spec = policy(which, layer);
            block_on(tenants.put(&level, DocumentKind::Policy, "n", (which > 0).then_some(&spec))).unwrap();
        }
        Change::Class(number, required) => {
            let Some(scope) = scope(number) else { return };
            let audit_class = if required { AuditClass::Required } else { AuditClass::Standard };
            let settings = Settings { audit_class, ..Settings::default() };
            block_on(tenants.put(&scope, DocumentKind::Settings, SETTINGS, Some(&settings))).unwrap();
        }
        Change::Suspend(number, suspend) => {
            let (account, project) = name(number);
            found(block_on(tenants.set_project_status(account.as_str(), project.as_str(), status(suspend))));
        }
        Change::SuspendAccount(number, suspend) => {
            found(block_on(tenants.set_account_status(name(number).0.as_str(), status(suspend))));
        }
        Change::Create(number) => {
            let (account, project) = name(number);
            let _ = block_on(tenants.create_account(account.as_str(), TenantFacts::default()));
            let facts = TenantFacts::default();
            let _ = block_on(tenants.create_project(account.as_str(), project.as_str(), facts, Mode::Enforce));
        }
        Change::Delete(number) => {
            let (account, project) = name(number);
            found(block_on(tenants.delete_project(account.as_str(), project.as_str())));
        }
        Change::DeleteAccount(number) => drop(found(block_on(tenants.delete_account(name(number).0.as_str())))),
    }
}

/// Every handle, and every name, shows what is so: the newest of its own project, or that it is no more.
fn check(house: &House, held: &[Arc<Instance>]) {
    let same = |seen: &Snapshot, truth: &Snapshot| {
        assert_eq!(seen.scope, truth.scope);
        assert_eq!(seen.status, truth.status);
        assert_eq!(seen.settings, truth.settings);
        assert_eq!(seen.policies.version(), truth.policies.version());
        let limits =
            |of: &Snapshot| of.limits.iter().map(|one| (one.spec.clone(), one.scope.clone())).collect::<Vec<_>>();
        assert_eq!(limits(seen), limits(truth));
    };
    for number in 0..6 {
        let name = name(number);
        let truth = house.truth(&name);
        let by_name = found(block_on(house.own.instance(&name.0, &name.1)));
        assert_eq!(by_name.is_some(), truth.is_some(), "{name:?}");
        let Some((by_name, truth)) = by_name.zip(truth) else { continue };
        same(&block_on(house.own.snapshot(&by_name)).unwrap(), &truth);
        for one in held.iter().filter(|one| one.scope.uid() == by_name.scope.uid()) {
            assert!(Arc::ptr_eq(one, &by_name), "two instances of one project, side by side");
        }
    }
    for one in held {
        let name = (one.scope.account_id().unwrap().clone(), one.scope.project_id().unwrap().clone());
        let truth = house.truth(&name).filter(|truth| truth.scope.uid() == one.scope.uid());
        match (found(block_on(house.own.snapshot(one))), truth) {
            (Some(seen), Some(truth)) => same(&seen, &truth),
            (None, None) => {}
            (seen, _) => panic!("{name:?}: a handle of a project that is {} says otherwise", seen.is_some()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// With room for none, for one or two, and for all.
    #[test]
    fn whoever_holds_a_project_and_whoever_names_it_sees_every_change(
        steps in prop::collection::vec(step(), 1..30), room in prop::sample::select(vec![0_u64, 150_000, 1 << 30]),
    ) {
        let house = House::new(room);
        (0..4).for_each(|number| make(&house.own, &Change::Create(number)));
        let mut held: Vec<Arc<Instance>> = Vec::new();
        for step in steps {
            match step {
                Step::Change(change, true) => make(&house.own, &change),
                Step::Change(change, false) => {
                    make(&house.other, &change);
                    house.own.follow_changes().unwrap();
                }
                Step::Look(number) => {
                    let name = name(number);
                    held.extend(found(block_on(house.own.instance(&name.0, &name.1))));
                }
                Step::LetGo(at) if at < held.len() => drop(held.swap_remove(at)),
                Step::LetGo(_) => held.clear(),
            }
            check(&house, &held);
            prop_assert!(house.own.instances.weight() <= room);
        }
        drop(held);
        if room == 0 {
            // Nothing stays of what nobody holds, its name included, but for names that were let go by their holders last.
            prop_assert!(house.own.instances.names() <= 6);
        }
    }
}

#[test]
fn lookups_at_once_find_one_instance_however_little_room_there_is() {
    for room in [0, 150_000, 1 << 30] {
        let house = House::new(room);
        (0..6).for_each(|number| make(&house.own, &Change::Create(number)));
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|threads| {
            let looking: Vec<_> = (0..4)
                .map(|thread: usize| {
                    let house = &house;
                    threads.spawn(move || {
                        for number in 0..400 {
                            let name = name(number * 5 + thread);
                            let first = block_on(house.own.instance(&name.0, &name.1)).unwrap();
                            let second = block_on(house.own.instance(&name.0, &name.1)).unwrap();
                            assert!(Arc::ptr_eq(&first, &second));
                        }
                    })
                })
                .collect();
            threads.spawn(|| {
                for number in 0.. {
                    make(&house.own, &Change::Limit(number, (number % 4) as u32, Layer::Project));
                    if done.load(Ordering::Acquire) {
                        return;
                    }
                }
            });
            looking.into_iter().for_each(|thread| thread.join().unwrap());
            done.store(true, Ordering::Release);
        });
        check(&house, &[]);
    }
}

#[test]
fn one_accounts_many_and_large_sets_push_out_no_others() {
    let house = House::new(1_500_000);
    let create = |account: &str, project: &str| {
        let _ = block_on(house.own.create_account(account, TenantFacts::default()));
        block_on(house.own.create_project(account, project, TenantFacts::default(), Mode::Enforce)).unwrap().0
    };
    let quiet: Vec<Name> = (0..10).map(|number| (id(&format!("quiet{number}")), id("prod"))).collect();
    for name in &quiet {
        create(name.0.as_str(), name.1.as_str());
        block_on(house.own.instance(&name.0, &name.1)).unwrap();
    }
    for number in 0..40_u32 {
        let project = format!("p{number}");
        let scope = create("loud", &project);
        for part in 0..4 {
            let spec = policy(10 + number * 10 + part, Layer::Project);
            block_on(house.own.put(&scope, DocumentKind::Policy, &spec.name, Some(&spec))).unwrap();
        }
        block_on(house.own.instance(&id("loud"), &id(&project))).unwrap();
        assert!(house.own.instances.weight() <= 1_500_000);
    }
    let here = |name: &Name| house.own.instances.get(name).is_some();
    assert!(quiet.iter().all(here), "what the loud one brought took from others");
    assert!((0..40).filter(|number| here(&(id("loud"), id(&format!("p{number}"))))).count() < 40);
}

#[test]
fn equal_policies_are_compiled_once_and_weigh_once() {
    let house = House::new(1 << 30);
    let mut weights = Vec::new();
    for number in 0..50 {
        let account = format!("a{number}");
        block_on(house.own.create_account(&account, TenantFacts::default())).unwrap();
        block_on(house.own.create_project(&account, "prod", TenantFacts::default(), Mode::Enforce)).unwrap();
        let instance = block_on(house.own.instance(&id(&account), &id("prod"))).unwrap();
        weights.push((house.own.instances.weight(), block_on(house.own.snapshot(&instance)).unwrap()));
    }
    assert!(weights.iter().all(|(_, snapshot)| Arc::ptr_eq(&snapshot.policies, &weights[0].1.policies)));
    let each = (weights[49].0 - weights[0].0) / 49;
    assert!(each < 4_096, "{each} bytes for a tenant whose policies others have, too");
    assert!(weights[0].0 > each + weights[0].1.policies.weight() - 100);
}

#[test]
fn what_counts_changes_is_forgotten_with_who_reads_it() {
    let house = House::new(0);
    block_on(house.own.create_account("a", TenantFacts::default())).unwrap();
    let held = {
        block_on(house.own.create_project("a", "held", TenantFacts::default(), Mode::Enforce)).unwrap();
        block_on(house.own.instance(&id("a"), &id("held"))).unwrap()
    };
    for number in 0..1_500 {
        let project = format!("p{number}");
        block_on(house.own.create_project("a", &project, TenantFacts::default(), Mode::Enforce)).unwrap();
        block_on(house.own.instance(&id("a"), &id(&project))).unwrap();
    }
    assert!(house.own.versions.lock().cells.len() <= SWEEP_CELLS, "tenants that nobody holds are counted for ever");
    block_on(house.own.set_project_status("a", "held", Status::Suspended)).unwrap();
    assert_eq!(block_on(house.own.snapshot(&held)).unwrap().status, Status::Suspended);
}
