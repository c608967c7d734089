//! Connections: each bounded in time, all together in number. Nobody who sends slowly, or never reads, holds one for long.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::peer::Peer;
use super::serve::{Bounds, REQUEST_TIME, no_room};

/// Connections beyond those that there is room for, which are told so at once; still others are closed without a word.
const TURNED_AWAY_MAX: usize = 64;
/// Files that the process needs beside connections: the database's, the log, connections to others.
const FILES_BESIDE: u64 = 256;
/// The longest that somebody for whom there is no room may take to ask.
const TURNED_AWAY_TIME: Duration = Duration::from_secs(1);
/// The largest head of a request: ours has a token and a query, and gateways add some lines.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// The longest that a connection is kept, in use or not: whoever never reads an answer gives it back then.
const CONNECTION_TIME: Duration = Duration::from_secs(10 * 60);
/// How long accepting pauses when the system has no file for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `end` comes, and then until what is in work is answered.
pub(super) async fn serve(
    listener: TcpListener,
    gateways: Arc<[IpAddr]>,
    router: Router,
    bounds: Bounds,
    end: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(files_for(bounds.connections)));
    let porch = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
    let (stop, stopped) = watch::channel(false);
    let (mut talks, mut end) = (JoinSet::new(), pin!(end));
    loop {
        let (stream, address) = tokio::select! {
            () = &mut end => break,
            Some(_) = talks.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(code = "accept", "no connection could be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let stopped = stopped.clone();
        if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
            let (router, gateways) = (TowerToHyperService::new(router.clone()), Arc::clone(&gateways));
            talks.spawn(async move {
                let answer = service_fn(move |mut request: Request<Incoming>| {
                    let peer = Peer::of(address, request.headers(), &gateways);
                    request.extensions_mut().insert(peer);
                    router.call(request)
                });
                talk(stream, answer, bounds.head_time, stopped).await;
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&porch).try_acquire_owned() {
            talks.spawn(async move {
                talk(stream, service_fn(turn_away), TURNED_AWAY_TIME, stopped).await;
                drop(place);
            });
        }
    }
    drop(listener);
    // Each of them holds a receiver, or has ended.
    stop.send_replace(true);
    while talks.join_next().await.is_some() {}
}

/// So many connections, or as many as the system has files for. A service manager gives few to begin with and allows more.
fn files_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = (connections as u64).saturating_add(FILES_BESIDE);
    let had = limit.current.unwrap_or(u64::MAX);
    let may = limit.maximum.unwrap_or(u64::MAX).min(wanted);
    let raise = || setrlimit(Resource::Nofile, Rlimit { current: Some(may), maximum: limit.maximum });
    let raised = if may > had { raise() } else { Ok(()) };
    let has = match raised {
        Ok(()) => may.max(had),
        Err(error) => {
            tracing::warn!(code = "files", "the number of open files stays at {had}: {error}");
            had
        }
    };
    connections.min(usize::try_from(has.saturating_sub(FILES_BESIDE).max(1)).unwrap_or(usize::MAX))
}

/// One connection, from its first request to its last.
async fn talk<S>(stream: TcpStream, answer: S, head_time: Duration, mut stopped: watch::Receiver<bool>)
where
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    // Without it small answers can wait for the other side; with it nothing changes but that.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection keeps its delay: {error}");
    }
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time).max_buf_size(HEAD_BYTES_MAX);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let over = async move {
        // An error says that nobody can tell any more, which is an end too.
        drop(stopped.wait_for(|is_over| *is_over).await);
    };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = over => last(served).await,
        () = tokio::time::sleep(CONNECTION_TIME) => last(served).await,
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Answers what is in work, and ends; in time even if nobody reads the answer.
async fn last<S>(mut served: std::pin::Pin<&mut http1::Connection<TokioIo<TcpStream>, S>>) -> hyper::Result<()>
where
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    served.as_mut().graceful_shutdown();
    tokio::time::timeout(REQUEST_TIME, served).await.unwrap_or(Ok(()))
}

async fn turn_away(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut response = no_room();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}
