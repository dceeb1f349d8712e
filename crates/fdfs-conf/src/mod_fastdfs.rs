//! mod_fastdfs.conf, the configuration of the web server module.
//!
//! Source: configuration, 8; HTTP, 3.1.

use std::path::PathBuf;

use fdfs_proto::limits::GROUPS;
use fdfs_proto::{GroupName, Status};

use crate::Severity;
use crate::address::{TrackerServer, parse_port};
use crate::check::FileKind;
use crate::choice::{LogLevel, ResponseMode};
use crate::http::{self, HasHttp, HttpConf};
use crate::serve_http::{self, HasServeHttp, ServeHttp};
use crate::store_path::{self, COUNT_ALLOWED, StoragePath};
use crate::table::{Action, ConfFile, Key, Reading, Section, conf_struct};
use crate::trackers;
use crate::value::parse_int;

/// A group whose files are on the local disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalGroup {
    /// `group_name`.
    pub group_name: GroupName,
    /// `storage_server_port`: the port of its storages.
    pub storage_server_port: u16,
    /// `store_path0`, `store_path1`, ...
    pub store_paths: Vec<StoragePath>,
}

conf_struct! {
    /// The configuration of the web server module.
    pub struct ModFastdfsConf {
        /// `connect_timeout`, seconds.
        pub connect_timeout_secs: u64,
        /// `network_timeout`, seconds.
        pub network_timeout_secs: u64,
        /// `base_path`; empty with `group_count`, which does not need it.
        pub base_path: PathBuf,
        /// `load_fdfs_parameters_from_tracker`.
        pub load_fdfs_parameters_from_tracker: bool,
        /// `tracker_server`: needed only with `load_fdfs_parameters_from_tracker`.
        pub tracker_servers: Vec<TrackerServer>,
        /// `storage_sync_file_max_delay`, seconds; used when it is not loaded from a tracker.
        pub storage_sync_file_max_delay_secs: u64,
        /// `use_storage_id`; used when it is not loaded from a tracker.
        pub use_storage_id: bool,
        /// `storage_ids_filename`, as it is named to the loader; `storage_ids.conf` beside this file if absent.
        pub storage_ids_filename: Option<String>,
        /// `url_have_group_name`: whether URLs begin with the group.
        pub url_have_group_name: bool,
        /// The groups on the local disk: the one of the global part, or `[group1]` to `[groupN]` with `group_count`.
        pub groups: Vec<LocalGroup>,
        /// Whether there is a `group_count`.
        pub has_group_count: bool,
        /// `log_level`.
        pub log_level: LogLevel,
        /// `log_filename`: empty for standard error.
        pub log_filename: String,
        /// `response_mode`.
        pub response_mode: ResponseMode,
        /// `if_alias_prefix`: prefixes of the interfaces whose addresses are this host's; empty for all.
        pub if_alias_prefix: String,
        /// `flv_support`: whether `?start=` seeks in FLV files.
        pub flv_support: bool,
        /// `flv_extension`: their extension.
        pub flv_extension: String,
        /// `anti_steal_bypass_header_name`: requests with this header need no token; empty for none.
        pub anti_steal_bypass_header_name: String,
        /// `anti_steal_bypass_header_value`: if it has exactly this value.
        pub anti_steal_bypass_header_value: String,
        /// The keys of http.conf.
        pub http: HttpPart,
        /// How this program serves: keys of our own.
        pub serve: ServeHttp,
    }
}

/// The keys of http.conf inside of mod_fastdfs.conf.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpPart(HttpConf);

impl Default for HttpPart {
    fn default() -> Self {
        Self(HttpConf::blank_part())
    }
}

impl std::ops::Deref for HttpPart {
    type Target = HttpConf;
    fn deref(&self) -> &HttpConf {
        &self.0
    }
}

impl HasHttp for ModFastdfsConf {
    fn http(&mut self) -> &mut HttpConf {
        &mut self.http.0
    }
}

impl ConfFile for ModFastdfsConf {
    const KIND: FileKind = FileKind::ModFastdfs;

    fn blank() -> Self {
        Self::blank_fields()
    }

    fn keys() -> Vec<Key<Self>> {
        [KEYS.to_vec(), http::keys(), serve_http::keys()].concat()
    }

    fn finish(&mut self, reading: &mut Reading<'_>) {
        if self.load_fdfs_parameters_from_tracker {
            trackers::require(reading);
        }
        if is_gateway(reading) {
            return;
        }
        self.read_groups(reading);
        self.http.require(reading);
    }
}

impl HasServeHttp for ModFastdfsConf {
    fn serve(&mut self) -> &mut ServeHttp {
        &mut self.serve
    }
}

