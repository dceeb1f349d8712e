//! What the classic programs do with wrong arguments, files and addresses, as it was seen of the reference side by side.

use std::fs;

use crate::files::Shell;
use crate::text;

/// A name that no resolver looks up: a label has at most 63 characters.
fn bad_host() -> String {
    format!("{}.invalid", "x".repeat(64))
}

#[test]
fn usages_name_the_program_as_it_was_called() {
    let shell = Shell::new();
    let programs = [
        ("fdfs_upload_file", "<config_file> <local_filename> [storage_ip:port] [store_path_index]"),
        ("fdfs_download_file", "<config_file> <file_id> [local_filename] [<download_offset> <download_bytes>]"),
        ("fdfs_delete_file", "<config_file> <file_id>"),
        ("fdfs_upload_appender", "<config_file> <local_filename>"),
        ("fdfs_append_file", "<config_file> <appender_file_id> <local_filename>"),
        ("fdfs_crc32", "<filename>"),
    ];
    for (program, args) in programs {
        let called = shell.path("bin").join(program);
        shell.check(program, &format!("Usage: {} {args}\n", called.display()), "", 1);
    }
    let output = shell.classic("fdfs_file_info -x c i");
    let called = shell.path("bin/fdfs_file_info").display().to_string();
    assert_eq!(output.status.code(), Some(1));
    let start = format!("{called}: invalid option -- 'x'\nUsage: {called} [options] <config_file> <file_id>\n");
    assert!(text(&output.stderr).starts_with(&start), "{}", text(&output.stderr));
}

#[test]
fn configurations_that_cannot_be_used_have_the_codes_of_the_reference() {
    let shell = Shell::new();
    let dir = shell.path("");
    let base = dir.display();
    let host = bad_host();
    fs::write(shell.path("name.conf"), format!("base_path = {base}\ntracker_server = {host}:22122\n")).unwrap();
    let here = &shell.dev.tracker;
    fs::write(
        shell.path("two.conf"),
        format!("base_path = {base}\ntracker_server = {host}:22122\ntracker_server = {here}\n"),
    )
    .unwrap();
    fs::write(shell.path("base.conf"), format!("base_path = {base}/none\ntracker_server = {here}\n")).unwrap();
    let log = |line: &str, code: i32, want: &[&str]| {
        let output = shell.classic(line);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
        let said: Vec<&str> =
            stderr.lines().filter_map(|line| line.split_once("] ERROR - ").map(|(_, text)| text)).collect();
        assert_eq!(said, want, "{line}");
        text(&output.stdout)
    };
    for program in ["fdfs_upload_file", "fdfs_monitor", "fdfs_storage_stat -c", "fdfs_trackerd"] {
        let rest = if program == "fdfs_upload_file" { " small.txt" } else { "" };
        let line = format!("{program} bin{rest}");
        log(&line, 22, &["bin is not a regular file", "load conf file \"bin\" fail, ret code: 22"]);
    }
    let told = format!("host \"{host}:22122\" is invalid, error info: Host name lookup failure");
    assert_eq!(log("fdfs_upload_file name.conf small.txt", 22, &[&told]), "");
    log("fdfs_monitor name.conf", 22, &[&told]);
    // Differs from C: a name without an address does not keep the other trackers from being asked.
    assert!(log("fdfs_upload_file two.conf small.txt", 0, &[&told]).starts_with("group1/M00/"));
    let told = format!("\"{base}/none\" can't be accessed, error info: No such file or directory");
    assert_eq!(log("fdfs_monitor base.conf", 2, &[&told]), "");
    log("fdfs_upload_file base.conf small.txt", 2, &[&told]);
}

#[test]
fn wrong_arguments_are_answered_as_the_reference_answers_them() {
    let shell = Shell::new();
    let conf = "data/client.conf";
    let id = text(&shell.classic(&format!("fdfs_upload_file {conf} small.txt")).stdout);
    let id = id.trim_end();
    let stdout = |line: &str, code: i32| {
        let output = shell.classic(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let last = |line: &str, code: i32| stdout(line, code).lines().last().map(str::to_owned).unwrap_or_default();

    // The first character of the flag counts.
    assert_eq!(last(&format!("fdfs_test1 {conf} setmeta {id} OVERWRITE a=1"), 0), "set meta data success");
    assert_eq!(last(&format!("fdfs_test1 {conf} setmeta {id} Merge b=2"), 0), "set meta data success");
    let refused = "setmeta fail, error no: 22, error info: Invalid argument";
    assert_eq!(last(&format!("fdfs_test1 {conf} setmeta {id} X a=1"), 0), refused);
    assert!(stdout(&format!("fdfs_test1 {conf} getmeta {id}"), 0).ends_with("meta count=2\na=1\nb=2\n"));

    let name = id.split_once('/').unwrap().1;
    let missing = "error no: 2, error info: No such file or directory";
    assert_eq!(
        last(&format!("fdfs_test {conf} query_servers group9 {name}"), 2),
        format!("tracker_query_storage_list fail, group_name=group9, filename={name}, {missing}")
    );
    assert_eq!(
        last(&format!("fdfs_test1 {conf} query_servers group9/{name}"), 2),
        format!("tracker_query_storage_list1 fail, file_id=group9/{name}, {missing}")
    );
    let bad = "error no: 22, error info: Invalid argument";
    assert_eq!(
        last(&format!("fdfs_test1 {conf} query_servers group1"), 22),
        format!("tracker_query_storage_list1 fail, file_id=group1, {bad}")
    );
    for (program, function) in
        [("fdfs_test", "storage_upload_by_filename"), ("fdfs_appender_test", "storage_upload_appender_by_filename")]
    {
        let operation = if program == "fdfs_test" { " upload" } else { "" };
        let said = stdout(&format!("{program} {conf}{operation} none.txt"), 2);
        assert!(said.ends_with(&format!("{function}\nupload file fail, {missing}\n")), "{said}");
    }

    assert!(stdout(&format!("fdfs_monitor {conf} -x list"), 0).contains("\n\nInvalid command -x\n\n"));
    let host = bad_host();
    assert_eq!(
        stdout(&format!("fdfs_monitor {conf} -h {host}"), 22),
        format!("resolve ip address of tracker server: {host} fail!, error info: Host name lookup failure\n")
    );
    for (args, what) in [("t.conf start now", "too many arguments"), ("-N", "expect config file")] {
        let output = shell.classic(&format!("fdfs_trackerd {args}"));
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stderr).starts_with(&format!("\nError: {what}!\n\nUsage: ")), "{}", text(&output.stderr));
    }
}
