//! Sockets: connections accepted, encrypted, bounded, and let end in peace. Owns what a peer can do to a connection before a
//! request is read.

use std::{convert::Infallible, io::IsTerminal as _, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tenantry::{Error, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tower_service::Service as _;

use crate::http::{App, Peer, router};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 10_000;
/// Most headers of one request; more are refused with 431.
const MAX_HEADERS: usize = 100;
/// Most bytes of one request's headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// How long a client may take to shake hands, or to send the headers of one request.
const PATIENCE: Duration = Duration::from_secs(15);

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

/// Binds an address.
///
/// # Errors
/// `address_unavailable`.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
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
pub async fn serve(listener: TcpListener, encrypted: Option<TlsAcceptor>, app: App, longest: Duration) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let service = router(app.clone());
    let builder = builder();
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
        let _ = stream.set_nodelay(true);
        let (app, service, builder) = (app.clone(), service.clone(), builder.clone());
        let (encrypted, watcher) = (encrypted.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            app.metrics().connections().inc();
            match encrypted {
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                        connection(&builder, stream, peer, service, watcher).await;
                    }
                }
                None => connection::<TcpStream>(&builder, stream, peer, service, watcher).await,
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

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(32 * 1024)
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .keep_alive_timeout(PATIENCE);
    builder
}

async fn connection<S>(
    builder: &Builder<TokioExecutor>,
    stream: S,
    peer: SocketAddr,
    service: Router,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = Peer(peer.to_string());
    let answers = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let mut service = service.clone();
        async move { Ok::<_, Infallible>(service.call(request.map(Body::new)).await.unwrap_or_else(|error| match error {})) }
    });
    // A connection that breaks is the peer's affair.
    let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), answers).into_owned()).await;
}
