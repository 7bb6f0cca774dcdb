//! `make timing`: does the time of a refusal tell an unknown key id from a wrong secret? Welch's t over a million samples
//! of each, taken in random order on one thread; |t| below 4.5 says no (the threshold of dudect, Reparaz et al. 2017).

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::{error::Error, hint::black_box, time::Instant};

use data_encoding::BASE32_DNSSEC as BASE32;
use ring::rand::{SecureRandom as _, SystemRandom};
use tenantry::{
    Options, Tenantry,
    api::{KeySpec, TenantFacts},
    config::Storage,
    runtime::block_on,
};

const SAMPLES: usize = 1_000_000;
/// Ids of each class. Whoever wants to know of an id asks again and again, so each class asks about as many ids as often.
const IDS: usize = 32;
/// Texts are made beforehand and used in a random order, so that making them is not measured.
const TEXTS: usize = 4_096;
/// Samples above this part of all are interruptions, not answers; cut alike from both.
const KEPT: f64 = 0.95;

fn random<const N: usize>() -> Result<[u8; N], Box<dyn Error>> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "no random bytes")?;
    Ok(bytes)
}

/// A key text that is well formed: what its checksum says is never the difference.
fn text(id: &str) -> Result<String, Box<dyn Error>> {
    let start = format!("tnt_sk_{id}_{}", BASE32.encode(&random::<32>()?));
    let sum = BASE32.encode(&crc32fast::hash(start.as_bytes()).to_be_bytes());
    Ok(start + &sum)
}

fn main() -> Result<(), Box<dyn Error>> {
    let client = Tenantry::open(Options { storage: Some(Storage::Memory), ..Options::default() })?;
    client.admin().accounts().create_blocking("acme", TenantFacts::default())?;
    client.admin().projects().create_blocking("acme", "prod", TenantFacts::default())?;
    let identity = client.identity();
    let mut ids = Vec::new();
    for _ in 0..IDS {
        let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..KeySpec::default() };
        let made = identity.keys().create_blocking(&spec)?;
        block_on(identity.verify(&made.key))?;
        ids.push([made.record.id, BASE32.encode(&random::<15>()?)]);
    }
    // Class 0: the id of a key that exists, with another secret. Class 1: an id that nobody made.
    let mut texts = Vec::new();
    for place in 0..TEXTS {
        texts.push(text(&ids[place / 2 % IDS][place % 2])?);
    }
    let order: Vec<u8> = {
        let mut bytes = vec![0; SAMPLES * 4];
        SystemRandom::new().fill(&mut bytes).map_err(|_| "no random bytes")?;
        bytes
    };
    let mut samples: [Vec<f64>; 2] = [Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES)];
    let mut picks = order.chunks_exact(2).cycle();
    while samples.iter().any(|class| class.len() < SAMPLES) {
        let pick = picks.next().map_or(0, |pair| usize::from(u16::from_be_bytes([pair[0], pair[1]]))) % TEXTS;
        let class = pick % 2;
        if samples[class].len() >= SAMPLES {
            continue;
        }
        let start = Instant::now();
        let refused = block_on(identity.verify(black_box(&texts[pick]))).is_err();
        let nanos = start.elapsed().as_nanos() as f64;
        assert!(refused);
        samples[class].push(nanos);
    }
    let mut all: Vec<f64> = samples.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let cut = all[(all.len() as f64 * KEPT) as usize];
    let median = |class: &mut Vec<f64>| {
        class.sort_by(f64::total_cmp);
        class[class.len() / 2]
    };
    let kept = samples.clone().map(|class| class.into_iter().filter(|nanos| *nanos <= cut).collect::<Vec<_>>());
    let t = welch(&kept[0], &kept[1]);
    let [mut wrong, mut unknown] = samples;
    let (wrong_median, unknown_median) = (median(&mut wrong), median(&mut unknown));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{SAMPLES} samples each, the slowest 5 % cut; load {}", load.trim());
    println!("wrong secret: median {wrong_median:.0} ns, mean {:.1} ns", mean(&kept[0]));
    println!("unknown id:   median {unknown_median:.0} ns, mean {:.1} ns", mean(&kept[1]));
    println!("|t| = {:.2} (limit 4.5)", t.abs());
    if t.abs() < 4.5 { Ok(()) } else { Err("the two can be told apart by their time".into()) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn welch(a: &[f64], b: &[f64]) -> f64 {
    let variance = |values: &[f64]| {
        let middle = mean(values);
        values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
    };
    (mean(a) - mean(b)) / (variance(a) / a.len() as f64 + variance(b) / b.len() as f64).sqrt()
}
