//! Sockets: connections accepted, encrypted, bounded, and let end in peace. Owns what a peer can do to a connection before a
//! request is read.

use std::{
    collections::HashMap,
    convert::Infallible,
    io::IsTerminal as _,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use parking_lot::Mutex;
use tenantry::{Error, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::{
    http::{App, MAX_HEADERS, Peer, Service},
    metrics::Metrics,
    pace::{Pace, Paced},
};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 10_000;
/// Most connections from one address of another machine.
const MAX_OF_PEER: usize = 1_000;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Most bytes of answers on their way to one client.
const SEND_BUFFER: u32 = 256 * 1024;
/// Most bytes of one request's headers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// How long a client may take to shake hands, to send the headers of one request once they begin, or to take what fills its
/// buffer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate chain and its key, in PEM.
pub fn tls(certificates: &Path, key: &Path) -> Result<TlsAcceptor> {
    let wrong = |what: &Path| {
        Error::invalid("tls_invalid", format!("`{}` holds no certificate or key that can be used", what.display()))
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect).map_err(|_| wrong(certificates))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| wrong(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::internal("no TLS version is left"))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|_| wrong(certificates))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The address that `HOST:PORT` names, where the host is an address or a name; of several one of IPv4, since every client
/// of this machine finds that.
///
/// # Errors
/// `address_unavailable` for a name without an address.
pub async fn resolve(named: &str) -> Result<SocketAddr> {
    let unknown = || {
        Error::unavailable("address_unavailable", format!("cannot listen on `{named}`: the name has no address here"))
            .with_help("give an address of this machine and a port, e.g. 127.0.0.1:8787")
    };
    let found: Vec<SocketAddr> = tokio::net::lookup_host(named).await.map_err(|_| unknown())?.collect();
    found.iter().find(|address| address.is_ipv4()).or_else(|| found.first()).copied().ok_or_else(unknown)
}

/// Binds an address.
///
/// # Errors
/// `address_unavailable`.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listening = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Elsewhere it means that another process may take the address.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        // Room for the first is made long before the last is read: with megabytes on the way, who reads slowly seems not to.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listening().map_err(|error: std::io::Error| {
        Error::unavailable("address_unavailable", format!("cannot listen on {address}"))
            .with_help("choose another with --listen, or end what listens there")
            .with_source(error)
    })
}

/// Where the log goes: lines of JSON on standard error.
pub fn log_to_stderr() {
    // A second server in one process, as in tests, keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}

/// Serves until `app.ending()`, then lets what is under way end, for at most `longest`.
///
/// Behind a proxy nobody is taken for this machine, whatever address its connections come from.
pub async fn serve(
    listener: TcpListener,
    encrypted: Option<TlsAcceptor>,
    app: App,
    longest: Duration,
    behind_proxy: bool,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let service = Service::new(app.clone());
    let peers: Arc<Peers> = Arc::default();
    loop {
        let (stream, peer) = tokio::select! {
            () = app.ending().cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Out of descriptors, most likely: some come back in a moment.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            app.metrics().refused();
            continue;
        };
        let Some(of_peer) = OfPeer::enter(&peers, peer.ip(), behind_proxy) else {
            app.metrics().refused();
            continue;
        };
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(PATIENCE));
        let stream = Box::pin(stream);
        let (app, service) = (app.clone(), service.clone());
        let (encrypted, watcher) = (encrypted.clone(), graceful.watcher());
        let peer = Peer(if behind_proxy { "proxied".into() } else { peer.to_string() });
        tokio::spawn(async move {
            let _held = (place, of_peer);
            app.metrics().connections().inc();
            match encrypted {
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        connection(http2, stream, peer, service, watcher, &app).await;
                    }
                }
                None => connection(false, stream, peer, service, watcher, &app).await,
            }
            app.metrics().connections().dec();
        });
    }
    drop(listener);
    let drained = app.drain(longest).await;
    let ended = tokio::time::timeout(longest.min(Duration::from_secs(5)), graceful.shutdown()).await;
    if !drained || ended.is_err() {
        tracing::warn!("requests or connections were still open when the time to drain was over");
    }
}

/// The version is settled beforehand, by TLS: finding it out from the first bytes would wait for them for ever.
fn builder(http2: bool, idle: Duration) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = if http2 { builder.http2_only() } else { builder.http1_only() };
    builder
        .http1()
        .timer(TokioTimer::new())
        // It counts from the answer before on, and how long that may be ago is for the stream below to say.
        .header_read_timeout(idle.saturating_add(PATIENCE))
        // A client that has sent its request and hangs up has still asked.
        .half_close(true)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES as usize)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .keep_alive_timeout(PATIENCE);
    builder
}

type Peers = Mutex<HashMap<IpAddr, usize>>;

/// One of the connections of an address.
struct OfPeer {
    peers: Arc<Peers>,
    address: Option<IpAddr>,
}

impl OfPeer {
    /// None when the address has as many as it may. This machine, and a proxy, may have all there are.
    fn enter(peers: &Arc<Peers>, address: IpAddr, behind_proxy: bool) -> Option<Self> {
        let address = address.to_canonical();
        if behind_proxy || address.is_loopback() {
            return Some(Self { peers: Arc::clone(peers), address: None });
        }
        let mut counts = peers.lock();
        let count = counts.entry(address).or_default();
        if *count >= MAX_OF_PEER {
            return None;
        }
        *count += 1;
        Some(Self { peers: Arc::clone(peers), address: Some(address) })
    }
}

impl Drop for OfPeer {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut counts = self.peers.lock();
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

async fn connection<S>(
    http2: bool,
    stream: S,
    peer: Peer,
    service: Service,
    watcher: hyper_util::server::graceful::Watcher,
    app: &App,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (metrics, idle): (&Metrics, Duration) = (app.metrics(), app.settings().idle);
    let (pace, builder) = (Pace::default(), builder(http2, idle));
    let of_connection = pace.clone();
    let answers = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (service, pace) = (service.clone(), of_connection.clone());
        pace.asked();
        async move {
            let answer = service.answer(request.map(Body::new)).await;
            pace.answered();
            Ok::<_, Infallible>(answer)
        }
    });
    // A connection that breaks is the peer's affair; what hyper refuses as no request is counted like what we refuse.
    let ended = if http2 {
        watcher.watch(builder.serve_connection(TokioIo::new(stream), answers).into_owned()).await
    } else {
        let stream = Paced::new(stream, pace, idle, PATIENCE);
        watcher.watch(builder.serve_connection(TokioIo::new(stream), answers).into_owned()).await
    };
    let refused = ended.err().and_then(|error| error.downcast::<hyper::Error>().ok());
    match refused {
        Some(error) if error.is_parse_too_large() => metrics.failed("headers_too_many"),
        Some(error) if error.is_parse() => metrics.failed("http_malformed"),
        _ => {}
    }
}
