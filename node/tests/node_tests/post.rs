//! Messages over TLS: to systems whose certificates are vouched for, and to nobody else.
//!
//! The certificates in `tests/tls` were made once with `openssl ca` and hold until the year 2120: an authority, a server of it for
//! `localhost`, and another authority.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use node::post::{NOT_REACHED, Post};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// A system that takes one message over TLS.
#[expect(clippy::disallowed_types, reason = "a test plays a system that listens")]
fn serve() -> SocketAddr {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::new(config)).unwrap(), tcp);
        let mut request = Vec::new();
        while !request.ends_with(b"{\"number\":1}") {
            let mut some = [0; 1_024];
            // A client that does not trust this system breaks off here.
            let Ok(count @ 1..) = tls.read(&mut some) else { return };
            request.extend_from_slice(&some[..count]);
        }
        let answer = "{\"received\":true}";
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        tls.write_all(head.as_bytes()).unwrap();
        tls.write_all(answer.as_bytes()).unwrap();
        tls.conn.send_close_notify();
        tls.flush().unwrap();
    });
    address
}

async fn send(post: &Post, host: &str) -> Result<bool, (&'static str, String)> {
    let address = serve();
    let url = format!("https://{host}:{}/told", address.port());
    let answer = post.send(url, json!({ "number": 1 })).await;
    answer.map(|answer| answer["received"] == true).map_err(|failure| (failure.code, failure.message.to_string()))
}

#[tokio::test]
async fn a_system_whose_authority_is_trusted_is_reached_over_tls() {
    let post = Post::trusting(&file("ca.pem")).unwrap();
    assert_eq!(send(&post, "localhost").await, Ok(true));
    assert_eq!(send(&post, "127.0.0.1").await, Ok(true));
}

#[tokio::test]
async fn nobody_else_is_told_anything() {
    let (code, said) = send(&Post::trusting(&file("other.pem")).unwrap(), "localhost").await.unwrap_err();
    assert_eq!(code, NOT_REACHED, "{said}");
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    let (code, said) = send(&Post::new(), "localhost").await.unwrap_err();
    assert_eq!(code, NOT_REACHED);
    assert!(said.contains("node.ca"), "{said}");
}

#[test]
fn a_file_without_certificates_is_no_authority() {
    for name in ["server.key", "nothing.pem"] {
        assert_eq!(Post::trusting(&file(name)).unwrap_err().code, "ca", "{name}");
    }
}
