//! Serving operations until the program is told to end.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use console::{ExitCode, Fault, Text};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connections;
use crate::failure::{Failure, Kind};

/// Requests in work at once: the thousand users that the tender asks for, and as many again; the rest is told to come back.
const REQUESTS_MAX: usize = 2_048;
/// Connections at once: twice as many as requests in work, because clients keep theirs open between two.
const CONNECTIONS_MAX: usize = 4_096;
/// The longest that the head of a request may take, and that a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The longest that a request may take. The writer of the database waits ten seconds for another program at most.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(30);

/// Where a node listens.
#[derive(Debug)]
pub struct Listen {
    listener: TcpListener,
    gateways: Arc<[IpAddr]>,
}

/// The room that a request takes, for as long as anything of it goes on.
pub(super) type Place = Arc<OwnedSemaphorePermit>;

impl Listen {
    /// Takes an address. No gateway is trusted.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn on(address: SocketAddr) -> Result<Self, Fault> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Fault::new(
                "listen",
                ExitCode::InUse,
                console::text!("{address} cannot be listened on: {error}", "无法监听 {address}：{error}"),
                Text::fixed(
                    "end the program that has the address, or configure another one",
                    "请结束占用该地址的程序，或另行配置",
                ),
            )
        })?;
        Ok(Self { listener, gateways: Arc::default() })
    }

    /// The same behind gateways, whose word is taken for the address of whoever speaks through them.
    #[must_use]
    pub fn behind(self, gateways: &[IpAddr]) -> Self {
        Self { gateways: gateways.into(), ..self }
    }

    /// The address, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn address(&self) -> Result<SocketAddr, Failure> {
        self.listener.local_addr().map_err(Failure::internal)
    }
}

/// How much a node serves at once, and how long it waits for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Requests in work; whoever comes beyond them is told so.
    pub requests: usize,
    /// Connections, as far as the system has files for them; whoever comes beyond them is told so.
    pub connections: usize,
    /// The longest that the head of a request may take, and that a connection may be idle.
    pub head_time: Duration,
    /// The longest that a request may take.
    pub request_time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { requests: REQUESTS_MAX, connections: CONNECTIONS_MAX, head_time: HEAD_TIME, request_time: REQUEST_TIME }
    }
}

/// Serves until `end` comes, and then until what is in work is answered.
///
/// # Errors
/// None that is known; what breaks a connection ends that one alone.
pub async fn serve(
    listen: Listen,
    router: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    serve_within(listen, router, Bounds::default(), end).await
}

/// The same within other bounds.
///
/// # Errors
/// Those of [`serve`].
pub async fn serve_within(
    listen: Listen,
    router: Router,
    bounds: Bounds,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let room = (Arc::new(Semaphore::new(bounds.requests)), bounds.request_time);
    let router = router.layer(middleware::from_fn_with_state(room, bounded));
    connections::serve(listen.listener, listen.gateways, router, bounds, end).await;
    Ok(())
}

/// A request has room or is told so at once, and it ends in time.
async fn bounded(State((room, time)): State<(Arc<Semaphore>, Duration)>, mut request: Request, next: Next) -> Response {
    let Ok(place) = room.try_acquire_owned() else {
        return no_room();
    };
    let place: Place = Arc::new(place);
    request.extensions_mut().insert(Place::clone(&place));
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) if response.status() == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(code = "internal", "a request was answered with a failure of the node");
            response
        }
        Ok(response) => response,
        Err(_) => timed_out(),
    }
}

/// What was asked may be in work still, so it has a code of its own: it is not known whether it will be done.
fn timed_out() -> Response {
    let message = Text::fixed("the request took too long; the node may still do it", "请求处理超时，节点可能仍在处理");
    let next = Text::fixed(
        "ask in a moment what became of it; a signed message that is sent again is refused as replayed if it was done",
        "请稍后查询处理结果；已处理的签名报文再次发送时以 replayed 拒绝",
    );
    Failure::new(Kind::Busy, "timed-out", message, next).into_response()
}

/// Too much is asked at once.
pub(super) fn no_room() -> Response {
    busy(Text::fixed("too many requests are in work", "正在处理的请求过多"))
}

fn busy(message: Text) -> Response {
    let next = Text::fixed("try again in a moment; what was written stays", "请稍后重试；已写入的数据不受影响");
    Failure::new(Kind::Busy, "busy", message, next).into_response()
}
