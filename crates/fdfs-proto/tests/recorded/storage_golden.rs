//! Every exchange recorded between C programs and C storages, read by our codecs: the reference V6.16.1 is the judge.
//! A failure names the file and line of its row.

use crate::storage_rows::{Row, rows};
use fdfs_proto::cmd::storage::{
    AppendHead, ContentHead, CreateLink, DownloadFile, FetchOnePathBinlog, FileInfo, ModifyHead, RegenerateAppender,
    ReportServerId, SetMetadataHead, SyncDeleteFile, SyncFileHead, SyncTruncateFile, SyncTwoNames, SyncWriteHead,
    TruncateFile, TrunkAllocSpace, TrunkBinlogSize, TrunkBlock, TrunkInfo, TrunkSyncBinlog, UploadHead,
    UploadSlaveHead,
};
use fdfs_proto::file_id::{FileId, FormattedExt, Kind, LogicName, slave_name};
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{Command, FileName, Reader, Status, Wire, WireError};

/// What is wrong with a request that was refused with EINVAL.
#[derive(Debug, PartialEq)]
enum Fault {
    /// Its form: it must not decode.
    Form,
    /// It decodes, but a name in it is no logic file name, or none for a slave.
    Name,
    /// It reads well; the storage refuses what it means.
    Meaning,
}

/// Requests that were refused for a name in them.
const WRONG_NAME: &[&str] = &[
    "name of 10",
    "directory",
    "a directory (short name)",
    "lower case hex sub dir",
    "dot dot in the name",
    "slave, prefix -m without ext",
];

/// Requests that were refused for what they mean: not this storage's group, path or role; a size, kind or setting that
/// only the storage knows.
const WRONG_MEANING: &[&str] = &[
    "wrong group",
    "other existing group",
    "get, wrong group",
    "sync create, wrong group",
    "sync delete, wrong group",
    "trunk alloc, wrong group",
    "alloc, wrong group",
    "fetch path binlog, wrong group",
    "fetch path binlog, bad path",
    "bad path index",
    "no such path M77",
    "upload, path index 9 (does not exist)",
    "alloc, bad path",
    "free, bad path",
    "alloc on another server",
    "confirm on another server",
    "sync binlog to the trunk server itself",
    "truncate on the trunk server",
    "delete marks on the trunk server",
    "offset = size",
    "offset beyond the end",
    "file of 0 bytes",
    "content after truncate 0",
    "modify beyond the end",
    "append to a regular file",
    "truncate a regular file",
    "modify a regular file",
    "append to the new name",
    "regenerate name: regular file",
    "alloc more than slot_max_size",
    "set larger than the buffer",
    "trunk binlog size",
];

/// What was wrong with a refused request: its form, unless one of the lists says otherwise.
fn fault(row: &Row) -> Fault {
    if WRONG_NAME.contains(&row.name()) {
        Fault::Name
    } else if WRONG_MEANING.contains(&row.name()) {
        Fault::Meaning
    } else {
        Fault::Form
    }
}

/// Differs from C: it opens a name up to a NUL inside, and looks for names of 128 to 131 bytes (and finds nothing).
fn is_refused_only_by_us(row: &Row) -> bool {
    matches!(row.name(), "name of 131" | "name with NUL and rubbish")
}

/// What a request says: the bytes it encodes back to, the padded fields among them, and its names.
struct Read {
    encoded: Vec<u8>,
    padded: &'static [(usize, usize)],
    names: Vec<FileName>,
}

fn read(body: &impl Wire, padded: &'static [(usize, usize)], names: &[FileName]) -> Read {
    Read { encoded: body.to_bytes(), padded, names: names.to_vec() }
}

/// The head in front of content that the recorder may have cut, checked against the announced length.
fn head<T: ContentHead>(row: &Row) -> Result<T, WireError> {
    let head = T::decode(&mut Reader::new(&row.body))?;
    assert!(head.to_bytes().len() as u64 == head.head_len() && head.head_len() <= T::MAX_HEAD_LEN as u64, "{row}");
    head.check(row.body_len())?;
    Ok(head)
}

