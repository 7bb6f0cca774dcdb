//! Hostile addresses are refused, and a peer that misbehaves costs no more than was allowed.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Fetch, Net, check_url, client::admits};
use crate::{
    error::{Error, ErrorKind, Result},
    runtime,
};

const PATIENT: Duration = Duration::from_secs(30);

/// No URL of these may be asked for, whoever wrote it.
const REFUSED: &[(&str, &str)] = &[
    // Written plainly.
    ("https://127.0.0.1/", "address_not_allowed"),
    ("https://127.8.9.1:8443/keys", "address_not_allowed"),
    ("https://0.0.0.0/", "address_not_allowed"),
    ("https://0.1.2.3/", "address_not_allowed"),
    ("https://10.0.0.1/", "address_not_allowed"),
    ("https://10.255.255.255/", "address_not_allowed"),
    ("https://100.64.0.1/", "address_not_allowed"),
    ("https://100.100.100.200/latest/meta-data", "address_not_allowed"),
    ("https://100.127.255.255/", "address_not_allowed"),
    ("https://169.254.169.254/latest/meta-data", "address_not_allowed"),
    ("https://168.63.129.16/metadata", "address_not_allowed"),
    ("https://172.16.0.1/", "address_not_allowed"),
    ("https://172.31.255.255/", "address_not_allowed"),
    ("https://192.0.0.8/", "address_not_allowed"),
    ("https://192.0.2.1/", "address_not_allowed"),
    ("https://192.88.99.1/", "address_not_allowed"),
    ("https://192.168.0.1/", "address_not_allowed"),
    ("https://198.18.0.1/", "address_not_allowed"),
    ("https://198.19.255.255/", "address_not_allowed"),
    ("https://198.51.100.7/", "address_not_allowed"),
    ("https://203.0.113.7/", "address_not_allowed"),
    ("https://224.0.0.1/", "address_not_allowed"),
    ("https://239.255.255.250/", "address_not_allowed"),
    ("https://240.0.0.1/", "address_not_allowed"),
    ("https://255.255.255.255/", "address_not_allowed"),
    // Written oddly.
    ("https://2130706433/", "address_not_allowed"),
    ("https://0x7f000001/", "address_not_allowed"),
    ("https://0x7f.1/", "address_not_allowed"),
    ("https://0X7F.0.0.0x1/", "address_not_allowed"),
    ("https://017700000001/", "address_not_allowed"),
    ("https://0177.0.0.1/", "address_not_allowed"),
    ("https://127.1/", "address_not_allowed"),
    ("https://127.0.1/", "address_not_allowed"),
    ("https://127.0.0.1./", "address_not_allowed"),
    ("https://0/", "address_not_allowed"),
    ("https://3232235521/", "address_not_allowed"),
    ("https://0xa9fea9fe/", "address_not_allowed"),
    ("https://169.16689662/", "address_not_allowed"),
    ("https://%31%32%37.0.0.1/", "address_not_allowed"),
    ("https://127%2e0%2e0%2e1/", "address_not_allowed"),
    ("https://①②⑦.⓪.⓪.①/", "address_not_allowed"),
    ("https://127。0。0。1/", "address_not_allowed"),
    ("https:127.0.0.1/", "address_not_allowed"),
    ("https:////127.0.0.1/", "address_not_allowed"),
    ("HTTPS://127.0.0.1/", "address_not_allowed"),
    // IPv6, with IPv4 inside.
    ("https://[::]/", "address_not_allowed"),
    ("https://[::1]/", "address_not_allowed"),
    ("https://[0:0:0:0:0:0:0:1]:8443/", "address_not_allowed"),
    ("https://[::127.0.0.1]/", "address_not_allowed"),
    ("https://[::ffff:127.0.0.1]/", "address_not_allowed"),
    ("https://[::ffff:7f00:1]/", "address_not_allowed"),
    ("https://[::ffff:a9fe:a9fe]/", "address_not_allowed"),
    ("https://[::ffff:0:10.0.0.1]/", "address_not_allowed"),
    ("https://[64:ff9b::10.0.0.1]/", "address_not_allowed"),
    ("https://[64:ff9b::a9fe:a9fe]/", "address_not_allowed"),
    ("https://[64:ff9b:1::1]/", "address_not_allowed"),
    ("https://[2002:7f00:1::]/", "address_not_allowed"),
    ("https://[2002:c0a8:1::1]/", "address_not_allowed"),
    ("https://[100::1]/", "address_not_allowed"),
    ("https://[2001::1]/", "address_not_allowed"),
    ("https://[2001:db8::1]/", "address_not_allowed"),
    ("https://[3fff::1]/", "address_not_allowed"),
    ("https://[5f00::1]/", "address_not_allowed"),
    ("https://[fc00::1]/", "address_not_allowed"),
    ("https://[fd00:ec2::254]/", "address_not_allowed"),
    ("https://[fe80::1]/", "address_not_allowed"),
    ("https://[fec0::1]/", "address_not_allowed"),
    ("https://[ff02::1]/", "address_not_allowed"),
    // Not a URL we fetch.
    ("http://keys.example.com/", "url_invalid"),
    ("http://127.0.0.1/", "url_invalid"),
    ("ftp://keys.example.com/", "url_invalid"),
    ("file:///etc/passwd", "url_invalid"),
    ("gopher://keys.example.com/", "url_invalid"),
    ("data:application/json,{}", "url_invalid"),
    ("unix:/run/docker.sock", "url_invalid"),
    ("https://", "url_invalid"),
    ("https:///", "url_invalid"),
    ("https://user@keys.example.com/", "url_invalid"),
    ("https://user:word@keys.example.com/", "url_invalid"),
    ("https://:word@keys.example.com/", "url_invalid"),
    ("https://keys.example.com@127.0.0.1/", "url_invalid"),
    ("https://keys.example.com\\@127.0.0.1/", "url_invalid"),
    ("https:\\\\127.0.0.1/", "url_invalid"),
    ("https://keys.example.com/a b", "url_invalid"),
    (" https://keys.example.com/", "url_invalid"),
    ("https://keys.exam\tple.com/", "url_invalid"),
    ("https://keys.example.com/\r\nHost: inside", "url_invalid"),
    ("https://keys.example.com/\0", "url_invalid"),
    ("https://keys.example.com:0/", "url_invalid"),
    ("https://keys.example.com:70000/", "url_invalid"),
    ("https://256.256.256.256/", "url_invalid"),
    ("https://[fe80::1%25eth0]/", "url_invalid"),
    ("https://[::1", "url_invalid"),
    ("//keys.example.com/", "url_invalid"),
    ("keys.example.com", "url_invalid"),
    ("", "url_invalid"),
];

