use super::*;
use crate::{AddressFamily, Env, LogLevel, MapLoader, Parsed, Severity};

const BASE: &str = "base_path = /srv/t1\n";

fn parse_in(text: &str, env: &Env) -> Result<Parsed<TrackerConf>, ConfError> {
    TrackerConf::parse("/etc/fdfs/tracker.conf", &MapLoader::one("/etc/fdfs/tracker.conf", text), env)
}

fn parse(text: &str) -> Result<Parsed<TrackerConf>, ConfError> {
    parse_in(&format!("{BASE}{text}"), &Env::default())
}

fn conf(text: &str) -> TrackerConf {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).conf
}

#[track_caller]
fn refused(text: &str, errno: i32) {
    match parse(text) {
        Ok(_) => panic!("{text} must be refused"),
        Err(e) => assert_eq!(e.errno(), errno, "{text}: {e}"),
    }
}

#[track_caller]
fn says(text: &str, severity: Severity, count: usize) {
    let findings = parse(text).unwrap().findings;
    assert_eq!(findings.len(), count, "{text}: {findings:?}");
    assert!(findings.iter().all(|finding| finding.severity == severity), "{text}: {findings:?}");
}

#[test]
fn defaults_are_those_of_the_code_of_the_reference() {
    let conf = conf("");
    let expected = TrackerConf {
        server: ServerConf { base_path: "/srv/t1".into(), ..TrackerConf::default().server },
        ..TrackerConf::default()
    };
    assert_eq!(conf, expected);
    let server = &conf.server;
    assert_eq!((server.inner_port, server.outer_port), (22122, 22122));
    assert_eq!((server.connect_timeout_secs, server.network_timeout_secs), (10, 60));
    assert_eq!((server.max_connections, server.accept_threads, server.work_threads), (256, 1, 4));
    assert_eq!(
        (server.buff_size_bytes, server.min_buff_size_bytes, server.max_buff_size_bytes),
        (262_144, 262_144, 262_144)
    );
    assert!(server.tcp_quick_ack && !server.use_connection_pool && server.allow_hosts.is_everybody());
    assert_eq!(server.connection_pool_max_idle_time_secs, 3600);
    assert_eq!(server.log_level, LogLevel::Info);
    assert_eq!(conf.store_lookup, StoreLookup::RoundRobin);
    assert_eq!(conf.reserved_storage_space, ReservedSpace::MegaBytes(1024));
    assert_eq!((conf.check_active_interval_secs, conf.storage_sync_file_max_delay_secs), (100, 86_400));
    assert_eq!(conf.storage_sync_file_max_time_secs, 300);
    assert_eq!((conf.slot_min_size_bytes, conf.slot_max_size_bytes), (256, 8 << 20));
    assert_eq!((conf.trunk_file_size_bytes, conf.trunk_alloc_alignment_size_bytes), (64 << 20, 0));
    assert_eq!(conf.trunk_create_file_time_base, TimeOfDay::new(2, 0));
    assert_eq!(conf.trunk_compress_binlog_time_base, TimeOfDay::new(3, 0));
    assert_eq!((conf.trunk_compress_binlog_interval_secs, conf.trunk_binlog_max_backups), (0, 0));
    assert!(!conf.use_storage_id && conf.trust_storage_server_id && conf.storage_ip_changed_auto_adjust);
    assert_eq!(conf.id_type_in_filename, IdType::Ip);
    assert_eq!((conf.log.keep_days, conf.log.compress_days_before, conf.log.sync_log_buff_interval_secs), (15, 1, 1));
    assert_eq!(conf.log.delete_old_time, TimeOfDay::new(1, 30));
    assert_eq!(conf.log, LogConf::default());
}

#[test]
fn a_missing_base_path_is_enoent() {
    let error = parse_in("port=1\n", &Env::default()).unwrap_err();
    assert_eq!(error.errno(), 2);
    assert_eq!(error.to_string(), "/etc/fdfs/tracker.conf: base_path is missing (needed: a path)");
    assert_eq!(parse_in("base_path =\n", &Env::default()).unwrap_err().errno(), 2);
    assert_eq!(conf("base_path = /x/\n").server.base_path.to_str(), Some("/x"));
}

#[test]
fn a_disabled_server_is_ecanceled() {
    refused("disabled = yes\n", 125);
}

#[test]
fn the_last_store_lookup_counts_and_others_are_refused() {
    assert_eq!(conf("store_lookup=0\nstore_lookup=2\n").store_lookup, StoreLookup::LoadBalance);
    refused("store_lookup = 3\n", 22);
    let error = parse("\nstore_lookup = 7 x\n").unwrap_err();
    assert_eq!(error.to_string(), "/etc/fdfs/tracker.conf:3: store_lookup = 7 x: not allowed (allowed: 0, 1, 2)");
}

#[test]
fn store_group_is_needed_for_store_lookup_1_only() {
    refused("store_lookup=1\n", 2);
    refused("store_lookup=1\nstore_group=\n", 22);
    refused("store_lookup=1\nstore_group=a-b\n", 22);
    assert_eq!(conf("store_lookup=1\nstore_group=g2\n").store_group.unwrap().as_str(), "g2");
    assert_eq!(conf("store_group=\n").store_group, None);
}