/// Reads the request of a row: one line per body.
fn request(row: &Row, command: Command) -> Result<Read, WireError> {
    let body = &row.body[..];
    Ok(match command {
        Command::ReportServerId => read(&ReportServerId::from_bytes(body)?, &[(0, 16)], &[]),
        Command::UploadFile | Command::UploadAppenderFile => read(&head::<UploadHead>(row)?, &[(9, 6)], &[]),
        Command::DeleteFile | Command::GetMetadata | Command::QueryFileInfo => {
            let id = FileId::from_bytes(body)?;
            read(&id, &[(0, 16)], &[id.name])
        }
        Command::SetMetadata => {
            let head = head::<SetMetadataHead>(row)?;
            read(&head, &[(17, 16)], &[head.file.name])
        }
        Command::DownloadFile => {
            let request = DownloadFile::from_bytes(body)?;
            read(&request, &[(16, 16)], &[request.file.name])
        }
        Command::SyncCreateFile | Command::SyncUpdateFile if row.header.status != 0 => {
            let head = SyncFileHead::from_bytes(body)?;
            head.check_without_content(row.body_len())?;
            read(&head, &[(20, 16)], &[head.file.name])
        }
        Command::SyncCreateFile | Command::SyncUpdateFile => {
            let head = head::<SyncFileHead>(row)?;
            read(&head, &[(20, 16)], &[head.file.name])
        }
        Command::SyncDeleteFile => {
            let request = SyncDeleteFile::from_bytes(body)?;
            read(&request, &[(4, 16)], &[request.file.name])
        }
        Command::SyncCreateLink | Command::SyncRenameFile => {
            let request = SyncTwoNames::from_bytes(body)?;
            read(&request, &[(20, 16)], &[request.destination, request.source])
        }
        Command::CreateLink => {
            let request = CreateLink::from_bytes(body)?;
            let names = [request.source, request.master];
            read(&request, &[(24, 16), (40, 16), (56, 6)], if request.master.is_empty() { &names[..1] } else { &names })
        }
        Command::UploadSlaveFile => {
            let head = head::<UploadSlaveHead>(row)?;
            read(&head, &[(16, 16), (32, 6)], &[head.master])
        }
        Command::AppendFile => {
            let head = head::<AppendHead>(row)?;
            read(&head, &[], &[head.name])
        }
        Command::ModifyFile => {
            let head = head::<ModifyHead>(row)?;
            read(&head, &[], &[head.name])
        }
        Command::SyncAppendFile | Command::SyncModifyFile => {
            let head = head::<SyncWriteHead>(row)?;
            read(&head, &[(28, 16)], &[head.file.name])
        }
        Command::TruncateFile => {
            let request = TruncateFile::from_bytes(body)?;
            read(&request, &[], &[request.name])
        }
        Command::SyncTruncateFile => {
            let request = SyncTruncateFile::from_bytes(body)?;
            read(&request, &[(28, 16)], &[request.file.name])
        }
        Command::RegenerateAppenderFilename => {
            let request = RegenerateAppender::from_bytes(body)?;
            read(&request, &[], &[request.0])
        }
        Command::FetchOnePathBinlog => read(&FetchOnePathBinlog::from_bytes(body)?, &[(0, 16)], &[]),
        Command::TrunkAllocSpace => read(&TrunkAllocSpace::from_bytes(body)?, &[(0, 16)], &[]),
        Command::TrunkAllocConfirm | Command::TrunkFreeSpace => read(&TrunkBlock::from_bytes(body)?, &[(0, 16)], &[]),
        Command::TrunkSyncBinlog => {
            Read { encoded: TrunkSyncBinlog::from_bytes(body)?.lines.to_vec(), padded: &[], names: vec![] }
        }
        Command::TrunkGetBinlogSize
        | Command::TrunkDeleteBinlogMarks
        | Command::TrunkTruncateBinlogFile
        | Command::ActiveTest => read(&<()>::from_bytes(body)?, &[], &[]),
        _ => panic!("no checker for {command:?}: {row}"),
    })
}

