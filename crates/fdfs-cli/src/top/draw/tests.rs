//! Screens of a cluster that is described here.

use std::time::Duration;

use fdfs_client::{GroupRecord, StorageRecord};
use fdfs_proto::ours::PeerStatus;
use fdfs_proto::shared::{Counter, RwMode, StorageStat, StorageStatus};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

fn storage(id: &str, status: StorageStatus, uploads: i64) -> Storage {
    let counter = Counter { total: uploads, success: uploads };
    let stat = StorageStat {
        upload_count: counter,
        upload_bytes: Counter { total: uploads * 2048, success: uploads * 2048 },
        last_heart_beat_time: 1000 + uploads / 10,
        ..StorageStat::default()
    };
    let record = StorageRecord {
        status,
        rw_mode: RwMode::Both,
        id: id.parse().unwrap(),
        ip: id.parse().unwrap(),
        source_id: None,
        version: "6.16.1".parse().unwrap(),
        join_time_secs: 1,
        up_time_secs: 2,
        total_mb: 10 << 10,
        free_mb: 4 << 10,
        reserved_mb: 1 << 10,
        upload_priority: 10,
        store_path_count: 1,
        subdir_count: 256,
        current_write_path_index: 0,
        port: 23000,
        stat,
        is_trunk_server: false,
    };
    Storage { record, answers_in: (status == StorageStatus::Active).then_some(Duration::from_micros(2500)) }
}

fn picture(unix_secs: i64, uploads: i64) -> Picture {
    let record = GroupRecord {
        group: "group1".parse().unwrap(),
        total_mb: 10 << 10,
        free_mb: 4 << 10,
        reserved_mb: 1 << 10,
        trunk_free_mb: 0,
        storage_count: 2,
        storage_port: Some(23000),
        readable_count: 1,
        writable_count: 1,
        current_write_server_index: 0,
        store_path_count: 1,
        subdir_count: 256,
        current_trunk_file_id: None,
    };
    let storages =
        vec![storage("10.0.0.5", StorageStatus::Active, uploads), storage("10.0.0.6", StorageStatus::Offline, 0)];
    Picture { unix_secs, trackers: Vec::new(), groups: vec![Group { record, storages }] }
}

fn lines(screen: &Screen<'_>, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let cells = buffer.content().chunks(usize::from(width));
    cells.map(|cells| cells.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn a_screen_tells_status_space_rates_alarms_and_lag() {
    let mut samples = Samples::default();
    samples.add(&picture(1000, 0));
    samples.add(&picture(1010, 100));
    let now = picture(1010, 100);
    let peer = PeerStatus { id: "10.0.0.6".into(), records_behind: 12, secs_behind: 3, ..PeerStatus::default() };
    let lag = [LagRow { group: "group1".into(), id: "10.0.0.5".into(), peers: Ok(vec![peer]) }];
    let finding = |code, severity| Finding {
        severity,
        code,
        about: "storage group1/10.0.0.6".into(),
        what: "is OFFLINE".into(),
        advice: "start it".into(),
    };
    let findings = [finding("offline", Severity::Error)];
    let screen =
        Screen { picture: &now, samples: &samples, lag: &lag, findings: Some(&findings), error: None, scrolled: 0 };
    let shown = lines(&screen, 130, 20);
    assert_eq!(shown[0], "fdfs  1 group, 1 of 2 storages ACTIVE, 0 trackers");
    assert_eq!(shown[1], "error   storage group1/10.0.0.6 is OFFLINE. start it");
    assert!(shown[2].starts_with("in 20 KB/s") && shown[2].contains("10.0 writes/s 0.0 reads/s"), "{}", shown[2]);
    assert!(shown[2].contains("slowest answer 2.5 ms"), "{}", shown[2]);
    let active = shown.iter().find(|line| line.contains("10.0.0.5")).unwrap();
    for word in ["ACTIVE", "6.0 GB of 10 GB", "2.5 ms", "20 KB", "10.0", "12 (3 s)"] {
        assert!(active.contains(word), "{word}: {active}");
    }
    let offline = shown.iter().rfind(|line| line.contains("10.0.0.6")).unwrap();
    assert!(offline.contains("OFFLINE") && offline.trim_end().ends_with('?'), "{offline}");
    assert!(shown.iter().any(|line| line == "group1: 3.0 GB left for uploads"), "{shown:#?}");

    // More findings than lines, a scrolled table, an error, and terminals of any size.
    let many: Vec<Finding> = (0..9).map(|_| finding("offline", Severity::Warning)).collect();
    let screen = Screen { findings: Some(&many), error: Some("no tracker answers"), scrolled: 99, ..screen };
    let shown = lines(&screen, 130, 16);
    assert!(shown[0].ends_with("not up to date: no tracker answers"), "{}", shown[0]);
    assert!(shown.iter().any(|line| line == "and 4 more: fdfs doctor"), "{shown:#?}");
    assert!(shown.iter().any(|line| line.contains("OFFLINE ")), "the last storage stays in sight: {shown:#?}");
    for (width, height) in [(1, 1), (20, 5), (300, 100)] {
        lines(&screen, width, height);
    }
    let nothing = Picture::default();
    let empty = Samples::default();
    let screen = Screen { picture: &nothing, samples: &empty, lag: &[], findings: None, error: None, scrolled: 0 };
    assert_eq!(lines(&screen, 80, 12)[1], "asking every server");
}
