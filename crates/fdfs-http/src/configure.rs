//! From configuration files to settings.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::{ConfError, Env, Loader, MimeTypes, ModFastdfsConf};
use fdfs_proto::Status;

use crate::access_log::HttpLogConf;
use crate::h1::stream::Patience;
use crate::pure::access::{Access, Policies};
use crate::pure::settings::{FailFile, Origins, Settings, TokenCheck, Writes};
use crate::pure::target::UrlForm;
use crate::pure::token::{SAMPLE_SECRET, SigningKey};
use crate::tls::certificate::Certificate;

/// The types that are known without a file.
const USUAL_TYPES: &[u8] = include_bytes!("../../../conf/mime.types");
/// The largest file that is sent instead of a refusal, in bytes.
const FAIL_FILE_BYTES_MAX: u64 = 16 << 20;
/// The type of unknown extensions where none is configured.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Why a configuration cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpConfError {
    /// The file.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// A file that it names.
    #[error("{key} = {path}: {what}")]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
        /// The errno.
        status: Status,
    },
    /// The secret that everybody knows.
    #[error(
        "http.anti_steal.secret_key is the one of the sample file of FastDFS, which everybody knows: choose another, \
         or say http.allow_sample_secret = true"
    )]
    SampleSecret,
    /// Something is protected, and nothing can open it.
    #[error("{key} is needed: {why}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What needs it.
        why: &'static str,
    },
    /// No address.
    #[error("{key} = {value}: {allowed}")]
    BadAddress {
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What may.
        allowed: &'static str,
    },
    /// One of these, in a file.
    #[error("{path}: {error}")]
    In {
        /// The file with the key.
        path: String,
        /// What is wrong.
        error: Box<Self>,
    },
}

impl HttpConfError {
    /// The exit code: an errno.
    #[must_use]
    pub fn errno(&self) -> u8 {
        match self {
            Self::Conf(error) => error.status().0,
            Self::File { status, .. } => status.0,
            Self::SampleSecret | Self::Missing { .. } | Self::BadAddress { .. } => Status::EINVAL.0,
            Self::In { error, .. } => error.errno(),
        }
    }

    /// What is wrong, without the name of the file with the key.
    #[must_use]
    pub fn without_path(&self) -> &Self {
        match self {
            Self::In { error, .. } => error,
            other => other,
        }
    }
}

/// Certificate and key of HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Where it is served.
    pub port: u16,
    /// The certificates, PEM.
    pub certificate: String,
    /// The key, PEM.
    pub key: String,
}

/// A configuration, ready to be served.
#[derive(Debug, Clone)]
pub struct Configured {
    /// How files are served.
    pub settings: Settings,
    /// How long clients may take.
    pub patience: Patience,
    /// Connections at the same time.
    pub max_connections: u32,
    /// Where it listens; `None` for where the server listens anyway, or everywhere.
    pub bind: Option<IpAddr>,
    /// The port of a gateway.
    pub port: u16,
    /// Where health and metrics are told.
    pub admin: Option<SocketAddr>,
    /// HTTPS.
    pub tls: Option<TlsFiles>,
    /// A line for each request.
    pub access_log: Option<HttpLogConf>,
}

impl Configured {
    /// What counts where nothing is configured.
    ///
    /// # Errors
    /// None that can happen.
    pub fn usual() -> Result<Self, HttpConfError> {
        let conf = ModFastdfsConf::default();
        Self::of(&conf, &|_: &str| Err(fdfs_conf::LoadError::not_found()))
    }

    /// Reads a file with the keys of mod_fastdfs.conf.
    ///
    /// # Errors
    /// [`HttpConfError`].
    pub fn load(path: &str, loader: &dyn Loader, env: &Env) -> Result<(Self, ModFastdfsConf), HttpConfError> {
        let parsed = ModFastdfsConf::parse(path, loader, env)?;
        for finding in &parsed.findings {
            tracing::info!("{finding}");
        }
        let of_file = |error| HttpConfError::In { path: path.to_owned(), error: Box::new(error) };
        Ok((Self::of(&parsed.conf, loader).map_err(of_file)?, parsed.conf))
    }

