//! From which address a request comes.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// Where gateways write the address of whoever speaks through them; each appends the one that it saw.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request comes from: that of the connection, or what a trusted gateway at its other end says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer(pub IpAddr);

impl Peer {
    /// Anybody can write the header, so it is read where the connection is a trusted gateway's, and only what that one appended: the last
    /// part. Where there is none that is an address, the gateway's own counts.
    pub(super) fn of(connection: SocketAddr, headers: &HeaderMap, gateways: &[IpAddr]) -> Self {
        let near = connection.ip().to_canonical();
        let is_trusted = gateways.iter().any(|gateway| gateway.to_canonical() == near);
        let told = if is_trusted { forwarded(headers) } else { None };
        Self(told.unwrap_or(near))
    }
}

fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last: IpAddr = line.rsplit(',').next()?.trim().parse().ok()?;
    Some(last.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderValue};

    use super::Peer;

    #[test]
    fn only_what_a_trusted_gateway_appended_is_believed() {
        let gateway: IpAddr = "10.0.0.1".parse().unwrap();
        let of = |from: &str, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(super::FORWARDED_FOR, HeaderValue::from_static(line));
            }
            Peer::of(format!("{from}:5000").parse().unwrap(), &headers, &[gateway]).0.to_string()
        };
        assert_eq!(of("10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(of("10.0.0.1", &["192.0.2.9, 192.0.2.7"]), "192.0.2.7", "the first part is anybody's");
        assert_eq!(of("10.0.0.1", &["192.0.2.9", "192.0.2.7"]), "192.0.2.7");
        assert_eq!(of("[::ffff:10.0.0.1]", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(of("10.0.0.2", &["192.0.2.7"]), "10.0.0.2", "another's word is none");
        for bad in ["", "unknown", "192.0.2.7:443", "192.0.2.7,", "192.0.2.7, a"] {
            assert_eq!(of("10.0.0.1", &[bad]), "10.0.0.1", "{bad}");
        }
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
    }
}
