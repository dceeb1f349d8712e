//! http.conf, which mod_fastdfs.conf includes.
//!
//! Source: configuration, 9; HTTP, 3.2.

use fdfs_proto::Status;

use crate::check::FileKind;
use crate::table::{Action, ConfFile, Key, Reading, Section, conf_struct};

conf_struct! {
    /// How files are served over HTTP.
    pub struct HttpConf {
        /// `http.disabled`: no other key is read, no token checked, no multi-range answered.
        pub disabled: bool,
        /// `http.server_port`.
        pub server_port: u16,
        /// `http.need_find_content_type`.
        pub need_find_content_type: bool,
        /// `http.multi_range.enabled`: whether a request may ask for several ranges.
        pub multi_range_enabled: bool,
        /// `http.mime_types_filename`, as it is named to the loader: relative names are resolved, URLs stay.
        pub mime_types_filename: Option<String>,
        /// `http.default_content_type`: the type of unknown extensions, at most 63 bytes.
        pub default_content_type: String,
        /// `http.anti_steal.check_token`: whether requests need a token.
        pub anti_steal_check_token: bool,
        /// `http.anti_steal.token_ttl`: seconds that a token is good for.
        pub anti_steal_token_ttl_secs: u64,
        /// `http.anti_steal.secret_key`: the secret of the token.
        pub anti_steal_secret_key: String,
        /// `http.anti_steal.token_check_fail`: the file that is sent instead of a refusal.
        pub anti_steal_token_check_fail: Option<String>,
    }
}

impl HttpConf {
    /// Whether the table of MIME types is needed.
    #[must_use]
    pub const fn needs_mime_types(&self) -> bool {
        !self.disabled && (self.need_find_content_type || self.anti_steal_check_token || self.multi_range_enabled)
    }
}

impl ConfFile for HttpConf {
    const KIND: FileKind = FileKind::Http;

    fn blank() -> Self {
        Self::blank_fields()
    }

    fn keys() -> Vec<Key<Self>> {
        keys()
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        self.require(reading);
    }
}

/// A configuration that holds the keys of http.conf.
pub(crate) trait HasHttp: 'static {
    fn http(&mut self) -> &mut HttpConf;
}

impl HasHttp for HttpConf {
    fn http(&mut self) -> &mut HttpConf {
        self
    }
}

impl HttpConf {
    /// A blank one, as part of another configuration.
    pub(crate) fn blank_part() -> Self {
        Self::blank_fields()
    }

    /// Says what is missing. Nothing is, where HTTP is disabled.
    pub(crate) fn require(&self, reading: &mut Reading<'_>) {
        if self.needs_mime_types() {
            if self.mime_types_filename.is_none() {
                reading.missing("http.mime_types_filename", "a file name", Status::EINVAL);
            }
            if reading.last(Section::Global, "http.default_content_type").is_none() {
                reading.missing("http.default_content_type", "application/octet-stream", Status::EINVAL);
            }
        }
        if !self.disabled && self.anti_steal_check_token && self.anti_steal_secret_key.is_empty() {
            reading.missing("http.anti_steal.secret_key", "a secret, because check_token is on", Status::EINVAL);
        }
    }
}

/// The longest content type, in bytes.
const CONTENT_TYPE_MAX: usize = 63;
const EINVAL: Action = Action::Refuse(Status::EINVAL);

/// Every key of http.conf.
pub(crate) fn keys<C: HasHttp>() -> Vec<Key<C>> {
    vec![
        Key::bool("http.disabled", false, |c: &mut C, v| c.http().disabled = v, "true: the other keys mean nothing"),
        Key::custom(
            "http.server_port",
            "port",
            "80",
            |c: &mut C, r, key| {
                let given = r.last(key.section, key.name);
                let port = given.map_or(Some(80), |item| crate::address::parse_port(&item.value));
                if let (None, Some(item), false) = (port, given, c.http().disabled) {
                    r.refuse(item, key.allowed, Status::EINVAL);
                }
                c.http().server_port = port.unwrap_or(80);
            },
            "the web server's port; only checked",
        )
        .allowed("1 to 65535")
        .otherwise("refused (22)"),
        Key::bool(
            "http.need_find_content_type",
            true,
            |c: &mut C, v| c.http().need_find_content_type = v,
            "look the content type up by the extension",
        ),
        Key::bool(
            "http.multi_range.enabled",
            true,
            |c: &mut C, v| c.http().multi_range_enabled = v,
            "answer requests for several ranges",
        )
        .since("5.11"),
        Key::custom(
            "http.mime_types_filename",
            "path or URL",
            "",
            |c: &mut C, r, key| {
                let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
                c.http().mime_types_filename = item.map(|item| r.resolve(&item.value));
            },
            "the table of content types, relative to the top file; required unless nothing needs it",
        )
        .allowed("a path or an http:// URL")
        .sample("mime.types"),
        Key::word(
            "http.default_content_type",
            "",
            EINVAL,
            |c: &mut C, word| {
                word.clone_into(&mut c.http().default_content_type);
                c.http().disabled || (1..=CONTENT_TYPE_MAX).contains(&word.len())
            },
            "the content type of unknown extensions; required with http.mime_types_filename",
        )
        .allowed("a content type of 1 to 63 bytes")
        .sample("application/octet-stream"),
        Key::bool(
            "http.anti_steal.check_token",
            false,
            |c: &mut C, v| c.http().anti_steal_check_token = v,
            "let requests through with a token only",
        ),
        Key::secs(
            "http.anti_steal.token_ttl",
            600,
            |c: &mut C, v| c.http().anti_steal_token_ttl_secs = v,
            "that a token is good for",
        )
        .at_least(1, EINVAL)
        .sample("900"),
        Key::text(
            "http.anti_steal.secret_key",
            "",
            |c: &mut C, v| c.http().anti_steal_secret_key = v.to_owned(),
            "the secret of the tokens; required with http.anti_steal.check_token",
        )
        .allowed("a secret of at most 128 bytes"),
        Key::text(
            "http.anti_steal.token_check_fail",
            "",
            |c: &mut C, v| c.http().anti_steal_token_check_fail = (!v.is_empty()).then(|| v.to_owned()),
            "a file that is sent instead of a refusal",
        )
        .allowed("a path of an existing file, or empty"),
        Key::ignored("http.tracker_server_port", "the trackers have no HTTP port since 4.05"),
    ]
}

#[cfg(test)]
mod tests;
