//! Sending a row, and comparing what comes back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fdfs_testkit::raw::packet_with;
use fdfs_testkit::{After, PATIENCE, RawConn, RawReply};

use crate::differs::{self, Expected};
use crate::judge;
use crate::names::Names;
use crate::rows::{self, Ended, Row};
use crate::scene::Scene;

/// How long a server must keep quiet to be taken for one that waits for more.
const QUIET: Duration = Duration::from_millis(300);

/// Replays a family, reports how many rows agree, and fails with all that do not.
pub(crate) fn replay(scene: &Scene, folder: &str, family: &str) {
    let rows = rows::read(folder, family);
    let (later, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(differs::is_later);
    let mut names = names(scene, family, &rows);
    let mut kept: Option<RawConn> = None;
    let mut failures = Vec::new();
    for row in &rows {
        // Rows of one connection follow each other.
        let keeps = is_of_a_kept_connection(&row.name);
        if !keeps {
            kept = None;
        }
        let mut conn = kept.take().unwrap_or_else(|| scene.connect(row));
        if let Err(what) = play(scene, &mut names, row, &mut conn) {
            failures.push(format!("{folder}/{family}, {:?}: {what}", row.name));
        }
        kept = keeps.then_some(conn);
    }
    let agree = rows.len() - failures.len();
    println!("{folder}/{family}: {agree} of {} rows agree; {} more are for later", rows.len(), later.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The files that the recorder made for a family before its rows.
fn names(scene: &Scene, family: &str, rows: &[Row]) -> Names {
    let bytes: Vec<u8> = (0..1024).map(|i| i as u8).collect();
    let files = match family {
        "storage_download" => {
            // One byte, which the recorder chose by chance.
            let long = rows.iter().find(|row| row.name == "700000 bytes").unwrap();
            vec![(11, bytes, "bin"), (11, vec![], "txt"), (11, vec![long.body()[0]; 700_000], "bin")]
        }
        "storage_metadata" => vec![(11, b"with meta".to_vec(), "txt")],
        "storage_query" => {
            let hello = b"hello world".to_vec();
            vec![(11, hello.clone(), "txt"), (23, hello, "txt"), (11, vec![], "txt")]
        }
        "storage_delete" => vec![(11, b"bye".to_vec(), "txt"), (23, b"app".to_vec(), "log")],
        "storage_appender" => vec![(23, b"0123456789".to_vec(), "log"), (11, b"regular".to_vec(), "txt")],
        "storage_slave" => {
            let master = b"master file".to_vec();
            vec![(11, master.clone(), "jpg"), (11, b"master no ext".to_vec(), ""), (11, master, "jpg")]
        }
        "storage_link" => vec![(11, b"link source".to_vec(), "jpg"), (11, b"link master".to_vec(), "jpg")],
        "tracker_query" => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            return Names::coined(scene, rows, now as i64);
        }
        _ => return Names::default(),
    };
    Names::uploaded(scene, rows, &files)
}

fn is_of_a_kept_connection(name: &str) -> bool {
    ["connection reuse", "two uploads on one connection", "on a kept connection", "on the same connection"]
        .iter()
        .any(|part| name.contains(part))
}

/// The request as we send it.
fn request(scene: &Scene, names: &Names, row: &Row) -> Vec<u8> {
    let (Some(header), Some(body)) = (row.request.first_chunk::<10>(), row.request.get(10..)) else {
        return row.request.clone();
    };
    // Two requests at once, or a length that is a lie: nothing in there is to be replaced.
    let announced = i64::from_be_bytes(*header.first_chunk().unwrap());
    if usize::try_from(announced) != Ok(body.len()) {
        return row.request.clone();
    }
    let mut body = names.translate(body);
    scene.translate(&mut body);
    if row.command() == 13 {
        // The length of the name stands in front of all.
        let recorded = i64::from_be_bytes(*row.request[10..].first_chunk().unwrap());
        let change = body.len() as i64 - announced;
        if recorded == 60 {
            body[..8].copy_from_slice(&(recorded + change).to_be_bytes());
        }
    }
    for len in [127, 128] {
        if row.name.contains(&format!("{len} byte name")) {
            body.resize(16 + len, b'z');
        }
    }
    packet_with(header[8], header[9], body.len() as i64, &body)
}

fn play(scene: &Scene, names: &mut Names, row: &Row, conn: &mut RawConn) -> Result<(), String> {
    let request = request(scene, names, row);
    if row.ended == Ended::ByClient {
        conn.send(&request[..400_000]);
        return Ok(());
    }
    if row.name.contains("header in two segments") {
        conn.send(&request[..4]);
        // They must not travel together.
        if conn.reply_within(QUIET) != RawReply::Silent(Vec::new()) {
            return Err("an answer to four bytes".into());
        }
        conn.send(&request[4..]);
    } else {
        conn.send(&request);
    }
    if row.name.contains("half closed") {
        conn.end_sending();
    }
    match differs::expected(row) {
        // The row holds both answers.
        Expected::AsRecorded if row.name.contains("two requests in one segment") => good_replies(2, conn),
        Expected::AsRecorded => as_recorded(scene, names, row, conn),
        Expected::Reply(status, ended) => {
            let reply = conn.reply();
            if reply != (RawReply::Whole { status, body: Vec::new() }) {
                return Err(format!("expected status {status} and no body, got {reply:?}"));
            }
            check_end(ended, conn)
        }
        Expected::Body(body) => {
            let reply = conn.reply();
            if reply != (RawReply::Whole { status: 0, body: body.to_vec() }) {
                return Err(format!("expected {}, got {reply:?}", body.escape_ascii()));
            }
            check_end(Ended::Open, conn)
        }
        Expected::Closed => match conn.reply() {
            RawReply::Closed(rest) | RawReply::Reset(rest) if rest.is_empty() => Ok(()),
            reply => Err(format!("expected the end of the connection, got {reply:?}")),
        },
        Expected::Replies(count) => good_replies(count, conn),
        Expected::Like(what) => judge::special(what, row, &conn.reply()),
    }
}

fn good_replies(count: usize, conn: &mut RawConn) -> Result<(), String> {
    for _ in 0..count {
        let reply = conn.reply();
        if reply != (RawReply::Whole { status: 0, body: Vec::new() }) {
            return Err(format!("expected {count} good replies, got {reply:?}"));
        }
    }
    check_end(Ended::Open, conn)
}

fn as_recorded(scene: &Scene, names: &mut Names, row: &Row, conn: &mut RawConn) -> Result<(), String> {
    if row.name.contains("idle connection after one completed request") {
        // Longer than network_timeout.
        if conn.reply().status() != Some(0) || conn.is_closed_within(Duration::from_millis(2500)) {
            return Err("it was not kept".into());
        }
        return check_end(Ended::Open, conn);
    }
    match (row.status, row.ended) {
        (None, Ended::Closed) => match conn.reply_within(PATIENCE) {
            RawReply::Closed(rest) if rest.is_empty() => Ok(()),
            reply => Err(format!("expected the end of the connection without a reply, got {reply:?}")),
        },
        (None, Ended::Waiting) => match conn.reply_within(QUIET) {
            RawReply::Silent(rest) if rest.is_empty() => Ok(()),
            reply => Err(format!("expected that the server waits for more, got {reply:?}")),
        },
        (None, ended) => Err(format!("a row without a reply that is {ended:?}")),
        (Some(status), ended) => {
            let reply = conn.reply();
            let RawReply::Whole { status: got, body } = &reply else {
                return Err(format!("expected status {status}, got {reply:?}"));
            };
            if *got != status {
                return Err(format!("expected status {status}, got {reply:?}"));
            }
            let expected = names.translate(row.body());
            judge::compare(scene, row, &expected, body)?;
            if let (Some(recorded), Some(ours)) = (row.given_name(), body.get(16..)) {
                names.learn(recorded, String::from_utf8_lossy(ours).into_owned());
            }
            check_end(ended, conn)
        }
    }
}

fn check_end(ended: Ended, conn: &mut RawConn) -> Result<(), String> {
    match (ended, conn.after()) {
        (Ended::Open, After::Open) | (Ended::Closed, After::Closed) => Ok(()),
        (_, after) => Err(format!("the connection should be {ended:?}, it is {after:?}")),
    }
}
