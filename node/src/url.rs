//! Where clients want to be told (通知地址).
//!
//! A URL that a client names makes this node speak to that host. Only the scheme, host and port that the administrator has
//! registered for the client may be named, so that no client makes the node knock at other doors.

use console::Text;

use crate::client::Client;
use crate::failure::{Failure, Kind};

/// The longest URL, in bytes: what the merchant interface allows a `notifyUrl`.
pub const URL_BYTES_MAX: usize = 256;

/// Scheme, host and port of a URL; none for what is none of ours.
fn origin(url: &str) -> Option<&str> {
    let from = url.find("://").filter(|end| matches!(&url[..*end], "http" | "https"))? + 3;
    let rest = &url[from..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let is_host = !rest[..end].is_empty() && !rest[..end].contains('@');
    let is_plain = url.len() <= URL_BYTES_MAX && url.bytes().all(|byte| byte.is_ascii_graphic());
    (is_host && is_plain).then_some(&url[..from + end])
}

/// Whether `url` is one of http or https, of printable ASCII, without a user's name in it.
#[must_use]
pub fn is_url(url: &str) -> bool {
    origin(url).is_some()
}

/// Whether `url` is one that a client may have registered. Yields its scheme, host and port.
///
/// # Errors
/// Why not.
pub fn judge_form(url: &str) -> Result<&str, Failure> {
    origin(url).ok_or_else(|| {
        Failure::new(
            Kind::Bad,
            "notify-url",
            console::text!(
                "notify_url is no http URL of at most {URL_BYTES_MAX} printable characters",
                "notify_url 不是 {URL_BYTES_MAX} 字节以内的 http 网址"
            ),
            Text::fixed("send http://host/path", "请使用 http://主机/路径"),
        )
    })
}

/// Whether a client may name an address.
///
/// # Errors
/// Why not.
pub fn judge(client: &Client, url: Option<&str>) -> Result<(), Failure> {
    let Some(url) = url else { return Ok(()) };
    let refuse = |kind, code, message, next| Err(Failure::new(kind, code, message, next));
    let asked = judge_form(url)?;
    let Some(registered) = client.notify_url.as_deref().and_then(origin) else {
        return refuse(
            Kind::Forbidden,
            "notify-url-unregistered",
            Text::fixed(
                "no address is registered for this client, so it may name none",
                "该接入系统未登记通知地址，不得指定 notify_url",
            ),
            Text::fixed(
                "have an address registered with the client, or leave notify_url out and ask for the order",
                "请先登记通知地址；或不填 notify_url，改为查询订单",
            ),
        );
    };
    if registered != asked {
        return refuse(
            Kind::Forbidden,
            "notify-url-host",
            Text::fixed(
                "notify_url has another scheme, host or port than the registered address",
                "notify_url 的协议、主机或端口与登记的通知地址不同",
            ),
            Text::fixed("name the registered host, or have the address changed", "请使用登记的主机，或申请变更登记"),
        );
    }
    Ok(())
}

/// Where a client is told: at the address that it named, while that is still registered for it, and else at the registered one.
#[must_use]
pub fn of(client: &Client, named: Option<String>) -> Option<String> {
    named.filter(|url| judge(client, Some(url)).is_ok()).or_else(|| client.notify_url.clone())
}

#[cfg(test)]
mod tests {
    use super::{is_url, origin};

    #[test]
    fn urls_are_plain() {
        assert_eq!(origin("http://a.b:80/c?d"), Some("http://a.b:80"));
        assert_eq!(origin("https://a"), Some("https://a"));
        let long = format!("http://a/{}", "b".repeat(256));
        for bad in [
            "",
            "a",
            "ftp://a/",
            "file:///etc/passwd",
            "http://",
            "http:///x",
            "http://u@a/",
            "http://a/\n",
            "http://a/汉",
            &long,
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