/// What must keep working.
const ADMITTED: &[&str] = &[
    "https://keys.example.com/.well-known/jwks.json?tenant=a",
    "https://keys.example.com:8443/",
    "https://bücher.example/",
    "https://8.8.8.8/",
    "https://100.63.255.255/",
    "https://100.128.0.1/",
    "https://172.15.0.1/",
    "https://172.32.0.1/",
    "https://192.0.1.1/",
    "https://223.255.255.255/",
    "https://[2606:4700::1111]/",
    "https://[2001:4860:4860::8888]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::8.8.8.8]/",
    "https://[2002:808:808::1]/",
];

fn fetch(url: &str, max_bytes: usize, deadline: Duration) -> Result<Vec<u8>> {
    runtime::block_on(Net::new().get(&Fetch { url, private_network: true, max_bytes, deadline }))
}

fn fetch_public(url: &str) -> Error {
    let fetch = Fetch { url, private_network: false, max_bytes: 100, deadline: PATIENT };
    runtime::block_on(Net::new().get(&fetch)).unwrap_err()
}

#[test]
fn hostile_urls_are_refused() {
    assert!(REFUSED.len() >= 60);
    for (url, code) in REFUSED {
        let refused = check_url(url, false).expect_err(url);
        assert_eq!(refused.code(), *code, "{url:?}");
        assert_eq!(fetch_public(url).code(), *code, "{url:?}");
    }
    assert_eq!(
        check_url(&format!("https://keys.example.com/{}", "a".repeat(3_000)), false).unwrap_err().code(),
        "url_invalid"
    );
    for url in ADMITTED {
        assert_eq!(check_url(url, false), Ok(()), "{url:?}");
    }
}

#[test]
fn a_private_network_opens_addresses_but_not_schemes_and_credentials() {
    for url in ["http://127.0.0.1:8080/", "http://keycloak/", "https://10.0.0.1/", "https://[fd00::1]/"] {
        assert_eq!(check_url(url, true), Ok(()), "{url}");
    }
    for url in ["ftp://10.0.0.1/", "file:///etc/passwd", "http://user@10.0.0.1/", "http://:word@10.0.0.1/"] {
        assert_eq!(check_url(url, true).unwrap_err().code(), "url_invalid", "{url}");
    }
}

#[test]
fn messages_hold_no_path_and_no_address_found() {
    let refused = fetch_public("https://localhost:1/path-secret?query-secret");
    let all = format!("{refused} {refused:?}");
    assert!(!all.contains("secret") && !all.contains("127.0.0.1") && !all.contains("::1"), "{all}");
    let failed = fetch("http://127.0.0.1:1/path-secret?query-secret", 100, PATIENT).unwrap_err();
    let all = format!("{failed} {failed:?}");
    assert_eq!((failed.kind(), failed.code()), (ErrorKind::Unavailable, "fetch_failed"));
    assert!(!all.contains("secret"), "{all}");
}

