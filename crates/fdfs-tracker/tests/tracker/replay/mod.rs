//! Recorded exchanges, and how an answer of ours is compared with one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]
#![allow(clippy::single_range_in_vec_init, reason = "lists of places in a body, often of one place")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;

use fdfs_proto::{Command, HEADER_LEN, Header};
use serde_json::Value;

use crate::support::{PATIENCE, Site};

macro_rules! recordings {
    ($($name:ident),*) => {
        $(pub(crate) const $name: (&str, &str) = (
            concat!("golden/", stringify!($name), ".jsonl"),
            include_str!(concat!("../../golden/", stringify!($name), ".jsonl")),
        );)*
    };
}

pub(crate) mod recorded {
    #![allow(non_upper_case_globals, reason = "named as their files")]
    recordings!(framing, query, list, admin, storage_info, storage_life, tracker);
    pub(crate) const ALL: [(&str, &str); 7] = [framing, query, list, admin, storage_info, storage_life, tracker];
}

/// One recorded exchange, with the addresses of the recorded cluster turned into those of ours.
pub(crate) struct Row {
    pub(crate) name: String,
    place: String,
    request: Vec<u8>,
    pub(crate) response: Vec<u8>,
    stays_open: bool,
    half_close: bool,
}

impl Row {
    fn body_len(&self) -> usize {
        self.response.len().saturating_sub(HEADER_LEN)
    }
}

/// Replaces bytes by others of the same length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    for at in 0..(bytes.len() + 1).saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect()
}

pub(crate) fn rows((file, text): (&str, &str), port: u16) -> Vec<Row> {
    assert!(port >= 10_000, "ports of five digits keep the lengths");
    let ours = |mut bytes: Vec<u8>| {
        replace(&mut bytes, b"10.78.1.", b"127.0.0.");
        replace(&mut bytes, b"127.0.0.2:22122", format!("127.0.0.2:{port}").as_bytes());
        replace(&mut bytes, &22122u32.to_be_bytes(), &u32::from(port).to_be_bytes());
        // The sources 10.78.1.11 and 127.0.0.11 in file names.
        replace(&mut bytes, b"Ck4BC2s", b"fwAAC2s");
        bytes
    };
    let row = |(number, text): (usize, &str)| {
        let json: Value = serde_json::from_str(text).unwrap();
        let mut request = unhex(&json["request_hex"]);
        if let Some(len) = json["request_len"].as_u64() {
            request.resize(len as usize, 0);
        }
        Row {
            name: json["name"].as_str().unwrap().to_owned(),
            place: format!("{file}:{}", number + 1),
            request: ours(request),
            response: ours(unhex(&json["response_hex"])),
            stays_open: json["after"] == "open",
            half_close: json["name"].as_str().unwrap().contains("half closed"),
        }
    };
    text.lines().enumerate().map(row).collect()
}

/// What rows expect where the replacement must not do as the reference does.
const DIFFERENT: [(&str, Option<u8>, &str); 3] = [
    ("list the group left behind", Some(2), "a refused join leaves no group behind"),
    ("delete the empty group", Some(2), "a refused join leaves no group behind"),
    ("tracker: body length 0x100000000", None, "a length beyond the limit closes the connection"),
];

/// Rows of the time limits; `fdfs-net` tests those.
pub(crate) fn is_slow(row: &Row) -> bool {
    row.name.contains("then silence") || row.name.contains("idle connection")
}

/// Where the body of an answer is volatile.
fn volatile(row: &Row) -> Vec<Range<usize>> {
    let body_len = row.body_len();
    if body_len == 0 {
        return vec![];
    }
    let name = row.name.as_str();
    let per_record = |len, fields: &[Range<usize>], first| per_record(body_len, len, fields, first);
    let whose_turn = name.starts_with("query store") && name.contains(", one")
        || name.contains("unknown file") && body_len == 39
        || name.contains("outside the alphabet") && body_len == 39;
    match name {
        _ if whose_turn => vec![16..31],
        // Whose turn it is.
        "list one group" | "list all groups" => per_record(113, &[81..89], 0),
        // The last beat.
        "list storages of a group" | "list one storage" | "08 list storages shows them" => {
            per_record(487, &[478..486], 0)
        }
        _ if name.starts_with("storage cluster stat") => per_record(106, &[98..106], 6),
        "sync source query" => vec![16..24],
        "36 changelog of a deleted server" => vec![0..10],
        // Its length depends on counters; the recorder kept the beginning, which ends with free space.
        "sys file 1 from 0" => {
            let free = row.response.windows(8).position(|text| text == b"free_mb=").unwrap() - HEADER_LEN;
            vec![0..8, free..body_len]
        }
        "sys file 2 from 0" => vec![29..39, 60..70],
        "sys file 3 from 0" => vec![8..18],
        _ => vec![],
    }
}

