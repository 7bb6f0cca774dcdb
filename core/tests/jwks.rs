//! Published keys against a real HTTP server that can be switched, on a clock that moves when told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    future::Future,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use data_encoding::BASE64URL_NOPAD;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use tenantry::{
    Error, ErrorKind, Result,
    clock::ManualClock,
    identity::{jwk::VerifyingKey, jwks::KeySets},
    net::Net,
    runtime,
};

const ISSUER: &str = "https://issuer.example";
const WINDOW: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn key_sets() -> (KeySets, ManualClock) {
    let clock = ManualClock::at(1_700_000_000_000_000);
    (KeySets::new(Net::new(), Arc::new(clock.clone())), clock)
}

fn look(sets: &KeySets, peer: &Peer, kid: &str) -> Result<Arc<VerifyingKey>> {
    runtime::block_on(sets.key(ISSUER, &peer.url(), true, Some(kid), |_| true))
}

fn refusal(sets: &KeySets, peer: &Peer, kid: &str) -> (ErrorKind, String) {
    let error = look(sets, peer, kid).err().unwrap_or_else(|| panic!("`{kid}` was found"));
    (error.kind(), error.code().to_owned())
}

fn unknown() -> (ErrorKind, String) {
    (ErrorKind::Unauthenticated, "token_key_unknown".into())
}

fn unavailable() -> (ErrorKind, String) {
    (ErrorKind::Unavailable, "jwks_unavailable".into())
}

/// The middle and the worst of what one look took.
fn measured(looks: &mut [Duration]) -> String {
    looks.sort();
    format!("median {:?}, p99 {:?}", looks[looks.len() / 2], looks[looks.len() * 99 / 100])
}

fn timed_look(sets: &KeySets, peer_url: &str) -> Duration {
    let started = Instant::now();
    runtime::block_on(sets.key(ISSUER, peer_url, true, Some("good"), |_| true)).unwrap();
    started.elapsed()
}

#[test]
fn kid_flood() {
    let peer = Peer::publishing(&set(&["good"]));
    let (sets, clock) = key_sets();
    let url = peer.url();
    look(&sets, &peer, "good").unwrap();
    let mut before: Vec<Duration> = (0..10_000).map(|_| timed_look(&sets, &url)).collect();
    let mut during = Vec::new();
    for window in 0..4_u64 {
        for number in 0..25_000_u64 {
            let kid = format!("invented-{window}-{number}");
            assert_eq!(refusal(&sets, &peer, &kid), unknown());
            if number % 10 == 0 {
                during.push(timed_look(&sets, &url));
            }
        }
        assert!(sets.fetches() <= window + 1, "{} fetches in window {window}", sets.fetches());
        assert_eq!(sets.fetches(), peer.requests() as u64);
        clock.advance(WINDOW);
    }
    println!(
        "100,000 unknown kids, 4 windows of 10 s: {} fetches; good kid before: {}; during: {}",
        sets.fetches(),
        measured(&mut before),
        measured(&mut during)
    );
}

#[test]
fn a_flood_while_the_issuer_hangs_delays_nobody_whose_key_is_known() {
    let peer = Peer::publishing(&set(&["good"]));
    let (sets, clock) = key_sets();
    let sets = Arc::new(sets);
    look(&sets, &peer, "good").unwrap();
    peer.switch(Mode::Hang);
    clock.advance(WINDOW);
    let flood: Vec<_> = (0..200)
        .map(|number| {
            let (sets, url) = (Arc::clone(&sets), peer.url());
            let handle = runtime::handle().unwrap();
            handle.spawn(async move {
                sets.key(ISSUER, &url, true, Some(&format!("invented-{number}")), |_| true).await.map(|_| ())
            })
        })
        .collect();
    peer.wait_for_requests(2);
    for _ in 0..1_000 {
        look(&sets, &peer, "good").unwrap();
    }
    // Most of the flood was turned away at once; only a few may wait for the fetch that hangs.
    wait_until(|| flood.iter().filter(|task| task.is_finished()).count() >= 136);
    assert_eq!(flood.iter().filter(|task| !task.is_finished()).count(), 64);
    assert_eq!(sets.fetches(), 2);
    peer.switch(Mode::Fail);
    for task in flood {
        let error = on_runtime(task).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthenticated, "token_key_unknown"));
    }
}

