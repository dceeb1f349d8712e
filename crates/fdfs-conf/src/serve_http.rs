//! How this program serves HTTP: keys of our own in mod_fastdfs.conf, beside those of the module.

use fdfs_proto::Status;
use fdfs_proto::ours::Network;

use crate::log_conf::{LogConf, web_log_keys};
use crate::table::{Action, Key, Reading};

/// What stands in `http.access`: the prefix of a path and who may read below it.
pub type AccessRule = (String, String);

/// How this program serves HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeHttp {
    /// `http.bind_addr`: where it listens; empty for all addresses.
    pub bind_addr: String,
    /// `http.admin_addr`: where health and metrics are told; empty for nowhere.
    pub admin_addr: String,
    /// `http.max_connections`.
    pub max_connections: u32,
    /// `http.head_timeout`, seconds.
    pub head_timeout_secs: u64,
    /// `http.idle_timeout`, seconds.
    pub idle_timeout_secs: u64,
    /// `http.stall_timeout`, seconds.
    pub stall_timeout_secs: u64,
    /// `http.max_age`, seconds.
    pub max_age_secs: u64,
    /// `http.cors_origins`.
    pub cors_origins: String,
    /// `http.access`, in the order of the text.
    pub access: Vec<AccessRule>,
    /// `http.signing_key`, in the order of the text.
    pub signing_keys: Vec<String>,
    /// `http.strict_refusal`.
    pub strict_refusal: bool,
    /// `http.allow_sample_secret`.
    pub allow_sample_secret: bool,
    /// `http.metadata_files`.
    pub metadata_files: bool,
    /// `http.metadata_json`.
    pub metadata_json: bool,
    /// `http.filename_key`.
    pub filename_key: String,
    /// `http.write_token`; empty for no uploads.
    pub write_token: String,
    /// `http.upload_max_bytes`.
    pub upload_max_bytes: u64,
    /// `http.trusted_proxies`.
    pub trusted_proxies: Vec<Network>,
    /// `http.redirect_port`.
    pub redirect_port: u16,
    /// `http.redirect_tls_port`.
    pub redirect_tls_port: u16,
    /// `http.tls_port`; 0 for none.
    pub tls_port: u16,
    /// `http.tls_certificate`, as it is named to the loader.
    pub tls_certificate: Option<String>,
    /// `http.tls_key`, as it is named to the loader.
    pub tls_key: Option<String>,
    /// `http.access_log`, as it is named to the loader; `None` for no log.
    pub access_log: Option<String>,
    /// `http.access_log_format`: whether its lines are JSON, not the combined form of web servers.
    pub access_log_is_json: bool,
    /// How its files are written and rotated, `[access-log]`.
    pub access_log_files: LogConf,
}

/// A configuration that holds these keys.
pub(crate) trait HasServeHttp: 'static {
    fn serve(&mut self) -> &mut ServeHttp;
}

const EINVAL: Action = Action::Refuse(Status::EINVAL);
const OWN: &str = "own key";
/// The most rules and keys.
const LIST_MAX: usize = 64;

/// Every key.
pub(crate) fn keys<C: HasServeHttp>() -> Vec<Key<C>> {
    let mut keys = places();
    keys.extend(limits());
    keys.extend(readers());
    keys.extend(tls());
    keys.extend(access_log());
    keys.extend(web_log_keys());
    keys.into_iter().map(|key| key.since(OWN)).collect()
}

