//! File names of the recorded cluster, and what stands for them in ours.

use fdfs_proto::file_id::LogicName;
use fdfs_proto::file_id::base64;

use crate::rows::Row;
use crate::scene::Scene;

/// The name that the recorder used for a file that does not exist.
const NO_FILE: &str = "M00/00/00/CkMBC2oBAAGAXXXXAAAAC1234567890001";
/// When the rows were recorded.
const RECORDED_SECS: i64 = 1_795_166_400;
/// Characters in front of a name's file part, `M00/00/00/`.
const DIRS_LEN: usize = 10;
/// Characters of a name that say something.
const CODED_LEN: usize = 27;

/// In so many bytes of a body names are looked for.
const HEAD_LEN: usize = 1024;

/// A file to be made before the rows: the command that uploads it, its content and extension.
pub(crate) type NewFile = (u8, Vec<u8>, &'static str);

/// Recorded names and ours.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pairs: Vec<(String, String)>,
}

/// The whole names that requests hold, in the order of their first appearance.
fn recorded_names(rows: &[Row]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for request in rows.iter().map(|row| &row.request) {
        let starts =
            (0..request.len()).filter(|&at| request[at..].starts_with(b"M00/") || request[at..].starts_with(b"M01/"));
        for at in starts {
            let len = request[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"/._-".contains(b)).count();
            // With what follows it a name may be longer than it is.
            let lens = [60, 44];
            let name = lens.iter().filter(|&&n| n <= len).find_map(|&n| {
                let name = LogicName::from_bytes(&request[at..at + n]).ok()?;
                let is_whole = name.fields().is_some() && (n == 60) == name.trunk_part().is_some();
                is_whole.then(|| name.to_string())
            });
            // Neither the file that does not exist nor names of one letter.
            let is_made_up = |name: &String| name.starts_with(&NO_FILE[..24]) || name.contains("aaaaaaaaaa");
            let Some(name) = name.filter(|name| !is_made_up(name)) else { continue };
            // A slave begins as its master does.
            let coded = DIRS_LEN..DIRS_LEN + CODED_LEN;
            let is_new = !found.iter().any(|known| known[coded.clone()] == name[coded.clone()]);
            if is_new && !rows.iter().any(|row| row.given_name() == Some(name.as_str())) {
                found.push(name);
            }
        }
    }
    found
}

impl Names {
    /// A server has given a name where the recorded one gave another: later rows ask for it.
    pub(crate) fn learn(&mut self, recorded: &str, ours: String) {
        if !self.pairs.iter().any(|(known, _)| known == recorded) {
            self.pairs.push((recorded.to_owned(), ours));
        }
    }

    /// Uploads `contents` to the storage; the recorded names of these rows are in the same order.
    pub(crate) fn uploaded(scene: &Scene, rows: &[Row], contents: &[NewFile]) -> Self {
        let recorded = recorded_names(rows);
        assert_eq!(recorded.len(), contents.len(), "names in the recorded requests: {recorded:?}");
        let upload = |(command, content, ext): &NewFile| {
            let mut body = vec![0];
            body.extend_from_slice(&(content.len() as i64).to_be_bytes());
            body.extend_from_slice(ext.as_bytes());
            body.resize(15, 0);
            body.extend_from_slice(content);
            let answer = scene.cluster.to_storage(0).ask(*command, &body).ok();
            String::from_utf8(answer[16..].to_vec()).unwrap()
        };
        Self { pairs: recorded.into_iter().zip(contents.iter().map(upload)).collect() }
    }

    /// For trackers, which only look at names: the same files, as old as they were then, of our storages.
    pub(crate) fn coined(scene: &Scene, rows: &[Row], now_unix_secs: i64) -> Self {
        let coin = |name: &str| {
            let chars: &[u8; CODED_LEN] = name.as_bytes()[DIRS_LEN..].first_chunk().unwrap();
            let mut bytes: [u8; 20] = base64::decode(chars).unwrap();
            if !scene.has_ids && bytes[..3] == [10, 78, 1] {
                bytes[..3].copy_from_slice(&scene.net());
            }
            let created = i64::from(u32::from_be_bytes(*bytes[4..].first_chunk().unwrap()));
            let created = u32::try_from(created - RECORDED_SECS + now_unix_secs).unwrap();
            bytes[4..8].copy_from_slice(&created.to_be_bytes());
            let coded: [u8; CODED_LEN] = base64::encode(&bytes);
            format!("{}{}{}", &name[..DIRS_LEN], std::str::from_utf8(&coded).unwrap(), &name[DIRS_LEN + CODED_LEN..])
        };
        let mut recorded = recorded_names(rows);
        recorded.push(NO_FILE.to_owned());
        Self { pairs: recorded.into_iter().map(|name| (name.clone(), coin(&name))).collect() }
    }

    /// Puts our names into a body. A name may stand there without its store path or folders, without its end, or with
    /// more behind it.
    pub(crate) fn translate(&self, body: &[u8]) -> Vec<u8> {
        // Names stand in front of a content.
        let (body, content) = body.split_at(body.len().min(HEAD_LEN));
        let mut out = Vec::with_capacity(body.len() + content.len());
        let mut at = 0;
        while at < body.len() {
            let found = self.pairs.iter().find_map(|(recorded, ours)| part_of(&body[at..], recorded, ours));
            match found {
                Some((taken, ours)) => {
                    out.extend_from_slice(ours);
                    at += taken;
                }
                None => {
                    out.push(body[at]);
                    at += 1;
                }
            }
        }
        out.extend_from_slice(content);
        out
    }
}

/// Whether bytes begin with a name, or with its end from the folders or the file part on, or with its beginning.
fn part_of<'a>(bytes: &[u8], recorded: &str, ours: &'a str) -> Option<(usize, &'a [u8])> {
    let (recorded, ours) = (recorded.as_bytes(), ours.as_bytes());
    for from in [0, 3, 4, DIRS_LEN] {
        // The whole name, its stem without the three letters of its extension, or what the recorder left of it.
        for cut in [0, 4] {
            let part = &recorded[from..recorded.len() - cut];
            if bytes.starts_with(part) {
                return Some((part.len(), &ours[from..ours.len() - cut]));
            }
        }
    }
    for len in [22, 21] {
        if bytes == &recorded[..len] {
            return Some((len, &ours[..len]));
        }
    }
    None
}