/// The bytes with the garbage behind the NULs of padded fields wiped, and whether there was some.
fn wiped(bytes: &[u8], padded: &[(usize, usize)]) -> (Vec<u8>, bool) {
    let mut bytes = bytes.to_vec();
    let before = bytes.clone();
    for &(at, width) in padded {
        let field = &mut bytes[at..at + width];
        let end = field.iter().position(|&b| b == 0).unwrap_or(width);
        field[end..].fill(0);
    }
    let had_garbage = bytes != before;
    (bytes, had_garbage)
}

fn logic_names(names: &[FileName]) -> Result<Vec<LogicName>, String> {
    names.iter().map(|name| LogicName::parse(name).map_err(|e| e.to_string())).collect()
}

/// The name that a slave must get.
fn slave_of(row: &Row) -> Result<FileName, String> {
    let head = head::<UploadSlaveHead>(row).map_err(|e| e.to_string())?;
    let master = LogicName::parse(&head.master).map_err(|e| e.to_string())?;
    slave_name(&master, &head.prefix, &head.ext).map_err(|e| e.to_string())
}

#[test]
fn requests_read_and_write_back_or_are_refused_as_the_reference_does() {
    let (mut seen, mut with_garbage, mut for_trackers) = (0, 0, 0);
    let rows = rows();
    for row in &rows {
        if !row.is_for_storage() {
            for_trackers += 1;
            continue;
        }
        seen += 1;
        let command = Command::from_number(row.header.command).unwrap_or_else(|| panic!("no command: {row}"));
        let request = request(row, command);
        if is_refused_only_by_us(row) {
            assert!(request.is_err(), "{row}");
            continue;
        }
        let refused = row.status() == Some(Status::EINVAL.0);
        let fault = refused.then(|| fault(row));
        if fault == Some(Fault::Form) {
            assert!(request.is_err(), "{row}: refused by the reference, read by us");
            continue;
        }
        let request = request.unwrap_or_else(|e| panic!("{row}: {e}"));
        let (expected, had_garbage) = wiped(&row.body[..request.encoded.len()], request.padded);
        assert_eq!(request.encoded, expected, "{row}");
        with_garbage += u32::from(had_garbage);
        let names = logic_names(&request.names);
        if fault == Some(Fault::Name) {
            let is_refused = if command == Command::UploadSlaveFile { slave_of(row).is_err() } else { names.is_err() };
            assert!(is_refused, "{row}: refused by the reference, read by us");
        } else {
            assert!(names.is_ok(), "{row}: {names:?}");
        }
    }
    println!("{seen} of {} rows for storages", rows.len() - for_trackers);
    assert_eq!((seen, for_trackers), (512, 10));
    assert!(with_garbage > 10, "the recordings show C senders that do not wipe their fields");
}

#[test]
fn answers_read_and_write_back() {
    let mut seen = 0;
    let answered = |row: &&Row| row.is_for_storage() && row.status() == Some(0) && !is_refused_only_by_us(row);
    for row in rows().iter().filter(answered) {
        let command = Command::from_number(row.header.command).unwrap();
        check_answer(row, command);
        seen += 1;
    }
    println!("{seen} of {seen} successful rows");
    assert!(seen > 250, "{seen}");
}

