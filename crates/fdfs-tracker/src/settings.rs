//! What tracker.conf and storage_ids.conf mean for the core and for the answers that only repeat them.

use std::fs::File;
use std::io::Read as _;

use fdfs_conf::choice::ResponseIpAddrSize;
use fdfs_conf::ini::FILE_BYTES_MAX;
use fdfs_conf::{ConfError, LoadError, ReservedSpace, Severity, StorageIds, TrackerConf, tracker};
use fdfs_core::tracker::{
    Addrs, AnswerWidth, DownloadServer, IdEntry, IdTable, IdTableError, IdType, Reserved, Settings, StoreLookup,
    StorePath, StoreServer,
};
use fdfs_proto::cmd::tracker::{self as cmd, HostAddrs, Parameters, StorageIdLine};
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{GroupName, IpText, StorageId, Wire as _};
use tracing::{info, warn};

use crate::error::StartError;
use crate::names::{Found, Names};

/// The configuration as this tracker uses it.
#[derive(Debug)]
pub(crate) struct Configured {
    /// What decisions depend on.
    pub(crate) settings: Settings,
    /// The answer to 75, which never changes.
    pub(crate) parameters: Vec<u8>,
    /// The lines that 69 hands out; `None` without storage ids.
    pub(crate) id_lines: Option<Vec<StorageIdLine>>,
    /// What is looked up again.
    pub(crate) names: Names,
    /// What was found just now.
    pub(crate) found: Found,
}

impl Configured {
    /// Reads storage_ids.conf if it is used; host names in it are resolved now. Blocking.
    pub(crate) fn load(conf: &TrackerConf) -> Result<Self, StartError> {
        let ids = load_ids(conf)?;
        let names = Names { advertise: conf.advertise.clone(), ids };
        let found = names.look_up(&Found::default())?;
        found.warn_of_nameless(&[]);
        let addr_size = conf.addr_size(found.ids.as_ref());
        let id_lines = found.ids.as_ref().map(id_lines);
        let table = id_lines.as_deref().map(|lines| id_table(conf, lines)).transpose()?;
        let parameters = parameters(conf, addr_size).to_bytes();
        let settings = Settings {
            advertise: found.advertise.clone(),
            answer_width: answer_width(conf, addr_size),
            ..settings(conf, table)
        };
        Ok(Self { settings, parameters, id_lines, names, found })
    }
}

fn id_table(conf: &TrackerConf, lines: &[StorageIdLine]) -> Result<IdTable, StartError> {
    table_of(lines).map_err(|source| {
        let file = conf.storage_ids_filename.clone().unwrap_or_default();
        StartError::IdTable { file, source }
    })
}

/// The lines as the core looks into them. Without lines no storage can join, until their names have addresses.
pub(crate) fn table_of(lines: &[StorageIdLine]) -> Result<IdTable, IdTableError> {
    if lines.is_empty() { Ok(IdTable::default()) } else { IdTable::new(lines.iter().map(id_entry).collect()) }
}

fn settings(conf: &TrackerConf, ids: Option<IdTable>) -> Settings {
    Settings {
        store_lookup: match (conf.store_lookup, conf.store_group) {
            (fdfs_conf::StoreLookup::SpecifiedGroup, Some(group)) => StoreLookup::Group(group),
            (fdfs_conf::StoreLookup::LoadBalance, _) => StoreLookup::LoadBalance,
            // The configuration is refused when a group is to be used and none is named.
            (fdfs_conf::StoreLookup::RoundRobin | fdfs_conf::StoreLookup::SpecifiedGroup, _) => StoreLookup::RoundRobin,
        },
        store_server: match conf.store_server {
            fdfs_conf::StoreServer::RoundRobin => StoreServer::RoundRobin,
            fdfs_conf::StoreServer::FirstById => StoreServer::FirstById,
            fdfs_conf::StoreServer::FirstByPriority => StoreServer::LowestPriority,
        },
        download_server: match conf.download_server {
            fdfs_conf::DownloadServer::RoundRobin => DownloadServer::RoundRobin,
            fdfs_conf::DownloadServer::Source => DownloadServer::Source,
        },
        store_path: match conf.store_path {
            fdfs_conf::StorePathChoice::RoundRobin => StorePath::RoundRobin,
            fdfs_conf::StorePathChoice::MostFree => StorePath::MostFree,
        },
        reserved: match conf.reserved_storage_space {
            ReservedSpace::MegaBytes(mb) => Reserved::Mb(mb),
            ReservedSpace::Percent(percent) => Reserved::Ratio(percent / 100.0),
        },
        check_active_interval_secs: conf.check_active_interval_secs,
        sync_file_max_delay_secs: signed(conf.storage_sync_file_max_delay_secs),
        sync_file_max_time_secs: signed(conf.storage_sync_file_max_time_secs),
        use_trunk_file: conf.use_trunk_file,
        trunk_init_check_occupying: conf.trunk_init_check_occupying,
        trunk_init_reload_from_binlog: conf.trunk_init_reload_from_binlog,
        ids,
        trust_storage_server_id: conf.trust_storage_server_id,
        id_type_in_filename: match conf.id_type_in_filename {
            fdfs_conf::IdType::Ip => IdType::Ip,
            fdfs_conf::IdType::Id => IdType::Id,
        },
        ..Settings::default()
    }
}