fn places<C: HasServeHttp>() -> Vec<Key<C>> {
    vec![
        Key::text(
            "http.bind_addr",
            "",
            |c: &mut C, v| v.clone_into(&mut c.serve().bind_addr),
            "where HTTP is served; empty for all addresses",
        )
        .allowed("an address of this host, or empty"),
        Key::text(
            "http.admin_addr",
            "",
            |c: &mut C, v| v.clone_into(&mut c.serve().admin_addr),
            "where /healthz, /readyz and /metrics are answered; empty for nowhere",
        )
        .allowed("address:port, or empty")
        .sample("127.0.0.1:9899"),
        Key::count(
            "http.redirect_port",
            0,
            |c: &mut C, v| c.serve().redirect_port = u16::try_from(v).unwrap_or(0),
            "the HTTP port of the storages that clients are sent to; 0 for the port that a request came in on",
        )
        .at_most(65_535, EINVAL),
        Key::count(
            "http.redirect_tls_port",
            0,
            |c: &mut C, v| c.serve().redirect_tls_port = u16::try_from(v).unwrap_or(0),
            "the HTTPS port of the storages that clients of HTTPS are sent to; 0 for the port that a request came in on",
        )
        .at_most(65_535, EINVAL),
        Key::custom(
            "http.trusted_proxies",
            "addresses, separated by commas",
            "",
            |c: &mut C, r, key| {
                let Some(item) = r.last(key.section, key.name) else { return };
                for word in item.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                    // Who believes everybody believes nobody's name in the end.
                    match word.parse().ok().filter(|network| *network != Network::EVERYBODY) {
                        Some(network) => c.serve().trusted_proxies.push(network),
                        None => r.refuse(item, key.allowed, Status::EINVAL),
                    }
                }
            },
            "proxies in front whose X-Forwarded-For and X-Forwarded-Proto are believed",
        )
        .allowed("IP addresses and networks such as 10.0.0.0/8, separated by commas")
        .otherwise("refused (22)"),
    ]
}

fn limits<C: HasServeHttp>() -> Vec<Key<C>> {
    vec![
        Key::count(
            "http.max_connections",
            10_000,
            |c: &mut C, v| c.serve().max_connections = v,
            "HTTP connections that are open at the same time",
        )
        .at_least(1, EINVAL),
        Key::secs("http.head_timeout", 10, |c: &mut C, v| c.serve().head_timeout_secs = v, "for the head of a request")
            .positive(),
        Key::secs("http.idle_timeout", 65, |c: &mut C, v| c.serve().idle_timeout_secs = v, "between two requests")
            .positive(),
        Key::secs(
            "http.stall_timeout",
            30,
            |c: &mut C, v| c.serve().stall_timeout_secs = v,
            "without taking a byte of an answer, or without sending one of a body",
        )
        .positive(),
        Key::bytes(
            "http.upload_max_bytes",
            1 << 30,
            |c: &mut C, v| c.serve().upload_max_bytes = v,
            "the largest upload over HTTP",
        ),
        Key::text(
            "http.write_token",
            "",
            |c: &mut C, v| v.clone_into(&mut c.serve().write_token),
            "what must stand behind Bearer to upload and delete over HTTP; empty: nobody can",
        )
        .allowed("a secret, or empty"),
    ]
}

fn list<C>(reading: &mut Reading<'_>, key: &Key<C>, is_allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut values = Vec::new();
    for item in reading.all(key.section, key.name) {
        if values.len() == LIST_MAX {
            reading.refuse(item, format!("at most {LIST_MAX} of them"), Status::EINVAL);
            break;
        }
        if is_allowed(&item.value) {
            values.push(item.value.clone());
        } else {
            reading.refuse(item, key.allowed, Status::EINVAL);
        }
    }
    values
}

/// `SECRET` or `ID:SECRET`; the id is not counted.
fn is_signing_key(text: &str) -> bool {
    let (id, secret) = text.split_once(':').unwrap_or(("", text));
    id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') && secret.len() >= 16
}

/// `PREFIX WORD`.
fn access_rule(text: &str) -> Option<AccessRule> {
    let (prefix, word) = text.split_once([' ', '\t'])?;
    let word = word.trim();
    let is_rule = prefix.starts_with('/') && matches!(word, "public" | "token" | "signed");
    is_rule.then(|| (prefix.to_owned(), word.to_owned()))
}

