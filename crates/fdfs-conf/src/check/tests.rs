use proptest::prelude::*;

use super::*;
use crate::MapLoader;

fn report(kind: Option<FileKind>, path: &str, text: &str) -> Report {
    check(kind, path, &MapLoader::one(path, text), &Env::default())
}

#[test]
fn all_errors_are_reported_with_line_key_and_what_is_allowed() {
    let text = "base_path = /srv\nstore_lookup = 5\nwork_threads = 0\nbuf_size = 1M\n\
                trunk_create_file_time_base = 25:00\n\
                log_level = loud\nstorage_sync_file_max_delay = 0\n";
    let report = report(None, "t.conf", text);
    assert_eq!(
        report.to_string(),
        "t.conf:2: error: store_lookup: 5 is not allowed (allowed: 0, 1, 2)\n\
         t.conf:3: error: work_threads: 0 is not allowed (allowed: at least 1)\n\
         t.conf:4: warning: buf_size: unknown key, did you mean buff_size?\n\
         t.conf:5: error: trunk_create_file_time_base: 25:00 is not allowed (allowed: H:MM, HH:MM or HH:MM:SS)\n\
         t.conf:6: warning: log_level: loud is not allowed, info is used \
         (allowed: emerg, alert, crit, error, warn, notice, info, debug)\n\
         t.conf:7: note: storage_sync_file_max_delay: 0 is not allowed, 86400 is used (allowed: at least 1 seconds)\n\
         t.conf (tracker.conf): 3 errors, 2 warnings, 1 notes"
    );
    assert_eq!((report.errno, report.has_errors()), (22, true));
}

#[test]
fn the_kind_is_guessed_from_the_keys() {
    for (path, text, kind) in [
        ("a", "base_path=/x\nstore_lookup=2\nport=1\n", FileKind::Tracker),
        ("a", "base_path=/x\ntracker_server=h\nstore_path_count=1\nport=1\nbuff_size=1M\n", FileKind::Storage),
        (
            "a",
            "base_path=/x\ntracker_server=h\nload_fdfs_parameters_from_tracker=1\nconnect_first_by=tracker\n",
            FileKind::Client,
        ),
        ("a", "url_have_group_name=1\nresponse_mode=proxy\nstore_path0=/x\n", FileKind::ModFastdfs),
        ("a", "http.server_port=1\nhttp.default_content_type=a/b\n", FileKind::Http),
        ("a", "# ids\n100001 group1 10.0.0.1\n", FileKind::StorageIds),
        ("a", "text/html html\n", FileKind::MimeTypes),
        ("/etc/fdfs/client.conf", "", FileKind::Client),
        ("/etc/fdfs/storage.conf", "base_path=/x\n", FileKind::Storage),
        ("mod_fastdfs.conf", "http.server_port=1\n", FileKind::ModFastdfs),
    ] {
        assert_eq!(report(None, path, text).kind, kind, "{path}: {text}");
    }
}

#[test]
fn a_tracker_is_checked_together_with_its_storage_ids() {
    let text = "base_path=/x\nuse_storage_id=1\nstorage_ids_filename=ids.conf\n";
    let loader = MapLoader::one("/c/tracker.conf", text);
    let env = Env::default();
    let missing = check(None, "/c/tracker.conf", &loader, &env);
    assert_eq!((missing.errno, missing.findings.len()), (2, 1));
    let bad = check(None, "/c/tracker.conf", &loader.with("/c/ids.conf", "1 g h\n1 g i\n"), &env);
    assert_eq!(
        bad.findings[0].to_string(),
        "/c/ids.conf:2: error: 1 g i: the id 1 stands here twice \
         (allowed: ID GROUP HOST[:PORT] [rw=both|read|write|none])"
    );
    assert_eq!(bad.errno, 17);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let report = check(None, "/c/storage.conf", &MapLoader::default(), &Env::default());
    assert_eq!((report.kind, report.errno, report.count(Severity::Error)), (FileKind::Storage, 2, 1));
}

#[test]
fn unknown_keys_are_counted_not_listed_for_ever() {
    let text: String = (0..5000).map(|n| format!("unknown_key_{n} = 1\n")).collect();
    let report = report(Some(FileKind::Client), "c", &format!("tracker_server = h\n{text}"));
    assert_eq!((report.errno, report.count(Severity::Warning)), (0, 101));
}

#[test]
fn words_name_kinds() {
    assert_eq!(FileKind::from_word("mod_fastdfs"), Some(FileKind::ModFastdfs));
    assert_eq!(FileKind::from_word("storage_ids.conf"), Some(FileKind::StorageIds));
    assert_eq!(FileKind::from_word("mime.types"), Some(FileKind::MimeTypes));
    assert_eq!(FileKind::from_word("x"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_values_are_reported_or_taken(
        values in proptest::collection::vec("[ -~]{0,12}|-?[0-9]{1,25}[kKmMgGtTbB%]{0,2}", 130)
    ) {
        fn text_of<C: ConfFile>(values: &[String]) -> String {
            C::keys().iter().zip(values).map(|(key, value)| {
                let section = key.section.names()[0].replace("%d", "1");
                format!("[{section}]\n{} = {value}\n", key.name.replace("%d", "0"))
            }).collect()
        }
        for (kind, text) in [
            (FileKind::Tracker, text_of::<TrackerConf>(&values)),
            (FileKind::Storage, text_of::<StorageConf>(&values)),
            (FileKind::Client, text_of::<ClientConf>(&values)),
            (FileKind::ModFastdfs, text_of::<ModFastdfsConf>(&values)),
            (FileKind::Http, text_of::<HttpConf>(&values)),
        ] {
            let report = report(Some(kind), "f", &text);
            prop_assert!(report.findings.iter().all(|finding| !finding.what.is_empty()));
        }
    }

    #[test]
    fn any_bytes_are_reported_or_taken(bytes: Vec<u8>, kind in 0..7_usize) {
        let report = check(Some(FileKind::ALL[kind]), "f", &MapLoader::one("f", bytes), &Env::default());
        prop_assert_eq!(report.has_errors(), report.errno != 0);
    }
}