#[test]
fn a_name_that_resolves_to_the_inside_is_refused() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    for host in ["localhost", "LOCALHOST"] {
        let refused = fetch_public(&format!("https://{host}:{}/", peer.at.port()));
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::PermissionDenied, "address_not_allowed"), "{host}");
    }
    assert_eq!(peer.connections(), 0);
    assert_eq!(fetch(&format!("http://localhost:{}/", peer.at.port()), 100, PATIENT), Ok(b"{}".to_vec()));
}

#[test]
fn one_inside_address_spoils_a_name() {
    let at = |text: &str| -> SocketAddr { text.parse().unwrap() };
    assert!(admits(&[at("8.8.8.8:0"), at("[2606:4700::1111]:0")]));
    assert!(!admits(&[at("8.8.8.8:0"), at("10.0.0.1:0")]));
    assert!(!admits(&[at("[::1]:0"), at("8.8.8.8:0")]));
}

#[test]
fn a_good_answer_is_read_in_one_piece_or_many() {
    let whole = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(fetch(&whole.url(), 5, PATIENT), Ok(b"hello".to_vec()));
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    let pieces = Peer::answering(chunks);
    assert_eq!(fetch(&pieces.url(), 5, PATIENT), Ok(b"hello".to_vec()));
    let net = Net::new();
    for _ in 0..2 {
        let fetch = Fetch { url: &whole.url(), private_network: true, max_bytes: 5, deadline: PATIENT };
        assert_eq!(runtime::block_on(net.get(&fetch)), Ok(b"hello".to_vec()));
    }
    assert_eq!(whole.connections(), 3, "every request looks the host up and connects anew");
}

#[test]
fn only_200_counts_and_redirects_are_not_followed() {
    let inside = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret");
    for status in [301, 302, 303, 307, 308] {
        let location = inside.url();
        let peer =
            Peer::answering(&format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"));
        let refused = fetch(&peer.url(), 100, PATIENT).unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "fetch_failed"));
        assert!(refused.message().contains(&status.to_string()), "{refused}");
    }
    assert_eq!(inside.connections(), 0);
    for status in [201, 204, 206, 304, 404, 500] {
        let peer = Peer::answering(&format!("HTTP/1.1 {status} Odd\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(fetch(&peer.url(), 100, PATIENT).unwrap_err().code(), "fetch_failed", "{status}");
    }
}

#[test]
fn a_body_too_long_is_refused_announced_or_not() {
    let long = "a".repeat(101);
    let announced = Peer::answering(&format!("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n{long}"));
    let chunked =
        Peer::answering(&format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{long}\r\n0\r\n\r\n"));
    let until_closed = Peer::answering(&format!("HTTP/1.1 200 OK\r\n\r\n{long}"));
    for peer in [&announced, &chunked, &until_closed] {
        let refused = fetch(&peer.url(), 100, PATIENT).unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, "response_too_large"));
        assert_eq!(fetch(&peer.url(), 101, PATIENT).map(|body| body.len()), Ok(101));
    }
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n";
    assert_eq!(fetch(&Peer::answering(endless).url(), 100, PATIENT).unwrap_err().code(), "response_too_large");
}

#[test]
fn a_broken_answer_is_a_failure() {
    for answer in ["", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"] {
        let failed = fetch(&Peer::answering(answer).url(), 100, PATIENT).unwrap_err();
        assert_eq!((failed.kind(), failed.code()), (ErrorKind::Unavailable, "fetch_failed"), "{answer:?}");
    }
    let not_tls = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let failed = fetch(&not_tls.url().replace("http:", "https:"), 100, PATIENT).unwrap_err();
    assert_eq!(failed.code(), "fetch_failed");
}

#[test]
fn a_slow_peer_is_left_at_the_deadline_wherever_it_stalls() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"] {
        let peer = Peer::stalling(answer);
        let started = Instant::now();
        let late = fetch(&peer.url(), 100, Duration::from_millis(150)).unwrap_err();
        assert_eq!((late.kind(), late.code()), (ErrorKind::Timeout, "deadline_exceeded"), "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}

#[test]
fn a_request_works_from_another_runtime_and_from_none() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let url = peer.url();
    assert_eq!(fetch(&url, 100, PATIENT), Ok(b"{}".to_vec()));
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let fetch = Fetch { url: &url, private_network: true, max_bytes: 100, deadline: PATIENT };
    assert_eq!(other.block_on(Net::new().get(&fetch)), Ok(b"{}".to_vec()));
}

/// A real server that says the same to everybody.
struct Peer {
    at: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    fn answering(answer: &str) -> Self {
        Self::start(answer, false)
    }

    /// Says its part and then nothing, with the connection open.
    fn stalling(answer: &str) -> Self {
        Self::start(answer, true)
    }

    fn start(answer: &str, stall: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&connections), answer.to_owned());
        // Ends with the test process.
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { continue };
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4_096];
                let _ = connection.read(&mut request);
                let _ = connection.write_all(answer.as_bytes());
                if stall {
                    open.push(connection);
                }
            }
        });
        Self { at, connections }
    }

    fn url(&self) -> String {
        format!("http://{}/path?query", self.at)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}