/// Whether a file is written for a server of this program alone: it names nothing local. What the module insists on then
/// has defaults.
fn is_gateway(reading: &Reading<'_>) -> bool {
    ["base_path", "group_name", "group_count", "store_path0"]
        .iter()
        .all(|name| reading.last(Section::Global, name).is_none())
        && reading.ini().items.iter().any(|item| item.name == "tracker_server" || item.name.starts_with("http."))
}

impl ModFastdfsConf {
    fn read_groups(&mut self, reading: &mut Reading<'_>) {
        let item = reading.last(Section::Global, "group_count");
        let count = item.map_or(0, |item| parse_int(&item.value).value);
        match (usize::try_from(count), item) {
            (Ok(0), _) => {
                if self.base_path.as_os_str().is_empty() {
                    reading.missing("base_path", "a path, because there is no group_count", Status::ENOENT);
                }
                let default = self.base_path.clone();
                self.groups.extend(read_group("", Some(&default), reading));
            }
            (Ok(count), _) if count <= GROUPS => {
                self.has_group_count = true;
                self.base_path = PathBuf::new();
                if !self.url_have_group_name {
                    reading.missing("url_have_group_name", "true, because group_count is not 0", Status::ENOENT);
                }
                for number in 1..=count {
                    self.groups.extend(read_group(&format!("group{number}"), None, reading));
                }
            }
            (_, Some(item)) => reading.refuse(item, format!("0 to {GROUPS}"), Status::EINVAL),
            (_, None) => {}
        }
    }
}

/// The group of one section; the global part is the empty name.
fn read_group(section: &str, default_path: Option<&PathBuf>, reading: &mut Reading<'_>) -> Option<LocalGroup> {
    let ini = reading.ini();
    let port = ini.last(section, "storage_server_port").and_then(|item| {
        let port = parse_port(&item.value);
        if port.is_none() {
            reading.warn(item, format!("{} is not allowed, 23000 is used", item.value), "1 to 65535");
        }
        port
    });
    let store_paths = store_path::read(section, default_path, reading);
    let Some(item) = ini.last(section, "group_name") else {
        let key = if section.is_empty() { "group_name".to_owned() } else { format!("group_name in [{section}]") };
        reading.missing(&key, "a group name", Status::ENOENT);
        return None;
    };
    let Some(group_name) = item.value.parse().ok().filter(|name: &GroupName| !name.is_empty()) else {
        reading.refuse(item, "1 to 16 letters and digits", Status::EINVAL);
        return None;
    };
    let storage_server_port = port.unwrap_or(fdfs_proto::limits::STORAGE_PORT);
    Some(LocalGroup { group_name, storage_server_port, store_paths })
}

/// A row of the table.
type Row = Key<ModFastdfsConf>;

const EINVAL: Action = Action::Refuse(Status::EINVAL);
const NOTE: Action = Action::UseDefault(Severity::Note);

