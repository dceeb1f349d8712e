//! client.conf. Every file with `tracker_server` can be read as one, and people do pass storage.conf.
//!
//! Source: configuration, 7.

use std::path::PathBuf;

use fdfs_proto::Status;

use crate::Severity;
use crate::address::TrackerServer;
use crate::check::FileKind;
use crate::choice::{ConnectFirstBy, LogLevel};
use crate::table::{Action, ConfFile, Key, Reading, conf_struct};
use crate::trackers;

conf_struct! {
    /// A client's configuration.
    pub struct ClientConf {
        /// `tracker_server`: the trackers.
        pub tracker_servers: Vec<TrackerServer>,
        /// `base_path`: a folder that must exist, `/tmp` if absent.
        pub base_path: PathBuf,
        /// `connect_timeout`, seconds.
        pub connect_timeout_secs: u64,
        /// `network_timeout`: seconds without a byte after which a connection is given up.
        pub network_timeout_secs: u64,
        /// `log_level`: what is written to standard error.
        pub log_level: LogLevel,
        /// `connect_first_by`: which of two addresses of a storage is tried first.
        pub connect_first_by: ConnectFirstBy,
        /// `use_connection_pool`: whether connections are kept for reuse.
        pub use_connection_pool: bool,
        /// `connection_pool_max_idle_time`: seconds after which an idle one is closed.
        pub connection_pool_max_idle_time_secs: u64,
        /// `load_fdfs_parameters_from_tracker`: whether storage ids come from a tracker.
        pub load_fdfs_parameters_from_tracker: bool,
        /// `use_storage_id`, when they do not.
        pub use_storage_id: bool,
        /// `storage_ids_filename`, as it is named to the loader: relative names are resolved.
        pub storage_ids_filename: Option<String>,
        /// `http.anti_steal.check_token`: whether URLs that tools print carry a token.
        pub anti_steal_check_token: bool,
        /// `http.anti_steal.secret_key`: the secret of the token.
        pub anti_steal_secret_key: String,
    }
}

impl ConfFile for ClientConf {
    const KIND: FileKind = FileKind::Client;

    fn blank() -> Self {
        Self::blank_fields()
    }

    fn keys() -> Vec<Key<Self>> {
        KEYS.to_vec()
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        trackers::require(reading);
        if self.use_storage_id && !self.load_fdfs_parameters_from_tracker && self.storage_ids_filename.is_none() {
            reading.missing("storage_ids_filename", "a file name, because use_storage_id is on", Status::ENOENT);
        }
        if self.anti_steal_check_token && self.anti_steal_secret_key.is_empty() {
            reading.missing("http.anti_steal.secret_key", "a secret, because check_token is on", Status::EINVAL);
        }
    }
}

/// A row of the table.
type Row = Key<ClientConf>;

const EINVAL: Action = Action::Refuse(Status::EINVAL);

/// Every key of client.conf.
const KEYS: &[Row] = &[
    trackers::key(|c, r, key| c.tracker_servers = trackers::read(r, key)),
    Row::path("base_path", "/tmp", |c, v| c.base_path = v, "a folder that exists")
        .allowed("a path of an existing folder")
        .sample("/opt/fastdfs"),
    Row::secs("connect_timeout", 10, |c, v| c.connect_timeout_secs = v, "for outgoing connections")
        .positive()
        .sample("5"),
    Row::secs(
        "network_timeout",
        30,
        |c, v| c.network_timeout_secs = v,
        "without a byte, after which a connection is given up",
    )
    .positive()
    .sample("60"),
    Row::word(
        "log_level",
        "info",
        Action::UseDefault(Severity::Warning),
        |c, word| LogLevel::from_prefix(word).map(|v| c.log_level = v).is_some(),
        "what is written to standard error",
    )
    .allowed("emerg, alert, crit, error, warn, notice, info, debug"),
    Row::word(
        "connect_first_by",
        "tracker",
        Action::UseDefault(Severity::Note),
        |c, word| ConnectFirstBy::from_prefix(word).map(|v| c.connect_first_by = v).is_some(),
        "which of two addresses of a storage is tried first; only with storage ids",
    )
    .allowed("tracker, last-connected")
    .since("6.x"),
    Row::bool("use_connection_pool", false, |c, v| c.use_connection_pool = v, "keep connections for reuse"),
    Row::secs(
        "connection_pool_max_idle_time",
        3600,
        |c, v| c.connection_pool_max_idle_time_secs = v,
        "after which an idle connection is closed",
    )
    .at_least(1, EINVAL),
    Row::bool(
        "load_fdfs_parameters_from_tracker",
        false,
        |c, v| c.load_fdfs_parameters_from_tracker = v,
        "ask a tracker for use_storage_id and the list of storages",
    ),
    Row::bool(
        "use_storage_id",
        false,
        |c, v| c.use_storage_id = v,
        "storages have ids; used when it is not loaded from a tracker",
    ),
    Row::custom(
        "storage_ids_filename",
        "path",
        "",
        |c, r, key| {
            let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
            c.storage_ids_filename = item.map(|item| r.resolve(&item.value));
        },
        "the list of storages, relative to this file; used when it is not loaded from a tracker",
    )
    .allowed("a path")
    .sample("storage_ids.conf"),
    Row::bool(
        "http.anti_steal.check_token",
        false,
        |c, v| c.anti_steal_check_token = v,
        "let printed URLs carry a token; usually in http.conf, included",
    ),
    Row::text(
        "http.anti_steal.secret_key",
        "",
        |c, v| c.anti_steal_secret_key = v.to_owned(),
        "the secret of the token; required with http.anti_steal.check_token",
    )
    .allowed("a secret"),
    Row::ignored("http.tracker_server_port", "the trackers have no HTTP port since 4.05"),
    Row::elsewhere("http.*", "the other keys of http.conf, which clients may include"),
];
