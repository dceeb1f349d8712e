//! Every client operation by the classic programs of one kind against servers of the other; and links.

use std::fs;
use std::path::Path;

use fdfs_testkit::mixed::tools::{Said, Tools};
use fdfs_testkit::mixed::{Lab, Work};

use crate::{LEFT, RIGHT, TRACKER, run};

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The value behind `name = ` or `name: ` of a program's output.
fn value<'a>(out: &'a str, name: &str) -> &'a str {
    let line =
        out.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {out}"));
    line.trim_start_matches(['=', ':', ' ']).trim()
}

/// Uploads, looks, changes, downloads and deletes with the programs of the left player.
fn use_file_programs(lab: &Lab, tools: &Tools) {
    let local = lab.dir().join("local.txt");
    let back = lab.dir().join("back.txt");
    let content: Vec<u8> = (0..50_000_u32).map(|i| (i % 251) as u8).collect();
    fs::write(&local, &content).unwrap();
    let (local, back_text) = (text_of(&local), text_of(&back));

    let id = tools.good("fdfs_upload_file", &[&local]).trim().to_owned();
    let _ = tools.good("fdfs_download_file", &[&id, &back_text]);
    assert_eq!(fs::read(&back).unwrap(), content);
    let _ = tools.good("fdfs_download_file", &[&id, &back_text, "100", "50"]);
    assert_eq!(fs::read(&back).unwrap(), content[100..150]);
    let info = tools.good("fdfs_file_info", &[&id]);
    assert_eq!((value(&info, "file type"), value(&info, "file size")), ("normal", "50000"));

    let appender = tools.good("fdfs_upload_appender", &[&local]).trim().to_owned();
    let _ = tools.good("fdfs_append_file", &[&appender, &local]);
    let _ = tools.good("fdfs_download_file", &[&appender, &back_text]);
    assert_eq!(fs::read(&back).unwrap(), [&content[..], &content].concat());
    let info = tools.good("fdfs_file_info", &[&appender]);
    assert_eq!((value(&info, "file type"), value(&info, "file size")), ("appender", "100000"));
    let regular = tools.good("fdfs_regenerate_filename", &[&appender]).trim().to_owned();
    assert_eq!(value(&tools.good("fdfs_file_info", &[&regular]), "file type"), "normal");

    for id in [&id, &regular] {
        let _ = tools.good("fdfs_delete_file", &[id]);
        let Said { code, out, .. } = tools.run("fdfs_delete_file", &[id]);
        assert_eq!((code, out.contains("error no: 2,")), (2, true), "{out}");
    }
    let one = format!("{}", lab.server(RIGHT).addr);
    let id = tools.good("fdfs_upload_file", &[&local, &one, "0"]).trim().to_owned();
    let _ = tools.good("fdfs_download_file", &[&id, &back_text]);
    assert_eq!(fs::read(&back).unwrap(), content);
}

/// Metadata, slaves and changes with the test programs of the left player.
fn use_test_programs(lab: &Lab, tools: &Tools) {
    let local = text_of(&lab.dir().join("local.txt"));
    for how in ["FILE", "BUFF", "CALLBACK"] {
        let out = tools.good("fdfs_test", &["upload", &local, how]);
        let line = out.lines().find(|line| line.contains("remote_filename=")).unwrap();
        let (group, name) = line.strip_prefix("group_name=").unwrap().split_once(", remote_filename=").unwrap();
        let out = tools.good("fdfs_test", &["getmeta", group, name]);
        assert!(out.contains("get meta data success, meta count=4") && out.contains("width=160"), "{out}");
        let out = tools.good("fdfs_test", &["setmeta", group, name, "M", "width=320,colour=red"]);
        assert!(out.contains("set meta data success"), "{out}");
        let out = tools.good("fdfs_test", &["getmeta", group, name]);
        assert!(out.contains("meta count=5") && out.contains("width=320"), "{out}");
        let out = tools.good("fdfs_test", &["query_servers", group, name]);
        assert!(out.contains("server list (1):") || out.contains("server list (2):"), "{out}");
        let target = text_of(&lab.dir().join("downloaded"));
        let out = tools.good("fdfs_test", &["download", group, name, &target]);
        assert!(out.contains("download file success, file size=50000"), "{out}");
        let out = tools.good("fdfs_test", &["delete", group, name]);
        assert!(out.contains("delete file success"), "{out}");
        let out = tools.good("fdfs_appender_test", &[&local, how]);
        assert!(out.contains("append file successfully.") && out.contains("modify file successfully."), "{out}");
    }
}