    /// Says why a file with the keys of mod_fastdfs.conf could not be served, certificate and key included.
    ///
    /// # Errors
    /// [`HttpConfError`].
    pub fn check(path: &str, loader: &dyn Loader, env: &Env) -> Result<(), HttpConfError> {
        let (configured, _) = Self::load(path, loader, env)?;
        configured.tls.as_ref().map_or(Ok(()), |files| Certificate::load(files).map(drop))
    }

    /// The keys that differ from `started` and are looked at only at the start.
    #[must_use]
    pub fn fixed_keys_changed(&self, started: &Self) -> Vec<&'static str> {
        let (old, new) = (started, self);
        let (old_tls, new_tls) = (old.tls.as_ref(), new.tls.as_ref());
        let of_tls = |tls: Option<&TlsFiles>| tls.map(|tls| (tls.certificate.clone(), tls.key.clone()));
        [
            ("http.server_port", old.port != new.port),
            ("http.bind_addr", old.bind != new.bind),
            ("http.admin_addr", old.admin != new.admin),
            ("http.max_connections", old.max_connections != new.max_connections),
            ("http.head_timeout", old.patience.head != new.patience.head),
            ("http.idle_timeout", old.patience.idle != new.patience.idle),
            ("http.stall_timeout", old.patience.stall != new.patience.stall),
            ("http.tls_port", old_tls.map(|tls| tls.port) != new_tls.map(|tls| tls.port)),
            ("http.tls_certificate", of_tls(old_tls) != of_tls(new_tls)),
            ("http.access_log", old.access_log != new.access_log),
        ]
        .into_iter()
        .filter(|key| key.1)
        .map(|key| key.0)
        .collect()
    }

    /// Takes a configuration over.
    ///
    /// # Errors
    /// [`HttpConfError`].
    pub fn of(conf: &ModFastdfsConf, loader: &dyn Loader) -> Result<Self, HttpConfError> {
        let (http, serve) = (&conf.http, &conf.serve);
        let mime_types = mime_types(http.mime_types_filename.as_deref().filter(|_| !http.disabled), loader)?;
        let mut settings = Settings {
            response_mode: conf.response_mode,
            redirect_port: serve.redirect_port,
            redirect_tls_port: serve.redirect_tls_port,
            sync_file_max_delay_secs: conf.storage_sync_file_max_delay_secs,
            mime_types: Arc::new(mime_types),
            multi_range: !http.disabled && http.multi_range_enabled,
            flv_extension: conf.flv_support.then(|| conf.flv_extension.clone()),
            strict_refusal: serve.strict_refusal,
            max_age_secs: serve.max_age_secs,
            origins: origins(&serve.cors_origins),
            metadata_files: serve.metadata_files,
            metadata_json: serve.metadata_json,
            filename_key: serve.filename_key.clone(),
            signing_keys: serve.signing_keys.iter().filter_map(|text| SigningKey::parse(text)).collect(),
            trusted_proxies: serve.trusted_proxies.clone(),
            ..Settings::default()
        };
        if !http.disabled && !http.default_content_type.is_empty() {
            settings.default_content_type.clone_from(&http.default_content_type);
        } else {
            UNKNOWN_TYPE.clone_into(&mut settings.default_content_type);
        }
        // A file that describes one group may leave it out of the URLs.
        if let ([group], false) = (conf.groups.as_slice(), conf.url_have_group_name) {
            settings.form = UrlForm::WithoutGroup(group.group_name);
        }
        if !serve.write_token.is_empty() {
            let token = serve.write_token.clone();
            settings.writes = Some(Writes { token, bytes_max: serve.upload_max_bytes });
        }
        if !conf.anti_steal_bypass_header_name.is_empty() {
            let value = conf.anti_steal_bypass_header_value.clone();
            settings.bypass = Some((conf.anti_steal_bypass_header_name.clone(), value));
        }
        access(conf, &mut settings)?;
        Ok(Self {
            settings,
            patience: Patience {
                head: Duration::from_secs(serve.head_timeout_secs),
                idle: Duration::from_secs(serve.idle_timeout_secs),
                stall: Duration::from_secs(serve.stall_timeout_secs),
            },
            max_connections: serve.max_connections,
            bind: address("http.bind_addr", &serve.bind_addr, "an address of this host, or nothing")?,
            port: http.server_port,
            admin: address("http.admin_addr", &serve.admin_addr, "address:port, or nothing")?,
            tls: tls(conf)?,
            access_log: serve.access_log.as_ref().map(|path| HttpLogConf {
                path: path.clone(),
                is_json: serve.access_log_is_json,
                files: serve.access_log_files.clone(),
            }),
        })
    }
}