#[test]
fn same_kid_two_issuers() {
    let (one, two) = (Peer::publishing(&set(&["same"])), Peer::publishing(&set(&["same"])));
    let (sets, _clock) = key_sets();
    let key = |issuer: &str, peer: &Peer| {
        runtime::block_on(sets.key(issuer, &peer.url(), true, Some("same"), |_| true)).unwrap()
    };
    let (first, second) = (key("one", &one), key("two", &two));
    assert!(!Arc::ptr_eq(&first, &second));
    // Also when one claims the other's address, or the other's name with an address of its own.
    let (third, fourth) = (key("two", &one), key("one", &two));
    for (issuer, peer, expected) in [("one", &one, &first), ("two", &two, &second), ("two", &one, &third)] {
        assert!(Arc::ptr_eq(&key(issuer, peer), expected));
    }
    assert!(!Arc::ptr_eq(&fourth, &first) && !Arc::ptr_eq(&third, &first));
    assert_eq!((one.requests(), two.requests(), sets.fetches()), (2, 2, 4));
    // A set that may only be fetched from outside is not answered with one fetched from inside.
    let outside = runtime::block_on(sets.key("one", &one.url(), false, Some("same"), |_| true));
    assert_eq!(outside.err().unwrap().code(), "jwks_unavailable");
    sets.forget("one");
    assert!(!Arc::ptr_eq(&key("one", &one), &first), "forgotten");
    assert!(Arc::ptr_eq(&key("two", &two), &second), "not forgotten");
    sets.forget("never seen");
}

#[test]
fn rotation() {
    let peer = Peer::publishing(&set(&["old"]));
    let (sets, clock) = key_sets();
    look(&sets, &peer, "old").unwrap();
    peer.switch(Mode::Publish(set(&["new", "old"])));
    assert_eq!(refusal(&sets, &peer, "new"), unknown(), "the first fetch was just now");
    clock.advance(WINDOW - Duration::from_millis(1));
    assert_eq!(refusal(&sets, &peer, "new"), unknown());
    assert_eq!(sets.fetches(), 1);
    clock.advance(Duration::from_millis(1));
    look(&sets, &peer, "new").unwrap();
    look(&sets, &peer, "old").unwrap();
    assert_eq!(sets.fetches(), 2);

    peer.switch(Mode::Publish(set(&["new"])));
    clock.advance(5 * MINUTE);
    look(&sets, &peer, "new").unwrap();
    // The unknown name waits for the refresh the look before it started.
    assert_eq!(refusal(&sets, &peer, "newer"), unknown());
    assert_eq!(refusal(&sets, &peer, "old"), unknown(), "no longer published");
    assert_eq!(sets.fetches(), 3);
}

#[test]
fn outage() {
    let mut peer = Peer::publishing(&set(&["good"]));
    let (sets, clock) = key_sets();
    look(&sets, &peer, "good").unwrap();
    let too_many = Mode::Publish(json!({"keys": vec![json!({}); 101]}).to_string());
    let too_long = Mode::Publish(format!("{}{}", set(&["good"]), " ".repeat(256 * 1024)));
    for failure in [Mode::Fail, Mode::Garbage, too_many, too_long] {
        let before = sets.fetches();
        peer.switch(failure);
        clock.advance(6 * MINUTE);
        look(&sets, &peer, "good").unwrap();
        assert_eq!(refusal(&sets, &peer, "other"), unknown());
        assert_eq!(sets.fetches(), before + 1);
    }
    peer.stop();
    for _ in 0..23 {
        clock.advance(HOUR);
        look(&sets, &peer, "good").unwrap();
        assert_eq!(refusal(&sets, &peer, "other"), unknown());
    }
    // 24 minutes and 23 hours have passed.
    clock.advance(36 * MINUTE - Duration::from_nanos(1));
    look(&sets, &peer, "good").unwrap();
    assert_eq!(refusal(&sets, &peer, "other"), unknown());
    clock.advance(Duration::from_nanos(1));
    let fetched = sets.fetches();
    let error = look(&sets, &peer, "good").err().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "jwks_unavailable"));
    assert_eq!((error.retry_after(), sets.fetches()), (Some(WINDOW - Duration::from_nanos(1)), fetched), "not before");
    clock.advance(WINDOW);
    assert_eq!(refusal(&sets, &peer, "good"), unavailable());
    assert_eq!(sets.fetches(), fetched + 1);
    peer.restart();
    peer.switch(Mode::Publish(set(&["good"])));
    assert_eq!(refusal(&sets, &peer, "good"), unavailable(), "a failed fetch opens no new window");
    clock.advance(WINDOW);
    look(&sets, &peer, "good").unwrap();
    assert_eq!(sets.fetches(), fetched + 2);
}

#[test]
fn an_issuer_that_never_answered_is_asked_once_in_ten_seconds() {
    let peer = Peer::publishing("");
    peer.switch(Mode::Fail);
    let (sets, clock) = key_sets();
    for window in 1..=3 {
        for _ in 0..1_000 {
            assert_eq!(refusal(&sets, &peer, "good"), unavailable());
        }
        assert_eq!(sets.fetches(), window);
        clock.advance(WINDOW);
    }
    peer.switch(Mode::Publish(set(&["good"])));
    look(&sets, &peer, "good").unwrap();
    let inside = runtime::block_on(sets.key("inside", "https://10.0.0.1/", false, None, |_| true)).err().unwrap();
    assert_eq!(inside.code(), "jwks_unavailable");
    let help = inside.help().unwrap();
    assert!(
        help.contains("private_network") && !help.contains("10.0.0.1"),
        "the cause is told, the address is not: {inside}"
    );
}

