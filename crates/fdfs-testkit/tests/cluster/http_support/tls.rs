//! HTTPS: certificates of tests, and a client of HTTP/2.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Writes a new certificate for `name` into a folder, and gives what trusts it.
pub(crate) fn issue(dir: &Path, name: &str) -> RootCertStore {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), made.key_pair.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    roots
}

/// The keys that serve HTTPS with the certificate in a folder.
pub(crate) fn keys(dir: &Path) -> String {
    let path = |file: &str| dir.join(file).display().to_string();
    format!(
        "http.tls_port = {}\nhttp.tls_certificate = {}\nhttp.tls_key = {}\n",
        super::TLS_PORT,
        path("cert.pem"),
        path("key.pem")
    )
}

/// A TLS connection that wants this protocol.
///
/// # Errors
/// When the certificate is none that is trusted.
pub(crate) async fn connect(
    addr: SocketAddr,
    roots: &RootCertStore,
    name: &str,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let socket = TcpStream::connect(addr).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), socket).await
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A client of HTTP/2 on one connection; `window` bytes are let in for each stream.
pub(crate) async fn http2(addr: SocketAddr, roots: &RootCertStore, window: u32) -> SendRequest<Bytes> {
    let stream = connect(addr, roots, "one.example", b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window).initial_connection_window_size(16 << 20);
    let (client, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(async move {
        // How it ends is seen by whoever waits for an answer.
        let _ = connection.await;
    });
    client
}

/// Sends a request, and waits for all of its answer.
pub(crate) async fn ask(
    client: &SendRequest<Bytes>,
    method: Method,
    path: &str,
    fields: &[(&'static str, &str)],
    body: &[u8],
) -> Answer {
    let mut client = client.clone().ready().await.unwrap();
    let mut request = Request::builder().method(method).uri(format!("https://one.example{path}"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (answer, mut stream) = client.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
    if !body.is_empty() {
        // The library keeps what the server's window does not take yet.
        stream.send_data(Bytes::copy_from_slice(body), true).unwrap();
    }
    let (parts, mut body) = answer.await.unwrap().into_parts();
    let mut all = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        all.extend_from_slice(&piece);
    }
    Answer { status: parts.status.as_u16(), fields: parts.headers, body: all }
}
