//! Serving operations until the program is told to end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use console::{ExitCode, Fault, Text};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

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
pub struct Listen(TcpListener);

impl Listen {
    /// Takes an address.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn on(address: SocketAddr) -> Result<Self, Fault> {
        TcpListener::bind(address).await.map(Self).map_err(|error| {
            Fault::new(
                "listen",
                ExitCode::InUse,
                console::text!("{address} cannot be listened on: {error}", "无法监听 {address}：{error}"),
                Text::fixed(
                    "end the program that has the address, or configure another one",
                    "请结束占用该地址的程序，或另行配置",
                ),
            )
        })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn address(&self) -> Result<SocketAddr, Failure> {
        self.0.local_addr().map_err(Failure::internal)
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
}

impl Default for Bounds {
    fn default() -> Self {
        Self { requests: REQUESTS_MAX, connections: CONNECTIONS_MAX, head_time: HEAD_TIME }
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
    let room = Arc::new(Semaphore::new(bounds.requests));
    let router = router.layer(middleware::from_fn_with_state(room, bounded));
    connections::serve(listen.0, router, bounds, end).await;
    Ok(())
}

/// A request has room or is told so at once, and it ends in time.
async fn bounded(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_place) = room.try_acquire() else {
        return no_room();
    };
    match tokio::time::timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) if response.status() == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::error!(code = "internal", "a request was answered with a failure of the node");
            response
        }
        Ok(response) => response,
        Err(_) => busy(Text::fixed("the request took too long", "请求处理超时")),
    }
}

/// Too much is asked at once.
pub(super) fn no_room() -> Response {
    busy(Text::fixed("too many requests are in work", "正在处理的请求过多"))
}

fn busy(message: Text) -> Response {
    let next = Text::fixed("try again in a moment; what was written stays", "请稍后重试；已写入的数据不受影响");
    Failure::new(Kind::Busy, "busy", message, next).into_response()
}
