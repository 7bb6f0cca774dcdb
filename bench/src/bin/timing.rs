//! `make timing`: does the time of a refusal tell an unknown key id from a wrong secret? Welch's t over a million samples
//! of each, taken in random order on one thread; |t| below 4.5 says no (the threshold of dudect, Reparaz et al. 2017).
//!
//! Where an id happens to lie in memory makes its answers some nanoseconds faster or slower, whatever its class. With few
//! ids that alone reaches |t| = 40 between two groups of the same class, so the ids are many and each is asked seldom; a
//! control, which compares two halves of the unknown ids, says how much of that is left.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::{error::Error, hint::black_box, io::IsTerminal as _, time::Instant};

use data_encoding::BASE32_DNSSEC as BASE32;
use ring::rand::{SecureRandom as _, SystemRandom};
use tenantry::{
    Options, Tenantry,
    api::{IdentitySettings, KeySpec},
    config::Storage,
    runtime::block_on,
};

/// Of each class.
const SAMPLES: usize = 1_000_000;
/// Each round has an engine and ids of its own.
const ROUNDS: usize = 32;
/// Ids of each class in a round.
const IDS: usize = 512;
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

/// A key of a class: an id that exists with another secret, or an id that nobody made (twice, for the control).
#[derive(Clone, Copy, PartialEq)]
enum Class {
    WrongSecret,
    Unknown,
    AlsoUnknown,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut samples: Vec<(Class, f64)> = Vec::with_capacity(SAMPLES * 2);
    for round in 1..=ROUNDS {
        take(&mut samples)?;
        if std::io::stderr().is_terminal() {
            eprint!("\rround {round} of {ROUNDS}");
        }
    }
    let mut all: Vec<f64> = samples.iter().map(|(_, nanos)| *nanos).collect();
    all.sort_by(f64::total_cmp);
    let cut = all[(all.len() as f64 * KEPT) as usize];
    let kept = |classes: &[Class]| -> Vec<f64> {
        let chosen = samples.iter().filter(|(class, nanos)| classes.contains(class) && *nanos <= cut);
        chosen.map(|(_, nanos)| *nanos).collect()
    };
    let wrong = kept(&[Class::WrongSecret]);
    let (one, other) = (kept(&[Class::Unknown]), kept(&[Class::AlsoUnknown]));
    let unknown = kept(&[Class::Unknown, Class::AlsoUnknown]);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{SAMPLES} samples each, of {} ids each, the slowest 5 % cut; load {}", ROUNDS * IDS, load.trim());
    println!("wrong secret: mean {:.2} ns", mean(&wrong));
    println!("unknown id:   mean {:.2} ns", mean(&unknown));
    println!("control, one half of the unknown ids against the other: |t| = {:.2}", welch(&one, &other).abs());
    let t = welch(&wrong, &unknown).abs();
    println!("|t| = {t:.2} (limit 4.5)");
    if t < 4.5 { Ok(()) } else { Err("the two can be told apart by their time".into()) }
}

fn take(samples: &mut Vec<(Class, f64)>) -> Result<(), Box<dyn Error>> {
    let client = Tenantry::open(Options { storage: Some(Storage::Memory), ..Options::default() })?;
    client.admin().accounts().create_blocking("acme")?;
    client.admin().projects().create_blocking("acme", "prod")?;
    let identity = client.identity();
    let settings = identity.settings_blocking()?;
    identity.put_settings_blocking(IdentitySettings { max_keys: 100_000, ..settings })?;
    let spec = KeySpec { account_id: "acme".into(), project_id: "prod".into(), ..KeySpec::default() };
    let mut texts = Vec::new();
    for place in 0..IDS {
        let made = identity.keys().create_blocking(spec.clone())?;
        block_on(identity.verify(&made.key))?;
        texts.push((Class::WrongSecret, text(&made.record.id)?));
        let unknown = if place % 2 == 0 { Class::Unknown } else { Class::AlsoUnknown };
        texts.push((unknown, text(&BASE32.encode(&random::<15>()?))?));
    }
    // Every text once for nothing, so that no class meets colder memory than the other.
    for (_, text) in &texts {
        assert!(block_on(identity.verify(text)).is_err());
    }
    let mut picks = vec![0; SAMPLES / ROUNDS * 2 * 2];
    SystemRandom::new().fill(&mut picks).map_err(|_| "no random bytes")?;
    for pair in picks.chunks_exact(2) {
        let (class, text) = &texts[usize::from(u16::from_be_bytes([pair[0], pair[1]])) % texts.len()];
        let start = Instant::now();
        let refused = block_on(identity.verify(black_box(text))).is_err();
        samples.push((*class, start.elapsed().as_nanos() as f64));
        assert!(refused);
    }
    Ok(())
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
