//! The recorded metadata exchanges replayed against our rules: after each change the same text must be there that the
//! reference V6.16.1 then answered.

use std::collections::BTreeMap;

use crate::storage_rows::rows;
use fdfs_proto::cmd::storage::{MetadataChange, SetMetadataHead};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Reader, Status, Wire};

#[test]
fn setting_metadata_gives_what_the_reference_answers() {
    let mut texts: BTreeMap<FileId, Vec<u8>> = BTreeMap::new();
    let (mut changes, mut answers) = (0, 0);
    for row in rows().iter().filter(|row| row.is_for_storage()) {
        match (Command::from_number(row.header.command).unwrap(), row.status().map(Status)) {
            (Command::SetMetadata, Some(Status::OK)) => {
                let mut reader = Reader::new(&row.body);
                let head = SetMetadataHead::decode(&mut reader).unwrap_or_else(|e| panic!("{row}: {e}"));
                let old = texts.get(&head.file).map(Vec::as_slice);
                match MetadataChange::of(head.mode, old, reader.rest()) {
                    MetadataChange::Keep => {}
                    MetadataChange::Remove => drop(texts.remove(&head.file)),
                    MetadataChange::Store(text) => drop(texts.insert(head.file, text)),
                }
                changes += 1;
            }
            (Command::DeleteFile, Some(Status::OK)) => drop(texts.remove(&FileId::from_bytes(&row.body).unwrap())),
            (Command::GetMetadata, Some(Status::OK)) => {
                let ours = &texts[&FileId::from_bytes(&row.body).unwrap()];
                // Differs from C: it leaves a NUL and garbage in the file when it dropped or cut records.
                let end = row.answer.iter().position(|&b| b == 0).unwrap_or(row.answer.len());
                assert_eq!(ours[..], row.answer[..end], "{row}");
                answers += 1;
            }
            (Command::GetMetadata, Some(Status::ENOENT)) => {
                assert!(!texts.contains_key(&FileId::from_bytes(&row.body).unwrap()), "{row}");
                answers += 1;
            }
            _ => {}
        }
    }
    println!("{changes} changes, {answers} answers");
    assert!(changes >= 20 && answers >= 20, "{changes} changes, {answers} answers");
}