fn answer_width(conf: &TrackerConf, addr_size: AddrSize) -> AnswerWidth {
    match (addr_size, conf.response_ip_addr_size) {
        (AddrSize::V6, _) => AnswerWidth::Wide,
        (AddrSize::V4, ResponseIpAddrSize::Auto) => AnswerWidth::ByAsker,
        (AddrSize::V4, _) => AnswerWidth::Narrow,
    }
}

/// The answer to 75.
fn parameters(conf: &TrackerConf, addr_size: AddrSize) -> Parameters {
    Parameters {
        use_storage_id: conf.use_storage_id,
        id_type_in_filename: match conf.id_type_in_filename {
            fdfs_conf::IdType::Ip => cmd::IdType::Ip,
            fdfs_conf::IdType::Id => cmd::IdType::Id,
        },
        trust_storage_server_id: conf.trust_storage_server_id,
        response_ip_addr_size: addr_size,
        storage_ip_changed_auto_adjust: conf.storage_ip_changed_auto_adjust,
        storage_sync_file_max_delay_secs: int(conf.storage_sync_file_max_delay_secs),
        store_path: match conf.store_path {
            fdfs_conf::StorePathChoice::RoundRobin => cmd::StorePathRule::RoundRobin,
            fdfs_conf::StorePathChoice::MostFree => cmd::StorePathRule::MostFree,
        },
        reserved_storage_space: match conf.reserved_storage_space {
            ReservedSpace::MegaBytes(mb) => cmd::ReservedSpace::Megabytes(mb),
            ReservedSpace::Percent(percent) => {
                // The configuration allows more than 0 and less than 100.
                cmd::ReservedSpace::Share { hundredths: (percent * 100.0).round() as u16 }
            }
        },
        use_trunk_file: conf.use_trunk_file,
        slot_min_size_bytes: int(conf.slot_min_size_bytes),
        slot_max_size_bytes: int(conf.slot_max_size_bytes),
        trunk_alloc_alignment_size_bytes: int(conf.trunk_alloc_alignment_size_bytes.into()),
        trunk_file_size_bytes: int(conf.trunk_file_size_bytes),
        trunk_create_file_advance: conf.trunk_create_file_advance,
        trunk_create_file_time_base: time(conf.trunk_create_file_time_base),
        trunk_create_file_interval_secs: int(conf.trunk_create_file_interval_secs),
        trunk_create_file_space_threshold_bytes: conf.trunk_create_file_space_threshold_bytes,
        trunk_init_check_occupying: conf.trunk_init_check_occupying,
        trunk_init_reload_from_binlog: conf.trunk_init_reload_from_binlog,
        trunk_free_space_merge: conf.trunk_free_space_merge,
        delete_unused_trunk_files: conf.delete_unused_trunk_files,
        trunk_compress_binlog_min_interval_secs: int(conf.trunk_compress_binlog_min_interval_secs),
        trunk_compress_binlog_interval_secs: int(conf.trunk_compress_binlog_interval_secs),
        trunk_compress_binlog_time_base: time(conf.trunk_compress_binlog_time_base),
        trunk_binlog_max_backups: int(conf.trunk_binlog_max_backups.into()),
        store_slave_file_use_link: conf.store_slave_file_use_link,
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// C storages read these numbers as signed 32 bits.
fn int(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())
}

const fn time(time: fdfs_conf::TimeOfDay) -> cmd::TimeOfDay {
    cmd::TimeOfDay { hour: time.hour, minute: time.minute }
}

fn load_ids(conf: &TrackerConf) -> Result<Option<StorageIds>, ConfError> {
    let Some(parsed) = tracker::storage_ids(conf, &load_file)? else { return Ok(None) };
    for finding in &parsed.findings {
        match finding.severity {
            Severity::Note => info!("{finding}"),
            Severity::Warning | Severity::Error => warn!("{finding}"),
        }
    }
    Ok(Some(parsed.conf))
}

fn load_file(path: &str) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to be refused.
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| LoadError::from_io(&error))
}

