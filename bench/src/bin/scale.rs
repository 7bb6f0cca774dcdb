//! Where speed could fall off a cliff: `required` calls from 1, 8 and 64 callers beside a bare loop of syncs, and a call, a
//! look-up, a cold load and the memory of a tenant among 1, 1,000, 20,000 and 100,000 of them.
//!
//! Prints lines for people. `TENANTRY_BENCH_PART` chooses a part (`audit`, `tenants`), `TENANTRY_BENCH_TENANTS` how many tenants at most.

use std::{
    error::Error,
    fs::File,
    hint::black_box,
    io::Write as _,
    ops::Range,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use cpu_time::{ProcessTime, ThreadTime};
use tenantry::{
    Options, Tenant, Tenantry,
    api::{AuditClass, GuardRequest, Mode, PolicySpec, SettingsPatch},
    config::{RootKey, Storage},
    scope::Layer,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PROMPT: &str = "Could you summarise the attached quarterly report for the board, list the three largest risks with \
                      one sentence each, and suggest which of the open questions we should settle before Friday? Thank you";
/// Projects of one account, where there are many tenants.
const PROJECTS: usize = 10;
/// Tenants whose policies are equal, and such with twenty of their own beside the baseline.
const EQUAL: &str = "customer";
const OWN: &str = "own";
/// How long each number of callers is measured, three times over.
const SPAN: Duration = Duration::from_millis(1_500);
const ROUNDS: usize = 3;

fn open(folder: &Path) -> Outcome<Tenantry> {
    Ok(Tenantry::open(Options {
        storage: Some(Storage::Folder(folder.to_owned())),
        root_key: Some(RootKey::parse(&"ab".repeat(32))?),
        deadline: Some(Duration::from_secs(10)),
        ..Options::default()
    })?)
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [folder, kind, count] = &arguments[..] {
        return measure(Path::new(folder), kind, count.parse()?);
    }
    let part = std::env::var("TENANTRY_BENCH_PART").unwrap_or_default();
    let most = std::env::var("TENANTRY_BENCH_TENANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    println!("load before: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    if part.is_empty() || part == "audit" {
        audit()?;
    }
    if part.is_empty() || part == "tenants" {
        tenants(most)?;
    }
    println!("load after: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    Ok(())
}

/// What an audit row takes, written and synced one after the other: what a disk gives without a group.
fn syncs(folder: &Path) -> Outcome<f64> {
    let mut file = File::create(folder.join("bare"))?;
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < SPAN {
        file.write_all(&[b'x'; 650])?;
        file.sync_data()?;
        done += 1;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

fn audit() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let client = open(folder.path())?;
    let mut tenants = Vec::new();
    for number in 0..8 {
        let account = format!("acme{number}");
        client.admin().accounts().create_blocking(&account)?;
        client.admin().projects().create_blocking(&account, "prod")?;
        let tenant = client.tenant_blocking(&account, "prod")?;
        let required = SettingsPatch { audit_class: Some(AuditClass::Required), ..SettingsPatch::default() };
        tenant.settings().update_blocking(required)?;
        tenants.push(tenant);
    }
    println!("{:<22} {:>10} {:>10} {:>10}", "`required`, calls/s", "median", "least", "most");
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for round in 0..ROUNDS {
        let mut measured = vec![("one loop of syncs".to_owned(), syncs(folder.path())?)];
        for callers in [1, 8, 64] {
            measured.push((format!("{callers} callers"), required(&tenants, callers)?));
        }
        for (at, (name, figure)) in measured.into_iter().enumerate() {
            if round == 0 {
                rows.push((name, Vec::new()));
            }
            rows.get_mut(at).ok_or("a row is missing")?.1.push(figure);
        }
    }
    for (name, mut figures) in rows {
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or_default();
        println!("{name:<22} {:>10.0} {:>10.0} {:>10.0}", at(ROUNDS / 2), at(0), at(ROUNDS - 1));
    }
    client.close_blocking()?;
    Ok(())
}

/// Calls per second of some callers that each wait for their answers; every one of them stands in the trail.
fn required(tenants: &[Tenant], callers: usize) -> Outcome<f64> {
    let ends = || -> Outcome<u64> {
        tenants.iter().try_fold(0, |sum, tenant| Ok(sum + tenant.audit().head_blocking()?.sequence))
    };
    let before = ends()?;
    let done = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|threads| -> Outcome<()> {
        let call = |tenant: &Tenant| -> Outcome<()> {
            while begun.elapsed() < SPAN {
                black_box(tenant.guard().evaluate_blocking(GuardRequest::prompt(PROMPT))?);
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let calling: Vec<_> =
            tenants.iter().cycle().take(callers).map(|tenant| threads.spawn(move || call(tenant))).collect();
        calling.into_iter().try_for_each(|one| one.join().map_err(|_| "a caller failed")?)
    })?;
    let took = begun.elapsed().as_secs_f64();
    let done = done.into_inner();
    if ends()? - before != done as u64 {
        return Err("an acknowledged call is missing in the trail".into());
    }
    Ok(done as f64 / took)
}

/// The name of a tenant; there are those whose policies are equal, and those with twenty of their own.
fn names(kind: &str, number: usize) -> (String, String) {
    (format!("{kind}-{:06}", number / PROJECTS), format!("workspace-{:02}", number % PROJECTS))
}

/// Numbers below `count`, each once in `count`, in an order no cache likes.
fn shuffled(count: usize) -> impl Iterator<Item = usize> + Clone {
    (0..count).map(move |number| number.wrapping_mul(7_368_787) % count)
}

fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default() * 4_096.0
}

fn make(client: &Tenantry, kind: &str, numbers: Range<usize>) -> Outcome<()> {
    for number in numbers {
        let (account, project) = names(kind, number);
        if number % PROJECTS == 0 {
            client.admin().accounts().create_blocking(&account)?;
        }
        client.admin().projects().create_blocking(&account, &project)?;
        if kind == OWN {
            client.tenant_blocking(&account, &project)?.policies().put_blocking(PolicySpec {
                name: "own".into(),
                text: format!("// {number}\n{}", include_str!("../../data/twenty.cedar")),
                mode: Mode::Enforce,
                layer: Layer::Project,
                ceiling: false,
            })?;
        }
    }
    Ok(())
}

fn tenants(most: usize) -> Outcome<()> {
    // In memory where there is a file system for that: what is measured is not a disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let begun = Instant::now();
    println!(
        "{:<12} {:>14} {:>14} {:>16} {:>14} {:>14} {:>14}",
        "tenants", "call, CPU µs", "call, wall µs", "by name, wall µs", "cold p50, ms", "cold p99, ms", "bytes/tenant"
    );
    let mut made = 0;
    let equal = [1, 1_000, 20_000, 100_000].into_iter().filter(|count| *count <= most).map(|count| (EQUAL, count));
    for (kind, count) in equal.chain([(OWN, 300)]) {
        let client = open(folder.path())?;
        make(&client, kind, if kind == OWN { 0..count } else { made..count })?;
        made = count;
        client.close_blocking()?;
        drop(client);
        // In a process of its own: what others left in memory is not measured.
        let mut child = std::process::Command::new(std::env::current_exe()?);
        let status = child.arg(folder.path()).arg(kind).arg(count.to_string()).status()?;
        if !status.success() {
            return Err(format!("{count} tenants could not be measured").into());
        }
    }
    println!("({:.0} s, most of it for making them)", begun.elapsed().as_secs_f64());
    Ok(())
}

fn measure(folder: &Path, kind: &str, count: usize) -> Outcome<()> {
    let client = open(folder)?;
    let tenant = |number: usize| {
        let (account, project) = names(kind, number);
        client.tenant_blocking(&account, &project)
    };
    // What is loaded once for all of them is nobody's share.
    drop(tenant(0)?);
    let before = resident();
    let mut cold = Vec::with_capacity(count);
    for number in shuffled(count) {
        let begun = Instant::now();
        black_box(tenant(number)?);
        cold.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let bytes = (resident() - before) / count as f64;
    cold.sort_by(f64::total_cmp);
    let cold_at = |part: f64| cold.get((cold.len() as f64 * part) as usize).copied().unwrap_or_default();

    let looks = 40_000.max(count);
    let begun = Instant::now();
    for number in shuffled(count).cycle().take(looks) {
        black_box(tenant(number)?);
    }
    let by_name = begun.elapsed().as_secs_f64() * 1e6 / looks as f64;

    let handles = (0..count).map(tenant).collect::<Result<Vec<_>, _>>()?;
    let call = |calls: usize| -> Outcome<()> {
        for handle in shuffled(count).cycle().take(calls).filter_map(|number| handles.get(number)) {
            black_box(handle.guard().evaluate_blocking(GuardRequest::prompt(PROMPT))?);
        }
        Ok(())
    };
    // The first round finds every tenant's room in the tables.
    call(count)?;
    let calls = 30_000.max(count / 2);
    let (cpu, wall, whole) = (ThreadTime::now(), Instant::now(), ProcessTime::now());
    call(calls)?;
    let per = |seconds: f64| seconds * 1e6 / calls as f64;
    let (cpu, wall) = (per(cpu.elapsed().as_secs_f64()), per(wall.elapsed().as_secs_f64()));
    let whole = per(whole.elapsed().as_secs_f64());
    println!(
        "{:<12} {cpu:>14.1} {wall:>14.1} {by_name:>16.2} {:>14.2} {:>14.2} {bytes:>14.0}   (process {whole:.1} µs a call)",
        if kind == OWN { format!("{count} with 21") } else { count.to_string() },
        cold_at(0.5),
        cold_at(0.99),
    );
    drop(handles);
    client.close_blocking()?;
    Ok(())
}
