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

use crate::failure::{Failure, Kind};

/// Requests in work at once: the thousand users that the tender asks for, and as many again; the rest is told to come back.
const REQUESTS_MAX: usize = 2_048;
/// The longest that a request may take. The writer of the database waits ten seconds for another program at most.
const REQUEST_TIME: Duration = Duration::from_secs(30);

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

/// Serves until `end` comes, and then until what is in work is answered.
///
/// # Errors
/// When the connection to the network breaks.
pub async fn serve(
    listen: Listen,
    router: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let room = Arc::new(Semaphore::new(REQUESTS_MAX));
    let router = router.layer(middleware::from_fn_with_state(room, bounded));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listen.0, service).with_graceful_shutdown(end).await.map_err(Failure::internal)
}

/// A request has room or is told so at once, and it ends in time.
async fn bounded(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_place) = room.try_acquire() else {
        return busy(Text::fixed("too many requests are in work", "正在处理的请求过多"));
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

fn busy(message: Text) -> Response {
    let next = Text::fixed("try again in a moment; what was written stays", "请稍后重试；已写入的数据不受影响");
    Failure::new(Kind::Busy, "busy", message, next).into_response()
}
