//! How files are served: everything that the configuration says, ready for use.

use std::sync::Arc;

use fdfs_conf::{MimeTypes, ResponseMode};
use fdfs_proto::GroupName;
use fdfs_proto::ours::Network;

use super::access::{Access, Policies};
use super::target::UrlForm;
use super::token::SigningKey;

/// How long files that never change may be kept by caches, in seconds: a year, the most there is.
pub const MAX_AGE_SECS: u64 = 31_536_000;
/// The largest upload by HTTP unless the configuration says otherwise: 1 GB.
pub const UPLOAD_BYTES_MAX: u64 = 1 << 30;

/// The token check of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenCheck {
    /// The secret.
    pub secret: String,
    /// Seconds that a token is good for.
    pub ttl_secs: u64,
    /// What is sent instead of a refusal.
    pub fail: Option<FailFile>,
}

/// A file that is sent to those whose token is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailFile {
    /// Its content.
    pub content: Arc<[u8]>,
    /// Its type.
    pub content_type: String,
}

/// Which web pages of other origins may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// None.
    None,
    /// All.
    Any,
    /// These: `https://example.com`.
    These(Vec<String>),
}

/// Uploads and deletes.
#[derive(Debug, Clone)]
pub struct Writes {
    /// What must stand behind `Bearer` in `Authorization`.
    pub token: String,
    /// The largest file, in bytes.
    pub bytes_max: u64,
}

/// How files are served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which URLs name files.
    pub form: UrlForm,
    /// Groups whose files are here, and how many store paths each has, where that is known.
    pub own_groups: Vec<(GroupName, usize)>,
    /// What happens to a file that is not here.
    pub response_mode: ResponseMode,
    /// Where others serve HTTP; 0 for the port that a request came in on.
    pub redirect_port: u16,
    /// The same for requests over TLS.
    pub redirect_tls_port: u16,
    /// Whether clients that are sent on are marked, so that the next host sends them no further.
    pub marks_redirects: bool,
    /// Seconds after which a file is everywhere in its group.
    pub sync_file_max_delay_secs: u64,
    /// Content types.
    pub mime_types: Arc<MimeTypes>,
    /// The type of what is not among them.
    pub default_content_type: String,
    /// Whether several ranges are answered.
    pub multi_range: bool,
    /// The extension of files that `start` and `end` seek in.
    pub flv_extension: Option<String>,
    /// The token check of the reference.
    pub token: Option<TokenCheck>,
    /// A header's name and value that make a token unnecessary.
    pub bypass: Option<(String, String)>,
    /// Keys of signed URLs.
    pub signing_keys: Vec<SigningKey>,
    /// Who may read what.
    pub policies: Policies,
    /// What a wrong token or none gets: 403 instead of what the reference does.
    pub strict_refusal: bool,
    /// Seconds that caches may keep files that never change; 0 says nothing.
    pub max_age_secs: u64,
    /// Which web pages may read.
    pub origins: Origins,
    /// Whether `<id>-m` gives the metadata as the reference does.
    pub metadata_files: bool,
    /// Whether `?meta` gives the metadata as JSON.
    pub metadata_json: bool,
    /// The metadata key that holds a file's own name, for `?download`.
    pub filename_key: String,
    /// Uploads and deletes; `None` for none.
    pub writes: Option<Writes>,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            form: UrlForm::WithGroup,
            own_groups: Vec::new(),
            response_mode: ResponseMode::Proxy,
            redirect_port: 0,
            redirect_tls_port: 0,
            marks_redirects: true,
            sync_file_max_delay_secs: 86_400,
            mime_types: Arc::new(MimeTypes::default()),
            default_content_type: "application/octet-stream".to_owned(),
            multi_range: true,
            flv_extension: None,
            token: None,
            bypass: None,
            signing_keys: Vec::new(),
            policies: Policies::new(Access::Public, Vec::new()),
            strict_refusal: false,
            max_age_secs: MAX_AGE_SECS,
            origins: Origins::Any,
            metadata_files: false,
            metadata_json: true,
            filename_key: "filename".to_owned(),
            writes: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Settings {
    /// The type of a file by its name: the table as it is, then with small letters.
    #[must_use]
    pub fn content_type(&self, name: &str) -> &str {
        self.mime_types
            .of_file_name(name)
            .or_else(|| {
                let (_, ext) = name.rsplit('/').next()?.rsplit_once('.')?;
                let has_large = ext.bytes().any(|b| b.is_ascii_uppercase());
                if has_large { self.mime_types.of_extension(&ext.to_ascii_lowercase()) } else { None }
            })
            .unwrap_or(&self.default_content_type)
    }

    /// Whether a group's files can be here.
    #[must_use]
    pub fn is_own(&self, group: GroupName) -> bool {
        self.own_groups.iter().any(|own| own.0 == group)
    }
}