#[test]
fn bad_choices_become_the_default_with_a_warning() {
    for text in ["store_server = 7\n", "download_server=9\n", "store_path = 1\n", "log_level = \"debug\"\n"] {
        says(text, Severity::Warning, 1);
    }
    assert_eq!(conf("log_level = DEBUGxx\n").server.log_level, LogLevel::Debug);
}

#[test]
fn trunk_files_do_not_go_with_round_robin() {
    assert_eq!(conf("use_trunk_file=1\n").store_server, StoreServer::FirstById);
    assert_eq!(conf("use_trunk_file=1\nstore_server=2\n").store_server, StoreServer::FirstByPriority);
}

#[test]
fn intervals_and_time_outs_of_0_become_the_default_silently() {
    for (text, value) in [("check_active_interval = 0\n", 100), ("check_active_interval = abc\n", 100)] {
        assert_eq!(conf(text).check_active_interval_secs, value, "{text}");
    }
    says("check_active_interval = 0\n", Severity::Note, 1);
    assert_eq!(conf("max_connections = -1\n").server.max_connections, 256);
    assert_eq!(conf("connect_timeout = 7   # inline\n").server.connect_timeout_secs, 7);
    assert_eq!(conf("port = 0\n").server.inner_port, 22122);
}

#[test]
fn ports_and_bind_addresses_have_inner_and_outer_forms() {
    let server = conf("port = 1\nouter_port = 2\nbind_addr = 10.0.0.1, fe80::1\ninner_bind_addr = 10.0.0.2\n").server;
    assert_eq!((server.inner_port, server.outer_port), (1, 2));
    assert_eq!(
        (server.inner_bind_addrs, server.outer_bind_addrs),
        (vec!["10.0.0.2".into()], vec!["10.0.0.1".into(), "fe80::1".into()])
    );
    refused("bind_addr = 10.0.0.1,10.0.0.2\n", 22);
    refused("port = 70000\n", 22);
}

#[test]
fn threads_and_the_pool_must_be_positive() {
    for text in ["accept_threads = 0\n", "work_threads=-1\n", "connection_pool_max_idle_time = 0\n"] {
        refused(text, 22);
    }
}

#[test]
fn corrected_sizes() {
    for (text, bytes) in [
        ("buff_size = -5\n", 256 << 10),
        ("buff_size = 1K\n", 8 << 10),
        ("buff_size = 100GB\n", 1 << 30),
        ("buff_size = 64KB\n", 64 << 10),
    ] {
        assert_eq!(conf(text).server.buff_size_bytes, bytes, "{text}");
    }
    says("buff_size = 1K\n", Severity::Warning, 1);
    refused("buff_size = 10X\n", 22);
    refused("buff_size = 1.5G\n", 22);
}

#[test]
fn the_two_buffer_sizes_count_together_only() {
    let sizes = |text: &str| {
        let server = conf(text).server;
        (server.min_buff_size_bytes, server.max_buff_size_bytes)
    };
    assert_eq!(sizes("min_buff_size=8KB\nmax_buff_size=128KB\n"), (8 << 10, 128 << 10));
    assert_eq!(sizes("min_buff_size=8KB\nbuff_size=100KB\n"), (100 << 10, 100 << 10));
    assert_eq!(sizes("min_buff_size=-1\nmax_buff_size=-1\n"), (64 << 10, 256 << 10));
    assert_eq!(sizes("min_buff_size=1\nmax_buff_size=1\n"), (4 << 10, 8 << 10));
    assert_eq!(sizes("min_buff_size=64K\nmax_buff_size=32K\n"), (64 << 10, 64 << 10));
}

#[test]
fn slot_sizes_have_an_order() {
    assert_eq!(conf("slot_min_size = 1MB\n").slot_min_size_bytes, 64 << 10);
    assert_eq!(conf("trunk_alloc_alignment_size=512\n").slot_min_size_bytes, 512);
    assert_eq!(conf("trunk_file_size = 1K\n").trunk_file_size_bytes, 4 << 20);
    assert_eq!(conf("trunk_file_size = 16M\n").slot_max_size_bytes, 2 << 20);
    assert_eq!(conf("trunk_file_size = 4M\nslot_max_size=3M\n").slot_max_size_bytes, 2 << 20);
    for text in ["slot_min_size=0\n", "slot_max_size=256\n", "slot_max_size=10X\n", "trunk_file_size = 2GB\n"] {
        refused(text, 22);
    }
}

#[test]
fn reserved_space_is_a_size_or_a_ratio() {
    assert_eq!(conf("reserved_storage_space = 20%\n").reserved_storage_space, ReservedSpace::Percent(20.0));
    assert_eq!(conf("reserved_storage_space = 1500KB\n").reserved_storage_space, ReservedSpace::MegaBytes(1));
    refused("reserved_storage_space = 10 %\n", 22);
    refused("reserved_storage_space =\n", 22);
}

