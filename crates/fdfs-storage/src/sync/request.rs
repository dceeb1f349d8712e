//! A step in bytes: header, head of the body, and which content follows.

use fdfs_core::sync::Step;
use fdfs_proto::cmd::storage::{
    InfoFlags, SyncDeleteFile, SyncFileHead, SyncTruncateFile, SyncTwoNames, SyncWriteHead,
};
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_proto::file_id::FileId;
use fdfs_proto::ours::SyncReached;
use fdfs_proto::{Command, FileName, GroupName, HEADER_LEN, Header, Status, Wire};

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// Appends the request to `out`, without its content; says which part of the file is the content. `file_len` is what the
/// file has now.
pub(super) fn put(
    out: &mut Vec<u8>,
    group: GroupName,
    record: &BinlogRecord,
    step: Step,
    file_len: u64,
) -> Option<Range> {
    let file = |name: FileName| FileId { group, name };
    let own = file(record.name);
    let timestamp = record.timestamp;
    let whole = SyncFileHead { file_size: file_len, timestamp, file: own };
    let range = |offset, len| SyncWriteHead { offset, len, timestamp, file: own };
    let names = |destination, source| SyncTwoNames { timestamp, group, destination, source };
    let all = Some(Range { offset: 0, len: file_len });
    match step {
        Step::Create | Step::Replace { .. } => put_body(out, Command::SyncCreateFile, 0, &whole, all),
        Step::Update => put_body(out, Command::SyncUpdateFile, 0, &whole, all),
        Step::Announce => put_body(out, Command::SyncCreateFile, Status::EEXIST.0, &whole, None),
        Step::AskSize(_) => put_body(out, Command::QueryFileInfo, InfoFlags::EXISTS.byte(), &own, None),
        Step::AskOld { old_name } => {
            let flags = InfoFlags { without_crc: false, silent: true };
            put_body(out, Command::QueryFileInfo, flags.byte(), &file(old_name), None)
        }
        Step::Append { offset, length } => {
            let content = Some(Range { offset, len: length });
            put_body(out, Command::SyncAppendFile, 0, &range(offset, length), content)
        }
        Step::Modify { offset, length } => {
            let content = Some(Range { offset, len: length });
            put_body(out, Command::SyncModifyFile, 0, &range(offset, length), content)
        }
        Step::Truncate { old_size, new_size } => {
            let body = SyncTruncateFile { old_size, new_size, timestamp, file: own };
            put_body(out, Command::SyncTruncateFile, 0, &body, None)
        }
        Step::Delete => put_body(out, Command::SyncDeleteFile, 0, &SyncDeleteFile { timestamp, file: own }, None),
        Step::DeleteOld { old_name } => {
            let body = SyncDeleteFile { timestamp, file: file(old_name) };
            put_body(out, Command::SyncDeleteFile, 0, &body, None)
        }
        Step::Link { target } => put_body(out, Command::SyncCreateLink, 0, &names(record.name, target), None),
        Step::Rename { old_name } => put_body(out, Command::SyncRenameFile, 0, &names(record.name, old_name), None),
    }
}

/// Appends an idle check.
pub(super) fn put_active_test(out: &mut Vec<u8>) {
    out.extend_from_slice(&Header::request(Command::ActiveTest, 0).to_bytes());
}

/// Appends the news of up to when the peer has everything.
pub(super) fn put_reached(out: &mut Vec<u8>, unix_secs: u32) {
    put_body(out, Command::SyncReached, 0, &SyncReached { unix_secs }, None);
}

fn put_body(
    out: &mut Vec<u8>,
    command: Command,
    status: u8,
    body: &impl Wire,
    content: Option<Range>,
) -> Option<Range> {
    let start = out.len();
    out.resize(start + HEADER_LEN, 0);
    body.encode(out);
    let head_len = (out.len() - start - HEADER_LEN) as u64;
    let len = head_len + content.map_or(0, |range| range.len);
    let header = Header { status, ..Header::request(command, len) };
    out[start..start + HEADER_LEN].copy_from_slice(&header.to_bytes());
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_core::sync::step::Then;
    use fdfs_proto::Reader;

    const NAME: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";

    fn sent(step: Step) -> (Header, Vec<u8>, Option<Range>) {
        let record = BinlogRecord::parse(format!("1795166208 C {NAME}").as_bytes()).unwrap();
        let mut out = b"before".to_vec();
        let content = put(&mut out, "group1".parse().unwrap(), &record, step, 11);
        let (header, body) = out[6..].split_first_chunk::<HEADER_LEN>().unwrap();
        (Header::from_bytes(*header), body.to_vec(), content)
    }

    #[test]
    fn every_step_announces_head_and_content() {
        let name: FileName = NAME.parse().unwrap();
        for (step, command, status, content_len) in [
            (Step::Create, Command::SyncCreateFile, 0, 11),
            (Step::Replace { old_name: name }, Command::SyncCreateFile, 0, 11),
            (Step::Update, Command::SyncUpdateFile, 0, 11),
            (Step::Announce, Command::SyncCreateFile, 17, 0),
            (Step::AskSize(Then::Create), Command::QueryFileInfo, 3, 0),
            (Step::AskOld { old_name: name }, Command::QueryFileInfo, 2, 0),
            (Step::Append { offset: 4, length: 7 }, Command::SyncAppendFile, 0, 7),
            (Step::Modify { offset: 4, length: 7 }, Command::SyncModifyFile, 0, 7),
            (Step::Truncate { old_size: 20, new_size: 11 }, Command::SyncTruncateFile, 0, 0),
            (Step::Delete, Command::SyncDeleteFile, 0, 0),
            (Step::DeleteOld { old_name: name }, Command::SyncDeleteFile, 0, 0),
            (Step::Link { target: name }, Command::SyncCreateLink, 0, 0),
            (Step::Rename { old_name: name }, Command::SyncRenameFile, 0, 0),
        ] {
            let (header, body, content) = sent(step);
            assert_eq!((header.command, header.status), (command.number(), status), "{step:?}");
            assert_eq!(content.map_or(0, |range| range.len), content_len, "{step:?}");
            assert_eq!(header.body_len, body.len() as i64 + content_len as i64, "{step:?}");
        }
        let (_, body, content) = sent(Step::Append { offset: 4, length: 7 });
        let head = SyncWriteHead::decode(&mut Reader::new(&body)).unwrap();
        assert_eq!((head.offset, head.len, head.timestamp), (4, 7, 1_795_166_208));
        assert_eq!(content, Some(Range { offset: 4, len: 7 }));
    }
}