/// Who may read, and the refusal of what cannot be meant.
fn access(conf: &ModFastdfsConf, settings: &mut Settings) -> Result<(), HttpConfError> {
    let (http, serve) = (&conf.http, &conf.serve);
    let checks = !http.disabled && http.anti_steal_check_token;
    let rule = |(prefix, word): &(String, String)| Access::from_word(word).map(|access| (prefix.clone(), access));
    let prefixes = serve.access.iter().filter_map(rule).collect();
    settings.policies = Policies::new(if checks { Access::Token } else { Access::Public }, prefixes);
    if settings.policies.uses(Access::Token) {
        if http.anti_steal_secret_key.is_empty() {
            return Err(HttpConfError::Missing { key: "http.anti_steal.secret_key", why: "readers need a token" });
        }
        if http.anti_steal_secret_key == SAMPLE_SECRET && !serve.allow_sample_secret {
            return Err(HttpConfError::SampleSecret);
        }
        let fail = http.anti_steal_token_check_fail.as_deref().map(|path| fail_file(path, settings)).transpose()?;
        settings.token = Some(TokenCheck {
            secret: http.anti_steal_secret_key.clone(),
            ttl_secs: http.anti_steal_token_ttl_secs,
            fail,
        });
    }
    if settings.policies.uses(Access::Signed) && settings.signing_keys.is_empty() {
        return Err(HttpConfError::Missing { key: "http.signing_key", why: "readers need a signed URL" });
    }
    Ok(())
}

fn tls(conf: &ModFastdfsConf) -> Result<Option<TlsFiles>, HttpConfError> {
    let serve = &conf.serve;
    if serve.tls_port == 0 {
        return Ok(None);
    }
    let needed =
        |key, path: &Option<String>| path.clone().ok_or(HttpConfError::Missing { key, why: "http.tls_port is set" });
    let certificate = needed("http.tls_certificate", &serve.tls_certificate)?;
    let key = needed("http.tls_key", &serve.tls_key)?;
    Ok(Some(TlsFiles { port: serve.tls_port, certificate, key }))
}

fn address<T: std::str::FromStr>(
    key: &'static str,
    value: &str,
    allowed: &'static str,
) -> Result<Option<T>, HttpConfError> {
    if value.is_empty() {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|_| HttpConfError::BadAddress { key, value: value.to_owned(), allowed })
}

fn origins(text: &str) -> Origins {
    let list: Vec<String> = text.split(',').map(|o| o.trim().to_owned()).filter(|o| !o.is_empty()).collect();
    if list.iter().any(|origin| origin == "*") {
        Origins::Any
    } else if list.is_empty() {
        Origins::None
    } else {
        Origins::These(list)
    }
}

fn mime_types(path: Option<&str>, loader: &dyn Loader) -> Result<MimeTypes, HttpConfError> {
    let Some(path) = path else { return Ok(MimeTypes::parse("mime.types", USUAL_TYPES)?) };
    let bytes = loader.load(path).map_err(|error| HttpConfError::File {
        key: "http.mime_types_filename",
        path: path.to_owned(),
        what: error.what,
        status: error.status,
    })?;
    Ok(MimeTypes::parse(path, &bytes)?)
}