fn check_answer(row: &Row, command: Command) {
    let body = &row.answer[..];
    match command {
        Command::UploadFile
        | Command::UploadAppenderFile
        | Command::UploadSlaveFile
        | Command::CreateLink
        | Command::RegenerateAppenderFilename => check_new_name(row, command),
        Command::QueryFileInfo => {
            let info = FileInfo::from_bytes(body).unwrap_or_else(|e| panic!("{row}: {e}"));
            let mut out = Vec::new();
            info.encode(&mut out, if body.len() == 40 { AddrSize::V4 } else { AddrSize::V6 });
            assert_eq!(out, wiped(body, &[(24, body.len() - 24)]).0, "{row}");
        }
        Command::TrunkAllocSpace => {
            let info = TrunkInfo::from_bytes(body).unwrap_or_else(|e| panic!("{row}: {e}"));
            let request = TrunkAllocSpace::from_bytes(&row.body).unwrap();
            assert_eq!(info.to_bytes(), body, "{row}");
            assert_eq!(info.store_path_index, request.store_path_index, "{row}");
            assert!(info.part.alloc_size >= request.size, "{row}");
        }
        Command::TrunkGetBinlogSize => {
            let size = TrunkBinlogSize::from_bytes(body).unwrap_or_else(|e| panic!("{row}: {e}"));
            assert_eq!(size.to_bytes(), body, "{row}");
        }
        Command::FetchOnePathBinlog => {
            assert_eq!(row.answer_header.unwrap().body_len, FetchOnePathBinlog::ANSWER_LEN as i64, "{row}");
            let trailer = row.bytes("trailer_hex").try_into().unwrap();
            // In one recording the storage closed right behind the header, which is how it says that it cannot go on.
            let text_len = u64::try_from(row.number("text_bytes"));
            let whole = text_len.map(|len| FetchOnePathBinlog::check_trailer(trailer, len));
            assert!(matches!(whole, Ok(Ok(())) | Err(_)), "{row}");
        }
        Command::DownloadFile => {
            let request = DownloadFile::from_bytes(&row.body).unwrap();
            let len = u64::try_from(row.answer_header.unwrap().body_len).unwrap();
            assert!(len > 0 && (request.wanted == 0 || len <= request.wanted), "{row}");
        }
        // The text itself is looked at by the metadata test.
        Command::GetMetadata => assert!(!body.is_empty(), "{row}"),
        // Differs from C: it echoes the request when nothing is to be done, and after every rename.
        Command::AppendFile | Command::ModifyFile | Command::TruncateFile | Command::SyncRenameFile => {
            assert!(body.is_empty() || body == row.body, "{row}");
        }
        _ => assert!(body.is_empty(), "{row}"),
    }
}

/// The answer to a request that made a file: its name must be one that this request can get.
fn check_new_name(row: &Row, command: Command) {
    let id = FileId::from_bytes(&row.answer).unwrap_or_else(|e| panic!("{row}: {e}"));
    assert_eq!(id.to_bytes(), wiped(&row.answer, &[(0, 16)]).0, "{row}");
    let name = id.logic_name().unwrap_or_else(|e| panic!("{row}: {e}"));
    let fields = name.fields().unwrap();
    match command {
        Command::UploadSlaveFile => assert_eq!(Ok(id.name), slave_of(row), "{row}"),
        Command::RegenerateAppenderFilename => {
            let old = LogicName::from_bytes(&row.body).unwrap();
            assert_eq!((old.kind(), name.kind()), (Kind::Appender, Kind::Regular), "{row}");
            assert_eq!(FormattedExt::of(&old), FormattedExt::of(&name), "{row}");
        }
        Command::CreateLink => {
            let request = CreateLink::from_bytes(&row.body).unwrap();
            if request.master.is_empty() {
                let source = LogicName::parse(&request.source).unwrap();
                assert_eq!(fields.size_word.size(), source.fields().unwrap().size_word.size(), "{row}");
                assert_eq!(FormattedExt::of(&name).unwrap().ext(), request.ext, "{row}");
            } else {
                let master = LogicName::parse(&request.master).unwrap();
                assert_eq!(slave_name(&master, &request.prefix, &request.ext), Ok(id.name), "{row}");
            }
        }
        _ => {
            let head = head::<UploadHead>(row).unwrap();
            let is_appender = command == Command::UploadAppenderFile;
            assert_eq!(name.kind() == Kind::Appender, is_appender, "{row}");
            assert_eq!(FormattedExt::of(&name).unwrap().ext(), head.ext, "{row}");
            assert_eq!(fields.size_word.size(), if is_appender { 0 } else { head.file_size }, "{row}");
            let content = &row.body[UploadHead::FIXED_LEN..];
            if content.len() as u64 == head.file_size {
                assert_eq!(fields.crc32, crc32fast::hash(content), "{row}");
            }
        }
    }
}