fn readers<C: HasServeHttp>() -> Vec<Key<C>> {
    vec![
        Key::secs(
            "http.max_age",
            31_536_000,
            |c: &mut C, v| c.serve().max_age_secs = v,
            "that caches may keep a file that never changes; 0 for no Cache-Control at all",
        ),
        Key::text(
            "http.cors_origins",
            "*",
            |c: &mut C, v| v.clone_into(&mut c.serve().cors_origins),
            "web pages whose scripts may read: their origins, separated by commas; * for all, empty for none",
        )
        .allowed("origins, * or empty"),
        Key::custom(
            "http.access",
            "prefix and word, repeatable",
            "",
            |c: &mut C, r, key| {
                let rules = list(r, key, |text| access_rule(text).is_some());
                c.serve().access = rules.iter().filter_map(|text| access_rule(text)).collect();
            },
            "who may read below a path: /group1/M00 signed; the longest prefix counts, elsewhere \
             http.anti_steal.check_token does",
        )
        .allowed("a path that begins with the group, and public, token or signed")
        .otherwise("refused (22)"),
        Key::custom(
            "http.signing_key",
            "secret, repeatable",
            "",
            |c: &mut C, r, key| {
                c.serve().signing_keys = list(r, key, is_signing_key);
            },
            "a secret of signed URLs, ID:SECRET or SECRET; with several, all are good",
        )
        .allowed(
            "a secret of at least 16 bytes, with or without an id of letters, digits, - and _ and a colon in front",
        )
        .otherwise("refused (22)"),
        Key::bool(
            "http.strict_refusal",
            false,
            |c: &mut C, v| c.serve().strict_refusal = v,
            "answer 403 without a good token, not 400 or the file of http.anti_steal.token_check_fail",
        ),
        Key::bool(
            "http.allow_sample_secret",
            false,
            |c: &mut C, v| c.serve().allow_sample_secret = v,
            "start with the secret that stands in the sample file of FastDFS, which everybody knows",
        ),
        Key::bool(
            "http.metadata_files",
            false,
            |c: &mut C, v| c.serve().metadata_files = v,
            "give the metadata of a file as <its URL>-m, as the module does",
        ),
        Key::bool(
            "http.metadata_json",
            true,
            |c: &mut C, v| c.serve().metadata_json = v,
            "give the metadata of a file as JSON with ?meta=1",
        ),
        Key::text(
            "http.filename_key",
            "filename",
            |c: &mut C, v| v.clone_into(&mut c.serve().filename_key),
            "the metadata that holds a file's own name, for ?download=1",
        )
        .allowed("a name, or empty"),
    ]
}

fn tls<C: HasServeHttp>() -> Vec<Key<C>> {
    vec![
        Key::count(
            "http.tls_port",
            0,
            |c: &mut C, v| c.serve().tls_port = u16::try_from(v).unwrap_or(0),
            "where HTTPS is served, HTTP/2 and 1.1; 0 for nowhere",
        )
        .at_most(65_535, EINVAL),
        Key::custom(
            "http.tls_certificate",
            "path",
            "",
            |c: &mut C, r, key| {
                let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
                c.serve().tls_certificate = item.map(|item| r.resolve(&item.value));
            },
            "the certificate and those between it and the authority, PEM; read again when it changes",
        )
        .allowed("a path"),
        Key::custom(
            "http.tls_key",
            "path",
            "",
            |c: &mut C, r, key| {
                let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
                c.serve().tls_key = item.map(|item| r.resolve(&item.value));
            },
            "its private key, PEM",
        )
        .allowed("a path"),
    ]
}

fn access_log<C: HasServeHttp>() -> Vec<Key<C>> {
    vec![
        Key::custom(
            "http.access_log",
            "path",
            "",
            |c: &mut C, r, key| {
                let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
                c.serve().access_log = item.map(|item| r.resolve(&item.value));
            },
            "a line for each request goes there; empty for none",
        )
        .allowed("a path, or empty")
        .sample("/var/log/fdfs/http_access.log"),
        Key::word(
            "http.access_log_format",
            "combined",
            EINVAL,
            |c: &mut C, word| {
                c.serve().access_log_is_json = word == "json";
                matches!(word, "combined" | "json")
            },
            "the form of its lines: combined as nginx and Apache write it, or JSON",
        )
        .allowed("combined, json"),
    ]
}
