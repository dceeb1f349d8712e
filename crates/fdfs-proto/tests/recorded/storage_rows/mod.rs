//! Exchanges with storages, recorded from the reference V6.16.1.
#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::fmt;

use fdfs_proto::{HEADER_LEN, Header};
use serde_json::Value;

macro_rules! recordings {
    ($($name:literal,)*) => {
        /// The recordings: name and JSON lines.
        const RECORDINGS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../golden/storage_", $name, ".jsonl"))),)*];
    };
}

recordings! {
    "captured_client_tools", "captured_storage_sync", "captured_storage_to_trunk_server", "captured_tracker_to_storage",
    "ids_appender", "ids_delete", "ids_download", "ids_metadata", "ids_query", "ids_slave", "ids_trunk",
    "ids_trunk_server", "ids_upload",
    "plain_appender", "plain_delete", "plain_download", "plain_link", "plain_metadata", "plain_query", "plain_slave",
    "plain_sync", "plain_trunk", "plain_upload",
}

/// One request and its answer.
pub(crate) struct Row {
    recording: &'static str,
    line: usize,
    json: Value,
    /// The request's header.
    pub(crate) header: Header,
    /// The request's body, or its begin: long ones are cut by the recorder.
    pub(crate) body: Vec<u8>,
    /// The answer's header; none when the storage closed without one.
    pub(crate) answer_header: Option<Header>,
    /// The answer's body, or its begin.
    pub(crate) answer: Vec<u8>,
}

impl Row {
    fn new(recording: &'static str, line: usize, text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap();
        let (header, body) = split(&json["request_hex"]);
        let (answer_header, answer) = split(&json["response_hex"]);
        let row = Self { recording, line, json, header: header.unwrap(), body, answer_header, answer };
        assert_eq!(row.answer_header.map(|h| u64::from(h.status)), row.json["status"].as_u64(), "{row}");
        assert_eq!(row.body_len() == row.body.len() as u64, row.json.get("request_len").is_none(), "{row}");
        row
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.json["name"].as_str().unwrap()
    }

    /// Whether a storage was asked: some recordings hold questions to trackers as well.
    pub(crate) fn is_for_storage(&self) -> bool {
        self.json["target"] == "storage"
    }

    /// Length of the request's body, as its header says.
    pub(crate) fn body_len(&self) -> u64 {
        u64::try_from(self.header.body_len).unwrap()
    }

    /// The answer's status; none when the storage closed without an answer.
    pub(crate) fn status(&self) -> Option<u8> {
        self.answer_header.map(|header| header.status)
    }

    /// A number that only this kind of row has.
    pub(crate) fn number(&self, key: &str) -> i64 {
        self.json[key].as_i64().unwrap_or_else(|| panic!("no {key}: {self}"))
    }

    /// Bytes that only this kind of row has.
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        from_hex(self.json[key].as_str().unwrap_or_else(|| panic!("no {key}: {self}")))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storage_{}.jsonl:{}: {:?}", self.recording, self.line, self.name())
    }
}

/// All rows, in the order they were recorded.
pub(crate) fn rows() -> Vec<Row> {
    let lines =
        RECORDINGS.iter().flat_map(|&(name, text)| text.lines().enumerate().map(move |(i, l)| (name, i + 1, l)));
    lines.map(|(recording, line, text)| Row::new(recording, line, text)).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn split(hex: &Value) -> (Option<Header>, Vec<u8>) {
    let bytes = from_hex(hex.as_str().unwrap());
    match bytes.split_first_chunk::<HEADER_LEN>() {
        Some((header, body)) => (Some(Header::from_bytes(*header)), body.to_vec()),
        None => (None, Vec::new()),
    }
}
