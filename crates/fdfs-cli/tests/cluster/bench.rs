//! `fdfs bench` against a cluster in this process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fdfs_testkit::{Cluster, wait_for};
use serde_json::Value;

/// Runs `fdfs bench` with `--tracker` and waits for its exit code.
#[track_caller]
fn bench(cluster: &Cluster, line: &str, code: i32) -> Output {
    let output = command(cluster, line).args(["--tracker", &cluster.tracker_addr().to_string()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    output
}

fn command(cluster: &Cluster, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fdfs"));
    command.arg("bench").args(line.split(' ')).current_dir(cluster.scratch()).env_remove("FDFS_TRACKER");
    command
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// The content files of the only storage.
fn stored(cluster: &Cluster) -> Vec<PathBuf> {
    fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "bin") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for store_path in &cluster.storages[0].plan.store_paths {
        collect(&store_path.join("data"), &mut found);
    }
    found
}

#[test]
fn uploads_are_downloaded_compared_and_deleted() {
    let cluster = Cluster::small();
    let uploaded = json(&bench(&cluster, "upload --count 200 --size mix --ids ids --verify --json", 0));
    assert_eq!((&uploaded["total"]["done_count"], &uploaded["total"]["failed_count"]), (&200.into(), &0.into()));
    assert_eq!(uploaded["operations"]["upload"]["bytes"], 200 * (17 << 10));
    assert_eq!((&uploaded["ids"]["count"], &uploaded["clean_up"]), (&200.into(), &Value::Null));
    assert_eq!(stored(&cluster).len(), 200);

    let table = bench(&cluster, "download --ids ids --count 500 --verify --via-tracker", 0);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("\ndownload         500          0 "), "{table}");

    let deleted = json(&bench(&cluster, "delete --ids ids --json", 0));
    assert_eq!(deleted["operations"]["delete"]["done_count"], 200);
    assert_eq!(stored(&cluster), [] as [PathBuf; 0]);
    let again = bench(&cluster, "delete --ids ids --count 30 --json", 1);
    let failure = &json(&again)["operations"]["delete"]["failures"][0];
    assert_eq!((&failure["name"], &failure["server"]), (&"ENOENT".into(), &"storage".into()));
    assert_eq!(failure["count"], 30);
    let told = String::from_utf8(again.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "one line for all that fail alike: {told}");
    assert!(told.contains("the ids are of another cluster"), "{told}");
}

#[test]
fn mixed_work_counts_every_kind_and_leaves_nothing_behind() {
    let cluster = Cluster::small();
    let line = "mixed --count 400 --connections 8 --mix upload=5,download=4,delete=3 --verify --json";
    let mixed = json(&bench(&cluster, &format!("{line} --cpu-pid {}", std::process::id()), 0));
    let done = |kind: &str| mixed["operations"][kind]["done_count"].as_u64().unwrap();
    assert_eq!(done("upload") + done("download") + done("delete"), 400, "{mixed}");
    assert!(done("upload") > 100 && done("download") > 60 && done("delete") > 40, "{mixed}");
    assert_eq!(mixed["clean_up"]["deleted_count"], done("upload") - done("delete"));
    let latency = |name: &str| mixed["total"]["latency_us"][name].as_f64().unwrap();
    assert!(0.0 < latency("p50") && latency("p50") <= latency("p99") && latency("p99") <= latency("max"), "{mixed}");
    assert!(mixed["servers"]["resident_bytes"].as_u64() > Some(1 << 20), "{mixed}");
    assert_eq!(stored(&cluster), [] as [PathBuf; 0]);

    bench(&cluster, "mixed --count 50 --mix upload=1 --size 100 --keep", 0);
    assert_eq!(stored(&cluster).len(), 50);
}

#[test]
fn a_storage_is_measured_without_a_tracker_and_files_of_several_pieces_are_whole() {
    let cluster = Cluster::small();
    let storage = cluster.storages[0].addr().to_string();
    let run = |line: &str| command(&cluster, line).args(["--storage", &storage]).output().unwrap();
    let uploaded = run("upload --count 5 --size 2500K --connections 2 --ids ids --group group1 --verify --json");
    assert_eq!(json(&uploaded)["total"]["bytes"], 5 * 2500 * 1024);
    // Files without content can be stored and deleted, but storages refuse to download them.
    for size in ["0 --mix upload=1,delete=1", "7", "8", "9"] {
        let output = run(&format!("mixed --count 20 --verify --size {size}"));
        assert_eq!(output.status.code(), Some(0), "{size}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let downloaded = run("download --count 10 --ids ids --verify --json");
    assert_eq!(json(&downloaded)["total"]["done_count"], 10);
    // An id without the number of its content is compared with its CRC-32.
    let ids = std::fs::read_to_string(cluster.scratch().join("ids")).unwrap();
    let bare: Vec<&str> = ids.lines().filter_map(|line| line.split(' ').next()).collect();
    std::fs::write(cluster.scratch().join("bare"), bare.join("\n")).unwrap();
    assert_eq!(run("download --count 5 --ids bare --verify").status.code(), Some(0));

    let wrong = run("upload --count 3 --group group2 --json");
    assert_eq!((wrong.status.code(), &json(&wrong)["total"]["failed_count"]), (Some(1), &3.into()));
    assert_eq!(stored(&cluster).len(), 5, "what the wrong group took is deleted, too");
}

#[test]
fn contents_that_changed_are_noticed() {
    let cluster = Cluster::small();
    bench(&cluster, "upload --count 3 --size 100K --ids ids", 0);
    for path in stored(&cluster) {
        let mut content = std::fs::read(&path).unwrap();
        *content.last_mut().unwrap() ^= 1;
        std::fs::write(&path, content).unwrap();
    }
    bench(&cluster, "download --count 6 --ids ids", 0);
    let compared = bench(&cluster, "download --count 6 --ids ids --verify --json", 1);
    let failure = &json(&compared)["total"]["failures"][0];
    assert_eq!((&failure["cause"], &failure["count"]), (&"mismatch".into(), &6.into()));
    let told = String::from_utf8(compared.stderr).unwrap();
    assert!(told.contains("is not what was uploaded"), "{told}");
}

#[test]
fn an_interrupted_run_prints_its_result_and_cleans_up() {
    let cluster = Cluster::small();
    let mut line = command(&cluster, "upload --duration 1h --json --tracker");
    let running = line.arg(cluster.tracker_addr().to_string()).stdout(Stdio::piped()).spawn().unwrap();
    wait_for("a file of the run", || (!stored(&cluster).is_empty()).then_some(()));
    let pid = rustix::process::Pid::from_child(&running);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let json = json(&output);
    assert_eq!((&json["interrupted"], &json["clean_up"]["left_count"]), (&true.into(), &0.into()));
    assert_eq!(json["clean_up"]["deleted_count"], json["total"]["done_count"]);
    assert_eq!(stored(&cluster), [] as [PathBuf; 0]);
}

#[test]
fn wrong_usage_and_servers_that_are_not_there_have_exit_codes() {
    let cluster = Cluster::small();
    for (line, says) in [
        ("download", "--ids FILE"),
        ("mixed --ids ids", "leave --ids away"),
        ("upload --size 4KB", "write bytes"),
        ("upload --mix upload=1", "--mix is for mixed"),
        ("upload --storage 127.0.0.1:1", "cannot be used with"),
    ] {
        let output = bench(&cluster, line, 2);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(says), "{line}: {stderr}");
    }
    let said = |line: &str| String::from_utf8(bench(&cluster, line, 1).stderr).unwrap();
    assert!(said("upload --group nosuch").contains("answers 2 ENOENT"), "{}", said("upload --group nosuch"));
    assert!(said("download --ids missing").contains("read the ids in missing"));
    assert!(said("upload --cpu-pid 4294967295").contains("--cpu-pid 4294967295"));
    let closed = fdfs_testkit::loopback::refused_addr();
    let output = command(&cluster, "upload --storage").arg(closed.to_string()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.matches("is the server running").count()), (Some(1), 1), "{stderr}");
}
