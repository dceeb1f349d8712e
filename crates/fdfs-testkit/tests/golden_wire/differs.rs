//! Rows that are not replayed yet, and rows where we do not do as the reference did.

use crate::rows::{Ended, Row};

/// Rows of commands that a later version serves: family, row, why.
pub(crate) const LATER: &[(&str, &str, &str)] = &[];

/// What we do instead of what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The same.
    AsRecorded,
    /// An answer without a body, and this end.
    Reply(u8, Ended),
    /// A good answer with this body, after which the connection is open.
    Body(&'static [u8]),
    /// No answer.
    Closed,
    /// So many good answers without a body.
    Replies(usize),
    /// Something that needs a judge of its own.
    Like(Special),
}

/// Rows with a judge of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    /// Metadata with one record, whose name and value were cut.
    CutMetadata,
    /// Both storages of the group.
    EveryStorage,
    /// A list of files that ends with the connection.
    EndlessList,
    /// What is told of a slave of five bytes.
    ShortSlave,
}

/// A row where we do better.
#[derive(Debug)]
pub(crate) struct Better {
    pub(crate) family: &'static str,
    pub(crate) name: &'static str,
    pub(crate) expected: Expected,
    pub(crate) why: &'static str,
}

const fn better(family: &'static str, name: &'static str, expected: Expected, why: &'static str) -> Better {
    Better { family, name, expected, why }
}

/// Why a slave is found whose name is as long as that of a file in a slot.
const SHORT_SLAVE: &str =
    "3.6: a slave that was uploaded is there, though its name looks like that of a file in a slot";

/// Rows where the wire specification wants something else than the reference does.
pub(crate) const BETTER: &[Better] = &[
    better(
        "framing",
        "tracker: body length 0x100000000",
        Expected::Closed,
        "NEW 2: a length is not cut to 32 bits, and this one is beyond the limit",
    ),
    better(
        "framing",
        "storage: two requests in one segment",
        Expected::Replies(2),
        "NEW 5: the second request does not wait for more bytes",
    ),
    better(
        "framing",
        "storage: huge length for a small command",
        Expected::Reply(22, Ended::Closed),
        "NEW 3: a body that is no content and does not fit the buffer is refused; there is nothing to wait for",
    ),
    better(
        "storage_download",
        "name with NUL and rubbish",
        Expected::Reply(22, Ended::Closed),
        "3.7: a name with a NUL inside is none",
    ),
    better(
        "storage_download",
        "file of 0 bytes",
        Expected::Reply(0, Ended::Open),
        "W-16: an empty file can be downloaded",
    ),
    better(
        "storage_trunk",
        "fetch path binlog",
        Expected::Like(Special::EndlessList),
        "as recorded: the length in front stands for any",
    ),
    better(
        "storage_query",
        "name of 131",
        Expected::Reply(22, Ended::Closed),
        "no name is longer than 127 bytes; only this command of the reference looks for longer ones, and finds none",
    ),
    better(
        "storage_metadata",
        "get after that",
        Expected::Body(b"y\x022"),
        "NEW 9: only what was packed is stored, no garbage behind it",
    ),
    better(
        "storage_metadata",
        "get after long item",
        Expected::Like(Special::CutMetadata),
        "NEW 9: only what was packed is stored, no garbage behind it",
    ),
    better(
        "storage_appender",
        "content after truncate 0",
        Expected::Reply(0, Ended::Open),
        "W-16: an empty file can be downloaded",
    ),
    better("storage_slave", "download short slave (prefix of 4, no ext)", Expected::Body(b"thumb"), SHORT_SLAVE),
    better("storage_slave", "query short slave", Expected::Like(Special::ShortSlave), SHORT_SLAVE),
    better("storage_slave", "delete short slave", Expected::Reply(0, Ended::Open), SHORT_SLAVE),
    better("storage_appender", "append 0 bytes", Expected::Reply(0, Ended::Open), "NEW 6: no echo"),
    better("storage_appender", "truncate to same size", Expected::Reply(0, Ended::Open), "NEW 6: no echo"),
    better("storage_appender", "modify 0 bytes", Expected::Reply(0, Ended::Open), "NEW 6: no echo"),
    better(
        "storage_sync",
        "sync truncate, missing",
        Expected::Reply(17, Ended::Open),
        "NEW 16, W-08: after ENOENT a sender of the reference repeats the request for ever",
    ),
    better(
        "storage_sync",
        "sync rename",
        Expected::Reply(0, Ended::Open),
        "NEW 6: the request is not sent back, which its senders take for an error",
    ),
    better(
        "tracker_query",
        "query fetch all, characters outside the alphabet",
        Expected::Like(Special::EveryStorage),
        "3.3: such a name has no source and no age; the reference decodes it to undefined bytes",
    ),
    better(
        "tracker_storage_info",
        "report ip changed, wrong length",
        Expected::Reply(95, Ended::Open),
        "NEW 6: a refusal does not echo the request; without storage ids there was no echo, see `expected`",
    ),
    better(
        "tracker_storage_info",
        "report ip changed, new ip differs from peer",
        Expected::Reply(95, Ended::Open),
        "NEW 6: a refusal does not echo the request; without storage ids there was no echo, see `expected`",
    ),
];

/// Whether a row is for later.
pub(crate) fn is_later(row: &Row) -> bool {
    LATER.iter().any(|(family, name, _)| *family == row.family && *name == row.name)
}

/// What a row must give.
pub(crate) fn expected(row: &Row) -> Expected {
    let better = BETTER.iter().find(|better| better.family == row.family && better.name == row.name);
    match better {
        // The same row of the cluster without storage ids was answered in good form.
        Some(better) if better.why.contains("NEW 6: a refusal") && row.body_len() == 0 => Expected::AsRecorded,
        // So was the same row where there are no trunk files.
        Some(better) if better.why == SHORT_SLAVE && row.status == Some(0) => Expected::AsRecorded,
        Some(better) => better.expected,
        None => Expected::AsRecorded,
    }
}