#[test]
fn times() {
    assert_eq!(conf("trunk_create_file_time_base = 4:05\n").trunk_create_file_time_base, TimeOfDay::new(4, 5));
    refused("trunk_create_file_time_base = 25:00\n", 22);
}

#[test]
fn booleans_that_are_none_are_false() {
    assert!(conf("use_trunk_file = YES\n").use_trunk_file);
    assert!(!conf("use_trunk_file = enabled\n").use_trunk_file);
    says("use_trunk_file = enabled\n", Severity::Note, 1);
}

#[test]
fn storage_ids_are_found_beside_the_configuration() {
    let conf = conf("use_storage_id=1\nstorage_ids_filename = ids.conf\n");
    assert_eq!(conf.storage_ids_filename.as_deref(), Some("/etc/fdfs/ids.conf"));
    refused("use_storage_id=1\n", 2);
}

#[test]
fn ipv6_needs_ids() {
    refused("address_family = IPv6\n", 22);
    refused("address_family = both\nuse_storage_id=1\nstorage_ids_filename=x\n", 22);
    refused("bind_addr = 10.0.0.1,fe80::1\n", 22);
    conf("address_family = both\nuse_storage_id=1\nstorage_ids_filename=x\nid_type_in_filename=id\n");
    refused("address_family = v4\n", 22);
    assert_eq!(conf("address_family = ipv4\n").server.address_family, AddressFamily::V4);
}

#[test]
fn automatic_address_families_look_at_the_host() {
    let families = |text: &str, ips: &[&str]| {
        let env = Env { local_ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(), host_name: String::new() };
        let families = conf(text).server.families(&env);
        (families.v4, families.v6)
    };
    assert_eq!(families("", &[]), (true, false));
    assert_eq!(families("", &["10.0.0.1", "2001:db8::1"]), (true, false));
    assert_eq!(families("", &["2001:db8::1"]), (false, true));
    assert_eq!(families("bind_addr = 10.0.0.1\n", &["2001:db8::1"]), (true, false));
    let text = "bind_addr = ::1,10.0.0.1\nuse_storage_id=1\nstorage_ids_filename=x\nid_type_in_filename=id\n";
    assert_eq!(families(text, &[]), (true, true));
}

#[test]
fn the_address_size_of_answers() {
    let ids = |text: &str| StorageIds::parse("ids", text.as_bytes()).unwrap().conf;
    let (v4, v6) = (ids("1 g 10.0.0.1\n"), ids("1 g [2001:db8::1]\n"));
    let auto = conf("use_storage_id=1\nstorage_ids_filename=x\n");
    assert_eq!((auto.addr_size(Some(&v4)), auto.addr_size(Some(&v6))), (AddrSize::V4, AddrSize::V6));
    assert_eq!(conf("").addr_size(None), AddrSize::V4);
    assert_eq!(conf("response_ip_addr_size = IPv4\n").addr_size(Some(&v6)), AddrSize::V4);
    assert_eq!(conf("response_ip_addr_size = IPv6\n").addr_size(None), AddrSize::V6);
    assert_eq!(conf("response_ip_addr_size = 16\n").addr_size(None), AddrSize::V6);
}

#[test]
fn allow_hosts_is_a_list() {
    let hosts = conf("allow_hosts = 10.0.0.0/24\nallow_hosts = 1.2.3.4\n").server.allow_hosts;
    assert!(hosts.allows("10.0.0.9".parse().unwrap()) && hosts.allows("1.2.3.4".parse().unwrap()));
    assert!(!hosts.allows("10.0.1.9".parse().unwrap()));
    says("allow_hosts = 1.2.3.4\nallow_hosts = 10.0.0.0/40\n", Severity::Warning, 1);
    says("allow_hosts =\n", Severity::Warning, 1);
    assert!(conf("allow_hosts =\n").server.allow_hosts.is_nobody());
}

#[test]
fn log_keys_stand_in_their_section_or_before() {
    let log = conf("log_file_keep_days = 1\nlog_file_compress_old=1\n[error-log]\nlog_file_keep_days = 2\n").log;
    assert_eq!((log.keep_days, log.compress_old), (2, true));
    refused("[error-log]\nlog_file_rotate_time = 25:00\n", 22);
    assert_eq!(conf("sync_log_buff_interval = 0\n").log.sync_log_buff_interval_secs, 1);
    assert_eq!(conf("log_file_rotate_on_size = 100GB\n").log.rotate_on_size_bytes, 64 << 30);
}

#[test]
fn unknown_and_historic_keys_are_never_refused() {
    let findings =
        parse("base_pth = x\nhttp.server_port = 8080\nheart_beat_interval = 3\n[what]\na=1\nb=2\n").unwrap().findings;
    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "/etc/fdfs/tracker.conf:3: note: http.server_port: \
             ignored: the servers have no HTTP port of this kind since 4.05",
            "/etc/fdfs/tracker.conf:2: warning: base_pth: unknown key, did you mean base_path?",
            "/etc/fdfs/tracker.conf:4: note: heart_beat_interval: is a key of storage.conf: not read in tracker.conf",
            "/etc/fdfs/tracker.conf:6: warning: a: the section [what] is not read in tracker.conf",
        ]
    );
}
