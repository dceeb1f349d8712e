//! HTTPS: a client of rustls speaks HTTP/1.1 over it, and HTTP/2 is offered; a new certificate is used without a restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use fdfs_http::configure::{Configured, TlsFiles};
use fdfs_http::site::{Absent, Cluster, Site};
use fdfs_http::source::{Found, Source};
use fdfs_http::tls::certificate::Certificate;
use fdfs_http::{Server, start};
use fdfs_proto::file_id::{FileId, LogicName};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const URL: &str = "/group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
const CONTENT: &[u8] = b"hello world";

/// One file, whatever is asked for.
struct OneFile;

impl Site for OneFile {
    async fn open(&self, _: &FileId, _: &LogicName) -> Result<Found, Absent> {
        let content: Arc<[u8]> = Arc::from(CONTENT.repeat(20_000));
        Ok(Found { len_bytes: content.len() as u64, source: Source::Memory(content), modified_unix_secs: 1 })
    }

    async fn fetch(&self, _: &FileId) -> Result<Found, Absent> {
        Err(Absent::NotFound)
    }

    async fn locate(&self, _: &FileId, _: IpAddr) -> Result<IpAddr, Absent> {
        Err(Absent::NotFound)
    }

    async fn metadata(&self, _: &FileId) -> Result<Vec<(String, String)>, Absent> {
        Ok(Vec::new())
    }

    fn is_this_host(&self, _: IpAddr) -> bool {
        false
    }

    fn cluster(&self) -> Option<&Cluster> {
        None
    }
}

/// Writes a new certificate for `name`, and gives what trusts it.
fn issue(dir: &Path, name: &str) -> (TlsFiles, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let path = |file: &str| dir.join(file).to_string_lossy().into_owned();
    let files = TlsFiles { port: 0, certificate: path("cert.pem"), key: path("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.key_pair.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (files, roots)
}

fn connect(
    addr: SocketAddr,
    roots: &RootCertStore,
    alpn: &[&[u8]],
    name: &str,
) -> StreamOwned<ClientConnection, TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    StreamOwned::new(connection, TcpStream::connect(addr).unwrap())
}

#[test]
fn files_come_over_tls_and_http2_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    let (files, roots) = issue(dir.path(), "one.example");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let entered = runtime.enter();
    let mut configured = Configured::usual().unwrap();
    configured.tls = Some(files);
    let listeners = start::open(&configured, &["127.0.0.1".parse().unwrap()], 0).unwrap();
    let addr = listeners.secure.as_ref().unwrap().addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = Arc::new(Server::new(OneFile, configured.settings.clone(), configured.patience, shutdown.clone()));
    start::spawn(&server, listeners, &start::gate(&configured, None), &TaskTracker::new(), runtime.handle());
    drop(entered);

    let mut one = connect(addr, &roots, &[b"http/1.1"], "one.example");
    for (range, status, len) in [("", "200 OK", 220_000), ("Range: bytes=6-10\r\n", "206 Partial Content", 5)] {
        one.write_all(format!("GET {URL} HTTP/1.1\r\nHost: one.example\r\n{range}\r\n").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            one.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")) && head.contains("etag: "), "{head}");
        let mut body = vec![0; len];
        one.read_exact(&mut body).unwrap();
        assert!(body == CONTENT.repeat(20_000)[if len == 5 { 6..11 } else { 0..len }]);
    }
    // What was squeezed below the chunks would be kept as it came.
    let mut coded = connect(addr, &roots, &[b"http/1.1"], "one.example");
    let head = "PUT /upload HTTP/1.1\r\nHost: one.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    coded.write_all(head.as_bytes()).unwrap();
    let mut status = [0; 12];
    coded.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 501");
    let mut two = connect(addr, &roots, &[b"h2", b"http/1.1"], "one.example");
    // The preface and an empty SETTINGS frame; the server answers with its own SETTINGS.
    two.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    two.read_exact(&mut frame).unwrap();
    assert_eq!((two.conn.alpn_protocol(), frame[3]), (Some(&b"h2"[..]), 4));
    shutdown.cancel();
}

#[test]
fn a_new_certificate_is_used_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (files, _) = issue(dir.path(), "one.example");
    let certificate = Certificate::load(&files).unwrap();
    assert!(!certificate.refresh().unwrap());
    // Halfway through being replaced it does not fit, and the old one stays.
    let key = std::fs::read(&files.key).unwrap();
    issue(dir.path(), "two.example");
    std::fs::write(&files.key, key).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::open(&files.certificate).unwrap().set_modified(later).unwrap();
    assert!(certificate.refresh().is_err());
    issue(dir.path(), "two.example");
    assert!(certificate.refresh().unwrap());
    let wrong = TlsFiles { certificate: "/no/such/file".to_owned(), ..files };
    assert!(Certificate::load(&wrong).unwrap_err().to_string().contains("http.tls_certificate"));
}