#[test]
fn single_flight() {
    let peer = Peer::publishing(&set(&["good"]));
    peer.switch(Mode::Hang);
    let (sets, _clock) = key_sets();
    let sets = Arc::new(sets);
    // The first caller starts the fetch and is gone before it ends.
    {
        let url = peer.url();
        let first = pin!(sets.key(ISSUER, &url, true, Some("good"), |_| true));
        assert!(first.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let (sets, url) = (Arc::clone(&sets), peer.url());
            let handle = runtime::handle().unwrap();
            handle.spawn(async move { sets.key(ISSUER, &url, true, Some("good"), |_| true).await })
        })
        .collect();
    peer.wait_for_requests(1);
    peer.switch(Mode::Publish(set(&["good"])));
    let keys: Vec<_> = callers.into_iter().map(|caller| on_runtime(caller).unwrap()).collect();
    assert!(keys.iter().all(|key| Arc::ptr_eq(key, &keys[0])));
    assert_eq!((peer.requests(), sets.fetches()), (1, 1));
}

#[test]
fn a_background_refresh_delays_nobody() {
    let peer = Peer::publishing(&set(&["good"]));
    let (sets, clock) = key_sets();
    let first = look(&sets, &peer, "good").unwrap();
    peer.switch(Mode::Hang);
    clock.advance(5 * MINUTE);
    for _ in 0..1_000 {
        let url = peer.url();
        let ready = pin!(sets.key(ISSUER, &url, true, Some("good"), |_| true));
        // Ready at the first poll: there is nothing to wait for.
        let std::task::Poll::Ready(key) = ready.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("a known key was waited for")
        };
        assert!(Arc::ptr_eq(&key.unwrap(), &first));
    }
    peer.wait_for_requests(2);
    clock.advance(HOUR);
    look(&sets, &peer, "good").unwrap();
    assert_eq!((peer.requests(), sets.fetches()), (2, 2), "one at a time, however long it takes");
    peer.switch(Mode::Publish(set(&["good", "new"])));
    look(&sets, &peer, "new").unwrap();
    // An hour old when it came: the look above started one more, which brought or will bring the same.
    assert!(sets.fetches() <= 3);
}

#[test]
fn a_token_without_kid_gets_the_only_key_that_fits() {
    let peer = Peer::publishing(&set(&["one", "two", "three", "twice", "twice"]));
    let (sets, clock) = key_sets();
    let key = |kid: Option<&str>, fits: &dyn Fn(&VerifyingKey) -> bool| {
        runtime::block_on(sets.key(ISSUER, &peer.url(), true, kid, fits))
            .map_err(|error: Error| error.code().to_owned())
    };
    let one = key(Some("one"), &|_| true).unwrap();
    let is_one = |key: &VerifyingKey| std::ptr::eq(key, &*one);
    assert!(Arc::ptr_eq(&key(None, &is_one).unwrap(), &one));
    assert_eq!(key(None, &|_| true).err().unwrap(), "token_key_ambiguous");
    assert_eq!(key(None, &|_| false).err().unwrap(), "token_key_unknown");
    assert_eq!(key(Some("twice"), &|_| true).err().unwrap(), "token_key_ambiguous", "a kid of two keys names neither");
    // A name is enough where only one key has it; what does not fit is the verifier's to say.
    assert!(key(Some("one"), &|_| false).is_ok());
    peer.switch(Mode::Publish(set(&["only"])));
    clock.advance(WINDOW);
    assert!(key(None, &|key| !is_one(key) && sets.fetches() > 1).is_ok());
}

#[test]
fn a_clock_set_back_neither_fetches_more_nor_stops() {
    let peer = Peer::publishing(&set(&["good"]));
    let (sets, clock) = key_sets();
    clock.advance(48 * HOUR);
    look(&sets, &peer, "good").unwrap();
    for step in 1..=20 {
        clock.step_back(HOUR);
        for _ in 0..10 {
            assert_eq!(refusal(&sets, &peer, "other"), unknown());
            look(&sets, &peer, "good").unwrap();
        }
        assert_eq!(sets.fetches(), step, "a step back is no time passed");
        // What was just fetched may count from a little before the step.
        clock.advance(WINDOW + Duration::from_secs(1));
        assert_eq!(refusal(&sets, &peer, "other"), unknown());
        assert_eq!(sets.fetches(), step + 1, "nor does it have to be caught up with");
    }
    // Many small steps add up to nothing either way.
    for _ in 0..100 {
        clock.step_back(Duration::from_millis(900));
        assert_eq!(refusal(&sets, &peer, "other"), unknown());
    }
    assert_eq!(sets.fetches(), 21);
}