fn fail_file(path: &str, settings: &Settings) -> Result<FailFile, HttpConfError> {
    use std::io::Read as _;
    let wrong = |what: String, status| HttpConfError::File {
        key: "http.anti_steal.token_check_fail",
        path: path.to_owned(),
        what,
        status,
    };
    let mut content = Vec::new();
    std::fs::File::open(Path::new(path))
        .and_then(|file| file.take(FAIL_FILE_BYTES_MAX + 1).read_to_end(&mut content))
        .map_err(|error| wrong(error.to_string(), Status::from_io(&error)))?;
    if content.len() as u64 > FAIL_FILE_BYTES_MAX {
        return Err(wrong(format!("more than {FAIL_FILE_BYTES_MAX} bytes"), Status::EFBIG));
    }
    Ok(FailFile { content: Arc::from(content), content_type: settings.content_type(path).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_conf::MapLoader;

    fn load(text: &str) -> Result<Configured, HttpConfError> {
        let loader = MapLoader::one("/c/h.conf", text).with("/c/mime.types", "a/b ab\n");
        Configured::load("/c/h.conf", &loader, &Env::default()).map(|loaded| loaded.0)
    }

    #[test]
    fn a_file_of_the_module_is_taken_as_it_is() {
        let text = "base_path=/tmp\ngroup_name=group1\nstore_path0=/a\nurl_have_group_name=false\nresponse_mode=redirect\n\
                    flv_support=true\nhttp.mime_types_filename=mime.types\nhttp.default_content_type=x/y\n\
                    http.anti_steal.check_token=true\nhttp.anti_steal.secret_key=another\n";
        let settings = load(text).unwrap().settings;
        assert_eq!(settings.form, UrlForm::WithoutGroup("group1".parse().unwrap()));
        assert_eq!((settings.content_type("f.ab"), settings.content_type("f.jpg")), ("a/b", "x/y"));
        assert_eq!(settings.token.unwrap().secret, "another");
        assert_eq!(settings.flv_extension.as_deref(), Some("flv"));
    }

    #[test]
    fn a_gateway_needs_little() {
        let configured = load("tracker_server=10.0.0.1\nhttp.server_port=81\nhttp.admin_addr=127.0.0.1:9\n").unwrap();
        assert_eq!((configured.port, &configured.settings.form), (81, &UrlForm::WithGroup));
        assert_eq!(configured.settings.content_type("a.JPG"), "image/jpeg");
        assert_eq!(configured.admin, Some(([127, 0, 0, 1], 9).into()));
        let usual = Configured::usual().unwrap();
        assert_eq!(usual.settings.content_type("a.zzz"), UNKNOWN_TYPE);
        assert!(usual.settings.writes.is_none() && usual.settings.multi_range);
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let started = load("tracker_server=a\n").unwrap();
        let changed = |text: &str| load(&format!("tracker_server=b\n{text}")).unwrap().fixed_keys_changed(&started);
        assert_eq!(changed("http.cors_origins=x\nhttp.access=/a public\nhttp.write_token=t\n"), [""; 0]);
        assert_eq!(changed("http.server_port=7\nhttp.idle_timeout=7\n"), ["http.server_port", "http.idle_timeout"]);
        let tls = "http.tls_port=1\nhttp.tls_certificate=a\nhttp.tls_key=b\n";
        assert_eq!(changed(tls), ["http.tls_port", "http.tls_certificate"]);
    }

    #[test]
    fn what_would_protect_nothing_is_refused() {
        let token = "tracker_server=a\nhttp.anti_steal.check_token=1\n";
        for (text, needle) in [
            (format!("{token}http.anti_steal.secret_key=FastDFS1234567890\n"), "everybody knows"),
            ("tracker_server=a\nhttp.access=/group1 signed\n".to_owned(), "http.signing_key"),
            ("tracker_server=a\nhttp.access=/group1 token\n".to_owned(), "http.anti_steal.secret_key"),
            ("tracker_server=a\nhttp.tls_port=443\n".to_owned(), "http.tls_certificate"),
            ("tracker_server=a\nhttp.admin_addr=nowhere\n".to_owned(), "address:port"),
            ("tracker_server=a\nhttp.access=group1 signed\n".to_owned(), "http.access"),
            ("tracker_server=a\nhttp.signing_key=short\n".to_owned(), "http.signing_key"),
            ("tracker_server=a\nhttp.trusted_proxies=10.0.0.1,*\n".to_owned(), "http.trusted_proxies"),
            ("tracker_server=a\nhttp.signing_key=a b:0123456789abcdef\n".to_owned(), "http.signing_key"),
            (format!("{token}http.anti_steal.secret_key=x\nhttp.anti_steal.token_check_fail=/no/file\n"), "/no/file"),
        ] {
            let error = load(&text).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(needle), "{text}: {error}");
            assert!(error.to_string().starts_with("/c/h.conf:"), "which file? {error}");
        }
        let text = format!("{token}http.anti_steal.secret_key=FastDFS1234567890\nhttp.allow_sample_secret=true\n");
        assert!(load(&text).is_ok());
    }
}
