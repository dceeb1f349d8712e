//! Certificate and key: read at the start, and again when their files change.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use fdfs_proto::Status;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use crate::configure::{HttpConfError, TlsFiles};

/// How often it is looked whether the files have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A certificate that can be replaced while it is used.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    changed: Changed,
}

/// When both files changed last.
type Changed = [Option<SystemTime>; 2];

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// [`HttpConfError::File`].
    pub fn load(files: &TlsFiles) -> Result<Arc<Self>, HttpConfError> {
        let changed = changed(files);
        let key = read(files)?;
        Ok(Arc::new(Self { files: files.clone(), current: RwLock::new(Current { key, changed }) }))
    }

    /// The configuration of a server that shows it.
    ///
    /// # Errors
    /// What the library gives.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Reads it again if a file has changed; whether it was replaced. With files that do not fit, the old one stays: they
    /// may be halfway through being written.
    ///
    /// # Errors
    /// [`HttpConfError::File`].
    pub fn refresh(&self) -> Result<bool, HttpConfError> {
        let changed = changed(&self.files);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).changed == changed {
            return Ok(false);
        }
        let key = read(&self.files);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.changed = changed;
        current.key = key?;
        Ok(true)
    }

    /// Looks after it until the shutdown.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        while !matches!(tokio::time::timeout(LOOK_INTERVAL, shutdown.cancelled()).await, Ok(())) {
            match self.refresh() {
                Ok(true) => tracing::info!("https: the new certificate {} is used", self.files.certificate),
                Ok(false) => {}
                Err(error) => tracing::warn!("https: {error}; the old certificate is used on"),
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

fn changed(files: &TlsFiles) -> Changed {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok())
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, HttpConfError> {
    let wrong = |key, path: &str, what: String| HttpConfError::File {
        key,
        path: path.to_owned(),
        what,
        status: Status::EINVAL,
    };
    let of_chain = |what| wrong("http.tls_certificate", &files.certificate, what);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_chain(error.to_string()))?;
    if chain.is_empty() {
        return Err(of_chain("no certificate in it".to_owned()));
    }
    let of_key = |what| wrong("http.tls_key", &files.key, what);
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => of_key("no private key in it".to_owned()),
        error => of_key(error.to_string()),
    })?;
    let certified = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => of_key(format!("it is not the key of {}", files.certificate)),
        error => of_key(error.to_string()),
    })?;
    Ok(Arc::new(certified))
}
