//! The sample files in conf/ carry every key of the tables, with the sample values, and nothing that must be remarked.

use fdfs_conf::table::{ConfFile, Rule};
use fdfs_conf::{
    ClientConf, Env, FileKind, HttpConf, MapLoader, MimeTypes, ModFastdfsConf, StorageConf, StorageIds, TrackerConf,
    check,
};

const TRACKER: &str = include_str!("../../../conf/tracker.conf");
const STORAGE: &str = include_str!("../../../conf/storage.conf");
const CLIENT: &str = include_str!("../../../conf/client.conf");
const HTTP: &str = include_str!("../../../conf/http.conf");
const MOD_FASTDFS: &str = include_str!("../../../conf/mod_fastdfs.conf");
const STORAGE_IDS: &str = include_str!("../../../conf/storage_ids.conf");
const MIME_TYPES: &str = include_str!("../../../conf/mime.types");

fn loader() -> MapLoader {
    [
        ("tracker.conf", TRACKER),
        ("storage.conf", STORAGE),
        ("client.conf", CLIENT),
        ("http.conf", HTTP),
        ("mod_fastdfs.conf", MOD_FASTDFS),
        ("storage_ids.conf", STORAGE_IDS),
        ("mime.types", MIME_TYPES),
    ]
    .into_iter()
    .fold(MapLoader::default(), |loader, (name, text)| loader.with(name, text))
}

/// `name = value` of a line, a comment sign in front left out.
fn name_and_value(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim_start_matches('#').split_once('=')?;
    Some((name.trim(), value.trim()))
}

fn names_every_key<C: ConfFile>(text: &str) {
    for key in C::keys().iter().filter(|key| !matches!(key.rule, Rule::Ignored { .. })) {
        let name = key.name.replace("%d", "0");
        let mut lines = text.lines().filter_map(name_and_value).filter(|(n, _)| *n == name).peekable();
        assert!(lines.peek().is_some(), "{} must name {name}", C::KIND);
    }
    // The sample value belongs to lines that are not comments; the others show what else is possible.
    for (name, value) in text.lines().filter(|line| !line.starts_with('#')).filter_map(name_and_value) {
        let keys = C::keys();
        let mut of_name = keys.iter().filter(|key| key.name.replace("%d", "0") == name);
        let samples: Vec<String> =
            of_name.by_ref().map(|key| key.sample.map_or_else(|| key.default_text(), str::to_owned)).collect();
        assert!(samples.iter().any(|sample| sample == value), "{}: {name} = {value}, not {samples:?}", C::KIND);
    }
}

#[test]
fn samples_name_every_key_with_its_sample_value() {
    names_every_key::<TrackerConf>(TRACKER);
    names_every_key::<StorageConf>(STORAGE);
    names_every_key::<ClientConf>(CLIENT);
    names_every_key::<HttpConf>(HTTP);
    names_every_key::<ModFastdfsConf>(&format!("{MOD_FASTDFS}{HTTP}"));
}

#[test]
fn samples_are_taken_without_a_remark_and_for_what_they_are() {
    for kind in FileKind::ALL {
        let report = check(None, kind.file_name(), &loader(), &Env::default());
        assert_eq!(report.kind, kind);
        assert_eq!(report.findings, [], "{report}");
    }
}

#[test]
fn samples_parse_to_their_sample_values() {
    let (loader, env) = (loader(), Env::default());
    let tracker = TrackerConf::parse("tracker.conf", &loader, &env).unwrap().conf;
    assert_eq!((tracker.server.inner_port, tracker.check_active_interval_secs), (22122, 120));
    assert_eq!(tracker.reserved_storage_space.to_string(), "20.00%");
    assert_eq!(tracker.storage_ids_filename.as_deref(), Some("storage_ids.conf"));

    let storage = StorageConf::parse("storage.conf", &loader, &env).unwrap().conf;
    assert_eq!(storage.store_paths[0].path.to_str(), Some("/opt/fastdfs"));
    assert_eq!(storage.tracker_servers[0].to_string(), "192.168.0.1:22122");

    let client = ClientConf::parse("storage.conf", &loader, &env).unwrap().conf;
    assert_eq!(client.tracker_servers, storage.tracker_servers, "people pass storage.conf to clients");

    let module = ModFastdfsConf::parse("mod_fastdfs.conf", &loader, &env).unwrap().conf;
    assert_eq!((module.groups.len(), module.http.anti_steal_token_ttl_secs), (1, 900));
}

#[test]
fn the_list_of_storages_and_the_table_of_types_are_not_empty() {
    assert_eq!(StorageIds::parse("f", STORAGE_IDS.as_bytes()).unwrap().conf.len(), 2);
    let types = MimeTypes::parse("f", MIME_TYPES.as_bytes()).unwrap();
    assert!(types.len() > 200, "{}", types.len());
    assert_eq!(types.of_file_name("a.jpg"), Some("image/jpeg"));
}