/// The lines of the file, without those that no storage can join with: reading the file has warned of them.
pub(crate) fn id_lines(ids: &StorageIds) -> Vec<StorageIdLine> {
    let line = |entry: &fdfs_conf::StorageIdEntry| {
        let mut ips = entry.addrs.iter().map(|addr| addr.parse::<IpText>());
        Some(StorageIdLine {
            id: entry.id.to_string().parse::<StorageId>().ok()?,
            group: entry.group.parse::<GroupName>().ok().filter(|group| !group.is_empty())?,
            addrs: HostAddrs { first: ips.next()?.ok()?, second: ips.next().transpose().ok()? },
            port: entry.port,
            rw_mode: entry.rw,
        })
    };
    ids.entries().iter().filter_map(line).collect()
}

fn id_entry(line: &StorageIdLine) -> IdEntry {
    IdEntry {
        id: line.id,
        group: line.group,
        addrs: Addrs::new(line.addrs.first, line.addrs.second),
        port: line.port,
        rw: line.rw_mode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_configuration_are_those_of_the_core_and_of_the_answer() {
        let conf = TrackerConf::default();
        let configured = Configured::load(&conf).unwrap();
        assert_eq!(format!("{:?}", configured.settings), format!("{:?}", Settings::default()));
        assert_eq!(Parameters::from_bytes(&configured.parameters).unwrap(), Parameters::default());
        assert_eq!((configured.settings.answer_width, configured.id_lines), (AnswerWidth::ByAsker, None));
    }

    #[test]
    fn a_name_without_an_address_leaves_its_line_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("storage_ids.conf");
        std::fs::write(&file, "100001 g1 no-such-host.invalid\n").unwrap();
        let conf = TrackerConf {
            use_storage_id: true,
            storage_ids_filename: Some(file.to_str().unwrap().to_owned()),
            ..TrackerConf::default()
        };
        let configured = Configured::load(&conf).unwrap();
        assert_eq!(configured.id_lines.unwrap(), []);
        assert_eq!(configured.settings.ids.unwrap().entries(), []);
    }

    #[test]
    fn storage_ids_become_a_table_and_lines() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("storage_ids.conf");
        std::fs::write(&file, "# comment\n100001 g1 10.0.0.1\n100002 g1 [10.0.0.2,fd00::2]:23001 rw=read\n").unwrap();
        let conf = TrackerConf {
            use_storage_id: true,
            storage_ids_filename: Some(file.to_str().unwrap().to_owned()),
            ..TrackerConf::default()
        };
        let configured = Configured::load(&conf).unwrap();
        assert_eq!(configured.settings.answer_width, AnswerWidth::Wide, "one of the addresses is IPv6");
        let lines: Vec<_> = configured.id_lines.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["100001 g1 10.0.0.1", "100002 g1 [10.0.0.2,fd00::2]:23001 rw=read"]);
        assert_eq!(configured.settings.ids.unwrap().entries().len(), 2);

        std::fs::write(&file, "100001 g1 10.0.0.1\n100001 g1 10.0.0.2\n").unwrap();
        assert_eq!(Configured::load(&conf).unwrap_err().errno(), 17);
        std::fs::remove_file(&file).unwrap();
        let error = Configured::load(&conf).unwrap_err();
        assert_eq!(error.errno(), 2);
        assert!(error.to_string().contains("storage_ids.conf"), "{error}");
    }
}
