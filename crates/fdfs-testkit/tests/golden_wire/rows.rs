//! Recorded rows.

use std::path::Path;

use serde_json::Value;

/// What the recorder saw of the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It took another request, or was at least not closed.
    Open,
    /// It was closed, or reset because the server had not read everything.
    Closed,
    /// There was no answer within some seconds, and the connection was open.
    Waiting,
    /// The recorder closed it in the middle of its request.
    ByClient,
}

/// One exchange.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) family: String,
    pub(crate) name: String,
    pub(crate) to_tracker: bool,
    /// All bytes that were sent.
    pub(crate) request: Vec<u8>,
    /// The beginning of the answer, at least 256 bytes of it.
    pub(crate) response: Vec<u8>,
    /// Bytes of the whole answer.
    pub(crate) response_len: usize,
    pub(crate) status: Option<u8>,
    pub(crate) ended: Ended,
}

impl Row {
    pub(crate) fn command(&self) -> u8 {
        self.request.get(8).copied().unwrap_or_default()
    }

    /// The body of the answer, as far as it was kept.
    pub(crate) fn body(&self) -> &[u8] {
        self.response.get(10..).unwrap_or_default()
    }

    /// The name of the file that was made, in the answers that give one.
    pub(crate) fn given_name(&self) -> Option<&str> {
        let gives = [11, 20, 23, 38].contains(&self.command()) && self.status == Some(0);
        let name = std::str::from_utf8(self.body().get(16..)?).ok()?;
        (gives && name.len() >= 44).then_some(name)
    }

    /// Bytes of the whole body.
    pub(crate) fn body_len(&self) -> usize {
        self.response_len.saturating_sub(10)
    }
}

/// The rows of one file.
pub(crate) fn read(folder: &str, family: &str) -> Vec<Row> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/wire");
    let path = dir.join(folder).join(format!("{family}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| row(family, &serde_json::from_str(line).unwrap())).collect()
}

/// The rows of this name in all folders.
pub(crate) fn all_of_family(family: &str) -> Vec<Row> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/wire");
    let folders = ["plain", "ids-trunk"].into_iter();
    folders.filter(|f| dir.join(f).join(format!("{family}.jsonl")).exists()).flat_map(|f| read(f, family)).collect()
}

fn row(family: &str, json: &Value) -> Row {
    let name = json["name"].as_str().unwrap().to_owned();
    let response = unhex(&json["response_hex"]);
    let len = |key: &str, kept: usize| json[key].as_u64().map_or(kept, |len| len as usize);
    let request = unhex(&json["request_hex"]);
    let request_len = len("request_len", request.len());
    let after = json["after"].as_str().unwrap();
    let ended = match after {
        _ if after.starts_with("open, no reply") => Ended::Waiting,
        _ if after.starts_with("open") => Ended::Open,
        "closed" | "reset" | "eof" => Ended::Closed,
        "closed by client" => Ended::ByClient,
        _ => panic!("{family}, {name}: what is {after:?}?"),
    };
    Row {
        family: family.to_owned(),
        to_tracker: json["target"] == "tracker",
        request: whole(request, request_len),
        response_len: len("response_len", response.len()),
        response,
        status: json["status"].as_u64().map(|status| status as u8),
        ended,
        name,
    }
}

/// Long requests were kept in part: they go on as they began, with one byte or a pattern of 256.
fn whole(kept: Vec<u8>, len: usize) -> Vec<u8> {
    let mut request = kept;
    while request.len() < len {
        let at = request.len();
        let (last, before) = (request[at - 1], request[at - 2]);
        let step = last.wrapping_sub(before);
        assert!(step <= 1, "how does a request go on after {before}, {last}?");
        request.push(last.wrapping_add(step));
    }
    request
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}