/// Texts of fixed fields in the body of an answer: the reference leaves garbage behind their ends.
fn texts(row: &Row) -> Vec<Range<usize>> {
    match row.request.get(8).copied().and_then(Command::from_number) {
        Some(Command::ServerListOneGroup | Command::ServerListAllGroups) => {
            per_record(row.body_len(), 113, &[0..17], 0)
        }
        Some(Command::ServerStorageVolumnStat) => per_record(row.body_len(), 59, &[0..17], 5),
        Some(Command::ServerStorageClusterStat) => per_record(row.body_len(), 106, &[16..68, 82..90], 6),
        Some(Command::QueryStoreWithGroupOne) if row.body_len() == 40 => vec![0..16, 16..31],
        _ => vec![],
    }
}

/// The same fields in every record of a list that begins at `first`.
fn per_record(body_len: usize, len: usize, fields: &[Range<usize>], first: usize) -> Vec<Range<usize>> {
    let starts = (first..body_len).step_by(len);
    starts.flat_map(|start| fields.iter().map(move |f| start + f.start..start + f.end)).collect()
}

/// A connection as the recorder had it.
pub(crate) struct Link(TcpStream);

impl Link {
    pub(crate) fn new(site: &Site) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connect = async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.100:0".parse().unwrap()).unwrap();
            socket.connect(site.addr()).await.unwrap().into_std().unwrap()
        };
        let stream = runtime.block_on(connect);
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn replay(&mut self, row: &Row) {
        let different = DIFFERENT.iter().find(|(name, ..)| *name == row.name);
        // The peer may have closed before the whole of an absurd request was written.
        let _ = self.0.write_all(&row.request);
        if row.half_close {
            self.0.shutdown(Shutdown::Write).unwrap();
        }
        let expected_len = match different {
            Some((_, status, _)) => status.map_or(0, |_| HEADER_LEN),
            None => row.response.len(),
        };
        let mut answer = vec![0; expected_len];
        let place = format!("{} {:?}", row.place, row.name);
        if let Err(e) = self.0.read_exact(&mut answer) {
            panic!("{place}: no answer of {expected_len} bytes: {e}; got {:02x?}", &answer[..answer.len().min(10)]);
        }
        if row.name == "sys file 1 from 0" {
            let body_len = Header::from_bytes(answer[..HEADER_LEN].try_into().unwrap()).body_len as usize;
            let mut rest = vec![0; body_len - row.body_len()];
            self.0.read_exact(&mut rest).unwrap();
        }
        match different {
            Some((_, Some(status), why)) => assert_eq!(answer[9], *status, "{place}: {why}"),
            Some((_, None, _)) => {}
            None => compare(row, &answer, &place),
        }
        let stays_open = row.stays_open && !matches!(different, Some((_, None, _)));
        if stays_open {
            self.0.write_all(&Header::request(Command::ActiveTest, 0).to_bytes()).unwrap();
            let mut header = [0; HEADER_LEN];
            self.0.read_exact(&mut header).unwrap_or_else(|e| panic!("{place}: must stay open: {e}"));
            assert_eq!(Header::from_bytes(header), Header::answer(fdfs_proto::Status::OK, 0), "{place}: out of step");
        } else {
            let closed = self.0.read(&mut [0; 16]);
            assert!(matches!(closed, Ok(0) | Err(_)), "{place}: must be closed, but there is more: {closed:?}");
        }
    }
}

fn compare(row: &Row, answer: &[u8], place: &str) {
    let (mut answer, mut expected) = (answer.to_vec(), row.response.clone());
    if row.name == "sys file 1 from 0" {
        answer[..8].copy_from_slice(&expected[..8]);
    }
    for text in texts(row) {
        let text = &mut expected[HEADER_LEN..][text];
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        text[end..].fill(0);
    }
    for range in volatile(row) {
        answer[HEADER_LEN..][range.clone()].fill(0);
        expected[HEADER_LEN..][range].fill(0);
    }
    let differs = answer.iter().zip(&expected).position(|(a, b)| a != b);
    if let Some(at) = differs {
        let around = at.saturating_sub(4)..(at + 24).min(answer.len());
        panic!(
            "{place}: byte {} of the body differs:\n  got      {:02x?}\n  recorded {:02x?}",
            at as i64 - HEADER_LEN as i64,
            &answer[around.clone()],
            &expected[around]
        );
    }
}