/// Every key of mod_fastdfs.conf but those of http.conf. The groups are read at the end.
const KEYS: &[Row] = &[
    Row::secs("connect_timeout", 10, |c, v| c.connect_timeout_secs = v, "for connections to a tracker")
        .positive()
        .sample("2"),
    Row::secs(
        "network_timeout",
        30,
        |c, v| c.network_timeout_secs = v,
        "without a byte, after which a connection to a tracker is given up",
    )
    .positive(),
    Row::path("base_path", "", |c, v| c.base_path = v, "a folder; required without group_count, else not read")
        .allowed("a path; made if absent")
        .sample("/tmp"),
    Row::bool(
        "load_fdfs_parameters_from_tracker",
        false,
        |c, v| c.load_fdfs_parameters_from_tracker = v,
        "ask a tracker for storage_sync_file_max_delay, use_storage_id and the list of storages",
    )
    .sample("true"),
    trackers::key(|c, r, key| c.tracker_servers = trackers::read(r, key)),
    Row::secs(
        "storage_sync_file_max_delay",
        86_400,
        |c, v| c.storage_sync_file_max_delay_secs = v,
        "after which a file is everywhere in its group; used when it is not loaded from a tracker",
    )
    .positive(),
    Row::bool(
        "use_storage_id",
        false,
        |c, v| c.use_storage_id = v,
        "storages have ids; used when it is not loaded from a tracker",
    ),
    Row::custom(
        "storage_ids_filename",
        "path",
        "storage_ids.conf",
        |c, r, key| {
            let name = r.last(key.section, key.name).map_or("storage_ids.conf", |item| item.value.as_str());
            c.storage_ids_filename = (!name.is_empty()).then(|| r.resolve(name));
        },
        "the list of storages, relative to this file; used when it is not loaded from a tracker",
    )
    .allowed("a path"),
    Row::custom(
        "group_count",
        "count",
        "0",
        |_, _, _| {},
        "number of groups, each with a section [group1] to [groupN]",
    )
    .allowed("0 to 512")
    .otherwise("refused (22)"),
    Row::custom("group_name", "name", "", |_, _, _| {}, "the group of the local storage; required without group_count")
        .allowed("1 to 16 letters and digits")
        .otherwise("refused (22)")
        .sample("group1"),
    Row::custom("storage_server_port", "port", "23000", |_, _, _| {}, "the port of the group's storages")
        .allowed("1 to 65535")
        .otherwise("23000, with a warning"),
    Row::custom("store_path_count", "count", "1", |_, _, _| {}, "number of store paths")
        .allowed(COUNT_ALLOWED)
        .otherwise("refused (22)"),
    Row::custom(
        "store_path%d",
        "path",
        "base_path for store_path0",
        |_, _, _| {},
        "the local storage's store paths, counted from 0",
    )
    .allowed("a path")
    .sample("/opt/fastdfs"),
    Row::custom("store_path%d_readonly", "bool", "false", |_, _, _| {}, "accepted without effect")
        .allowed("true, false")
        .otherwise("false"),
    Row::custom("group_name", "name", "", |_, _, _| {}, "the group; required")
        .in_section(Section::Groups)
        .allowed("1 to 16 letters and digits")
        .otherwise("refused (22)")
        .sample("group1"),
    Row::custom("storage_server_port", "port", "23000", |_, _, _| {}, "the port of the group's storages")
        .in_section(Section::Groups)
        .allowed("1 to 65535")
        .otherwise("23000, with a warning"),
    Row::custom("store_path_count", "count", "1", |_, _, _| {}, "number of store paths of the group")
        .in_section(Section::Groups)
        .allowed(COUNT_ALLOWED)
        .otherwise("refused (22)"),
    Row::custom("store_path%d", "path", "", |_, _, _| {}, "the group's store paths, counted from 0; required")
        .in_section(Section::Groups)
        .allowed("a path")
        .sample("/opt/fastdfs"),
    Row::custom("store_path%d_readonly", "bool", "false", |_, _, _| {}, "accepted without effect")
        .in_section(Section::Groups)
        .allowed("true, false")
        .otherwise("false"),
    Row::bool("url_have_group_name", false, |c, v| c.url_have_group_name = v, "URLs begin with the group's name"),
    Row::word(
        "log_level",
        "info",
        Action::UseDefault(Severity::Warning),
        |c, word| LogLevel::from_prefix(word).map(|v| c.log_level = v).is_some(),
        "what is logged: this level and all more urgent ones",
    )
    .allowed("emerg, alert, crit, error, warn, notice, info, debug"),
    Row::text("log_filename", "", |c, v| c.log_filename = v.to_owned(), "the log file; empty for the web server's own")
        .allowed("a path, or empty"),
    Row::word(
        "response_mode",
        "proxy",
        NOTE,
        |c, word| {
            // Only the exact word switches: `Redirect` is a proxy, as in the reference.
            let mode = if word == "redirect" { ResponseMode::Redirect } else { ResponseMode::Proxy };
            c.response_mode = mode;
            matches!(word, "redirect" | "proxy")
        },
        "a file that is not here: proxy fetches it from its source, redirect sends the client there",
    )
    .allowed("proxy, redirect; case counts"),
    Row::text(
        "if_alias_prefix",
        "",
        |c, v| c.if_alias_prefix = v.to_owned(),
        "interfaces whose addresses are this host's; empty for all",
    )
    .allowed("prefixes of interface names, separated by commas"),
    Row::bool("flv_support", false, |c, v| c.flv_support = v, "let ?start= seek in FLV files").sample("true"),
    Row::word(
        "flv_extension",
        "flv",
        EINVAL,
        |c, word| {
            word.clone_into(&mut c.flv_extension);
            word.len() <= 6
        },
        "the extension of FLV files; case counts",
    )
    .allowed("an extension of at most 6 bytes, without the dot"),
    Row::text(
        "anti_steal_bypass_header_name",
        "",
        |c, v| c.anti_steal_bypass_header_name = v.to_owned(),
        "requests with this header need no token",
    )
    .allowed("a header's name, or empty")
    .since("1.27 of the module"),
    Row::text(
        "anti_steal_bypass_header_value",
        "",
        |c, v| c.anti_steal_bypass_header_value = v.to_owned(),
        "if the header has exactly this value",
    )
    .allowed("a text")
    .since("1.27 of the module"),
];

#[cfg(test)]
mod tests;