/// The same with whole file ids, and the programs that only look.
fn use_other_programs(lab: &mut Lab, tools: &Tools) {
    let local = text_of(&lab.dir().join("local.txt"));
    let out = tools.good("fdfs_test1", &["upload", &local, "FILE"]);
    let url = out.lines().find_map(|line| line.strip_prefix("example file url: http://")).unwrap();
    let (_, id) = url.split_once('/').unwrap();
    let out = tools.good("fdfs_test1", &["getmeta", id]);
    assert!(out.contains("get meta data success, meta count=4"), "{out}");
    let out = tools.good("fdfs_test1", &["setmeta", id, "O", "a=1"]);
    assert!(out.contains("set meta data success"), "{out}");
    let out = tools.good("fdfs_test1", &["delete", id]);
    assert!(out.contains("delete file success"), "{out}");
    let out = tools.good("fdfs_appender_test1", &[&local, "BUFF"]);
    assert!(out.contains("append file successfully."), "{out}");
    let crc32 = tools.run_plain("fdfs_crc32", &[&local]);
    let content = fs::read(&local).unwrap();
    assert_eq!(crc32.out.trim(), format!("{:x}", crc32fast::hash(&content)));

    lab.wait("a leader with two storages", |_| {
        let out = tools.stat("fdfs_storage_stat", &["-A"]);
        (out.contains("storage server count: 2") && out.matches(" ACTIVE,").count() == 2).then_some(())
    });
    let out = tools.stat("fdfs_tracker_stat", &["-L"]);
    assert!(out.contains("is_leader: 1") && out.contains("tracker server count: 1"), "{out}");
    let out = tools.stat("fdfs_volumn_stat", &[]);
    assert!(out.contains("group1 disk_available: 1, disk space {total:"), "{out}");
}

#[test]
fn classic_programs_of_one_kind_work_with_servers_of_the_other() {
    run("client programs", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &right);
        lab.storage(LEFT, &right);
        lab.storage(RIGHT, &right);
        let tools = Tools::new(lab, &left);
        let list = tools.good("fdfs_monitor", &[]);
        assert_eq!(list.matches("ACTIVE").count(), 2, "{list}");
        assert_eq!((value(&list, "group name"), value(&list, "storage server count")), ("group1", "2"));
        use_file_programs(lab, &tools);
        use_test_programs(lab, &tools);
        use_other_programs(lab, &tools);
        let list = tools.good("fdfs_monitor", &["list", "group1"]);
        assert_eq!(list.matches("ACTIVE").count(), 2, "{list}");
        // Deleting a storage: refused while it is active.
        let id = lab.server(RIGHT).addr.ip().to_string();
        let said = tools.run("fdfs_monitor", &["delete", "group1", &id]);
        assert!(said.out.contains("fail, error no: 16"), "{said:?}");
        lab.stop(RIGHT);
        lab.wait("the storage to be deleted", |_| {
            let said = tools.run("fdfs_monitor", &["delete", "group1", &id]);
            said.out.contains("success").then_some(())
        });
    });
}

#[test]
fn links_get_to_storages_of_the_other_kind() {
    run("links", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        let source = work.upload(lab, LEFT, 9_000);
        let kept = work.link(lab, &source);
        let deleted = work.link(lab, &source);
        work.check(lab);
        work.delete(lab, &deleted);
        work.upload(lab, LEFT, 1_000);
        work.check(lab);
        assert_ne!(kept, source);
    });
}