#[test]
fn ten_thousand_issuers_are_kept_and_the_idle_make_room() {
    let peer = Peer::publishing(&set(&["good"]));
    let (sets, clock) = key_sets();
    let good = look(&sets, &peer, "good").unwrap();
    // Refused before anything is sent, and counted as any other fetch.
    let try_one = |number: usize| {
        let issuer = format!("issuer {number}");
        runtime::block_on(sets.key(&issuer, "https://10.0.0.1/", false, None, |_| true)).err().unwrap()
    };
    for number in 1..10_000 {
        assert_eq!(try_one(number).code(), "jwks_unavailable");
    }
    assert_eq!(sets.fetches(), 10_000);
    for number in 0..100 {
        assert_eq!(try_one(10_000 + number).code(), "jwks_unavailable");
    }
    assert_eq!(sets.fetches(), 10_000, "no set is pushed out while that would let it be fetched again too soon");
    clock.advance(WINDOW);
    assert!(Arc::ptr_eq(&look(&sets, &peer, "good").unwrap(), &good));
    for number in 0..100 {
        try_one(10_000 + number);
    }
    assert_eq!(sets.fetches(), 10_100);
    assert!(Arc::ptr_eq(&look(&sets, &peer, "good").unwrap(), &good), "who is used stays");
}

/// A P-256 key pair's public half, named `kid`.
fn jwk(kid: &str) -> Value {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    // 4, then both coordinates.
    let point = pair.public_key().as_ref();
    let (x, y) = (BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..65]));
    json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y})
}

fn set(kids: &[&str]) -> String {
    json!({"keys": kids.iter().map(|kid| jwk(kid)).collect::<Vec<_>>()}).to_string()
}

fn on_runtime<T: Send + 'static>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    runtime::block_on(async move { task.await.unwrap() })
}

fn wait_until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "nothing happened");
        std::thread::yield_now();
    }
}

/// What the server does with those who ask, also with those it keeps waiting.
#[derive(Clone)]
enum Mode {
    Publish(String),
    Fail,
    Garbage,
    Hang,
    Stop,
}

/// An issuer's web server.
struct Peer {
    at: SocketAddr,
    mode: Arc<(Mutex<Mode>, Condvar)>,
    requests: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    fn publishing(body: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mode = Arc::new((Mutex::new(Mode::Publish(body.to_owned())), Condvar::new()));
        let mut peer = Self { at: listener.local_addr().unwrap(), mode, requests: Arc::default(), thread: None };
        peer.listen(listener);
        peer
    }

    fn listen(&mut self, listener: TcpListener) {
        let (mode, requests) = (Arc::clone(&self.mode), Arc::clone(&self.requests));
        self.thread = Some(std::thread::spawn(move || {
            for connection in listener.incoming() {
                if matches!(*mode.0.lock().unwrap_or_else(PoisonError::into_inner), Mode::Stop) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let (mode, requests) = (Arc::clone(&mode), Arc::clone(&requests));
                std::thread::spawn(move || answer(connection, &mode, &requests));
            }
        }));
    }

    fn url(&self) -> String {
        format!("http://{}/.well-known/jwks.json", self.at)
    }

    fn switch(&self, mode: Mode) {
        *self.mode.0.lock().unwrap_or_else(PoisonError::into_inner) = mode;
        self.mode.1.notify_all();
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn wait_for_requests(&self, count: usize) {
        wait_until(|| self.requests() >= count);
    }

    /// Nobody listens any more.
    fn stop(&mut self) {
        self.switch(Mode::Stop);
        let _ = TcpStream::connect(self.at);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Listens again where it did.
    fn restart(&mut self) {
        self.switch(Mode::Fail);
        self.listen(TcpListener::bind(self.at).unwrap());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn answer(mut connection: TcpStream, mode: &(Mutex<Mode>, Condvar), requests: &AtomicUsize) {
    let mut request = [0; 4_096];
    if !matches!(connection.read(&mut request), Ok(1..)) {
        return;
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let locked = mode.0.lock().unwrap_or_else(PoisonError::into_inner);
    let hangs = |mode: &mut Mode| matches!(mode, Mode::Hang);
    let now = mode.1.wait_while(locked, hangs).unwrap_or_else(PoisonError::into_inner).clone();
    let (status, body) = match now {
        Mode::Publish(body) => ("200 OK", body),
        Mode::Garbage => ("200 OK", "<html>".into()),
        Mode::Fail | Mode::Hang => ("500 Internal Server Error", String::new()),
        Mode::Stop => return,
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = connection.write_all(format!("{head}{body}").as_bytes());
}
