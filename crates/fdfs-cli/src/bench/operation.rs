//! The exchange with a storage for one operation.

use fdfs_proto::cmd::storage::{DownloadFile, UploadHead};
use fdfs_proto::file_id::{Fields, FileId};
use fdfs_proto::{Command, ExtName, Wire};

use super::content::Pool;
use super::failure::{Failure, Mismatch, Server};
use super::ids::StoredFile;
use super::link::Link;
use super::routes::{put_request, put_request_of};

/// So much of a content is put behind the request, so that small files are sent with one call; the rest is sent from
/// where it lies.
const COPY_BYTES: u64 = 64 << 10;
/// The extension of all files.
const EXT: &str = "bin";

/// A file to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewFile {
    /// Its content follows from it.
    pub(crate) number: u64,
    /// How long it is.
    pub(crate) size_bytes: u64,
    /// The store path; `None` lets the storage choose.
    pub(crate) store_path: Option<u8>,
    /// Size and CRC-32 in the id are compared.
    pub(crate) verify: bool,
}

const SERVER: Server = Server::Storage;

fn net(source: fdfs_net::NetError) -> Failure {
    Failure::Net { server: SERVER, source }
}

/// Uploads a file. `request` is a buffer.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn upload(
    link: &mut Link,
    new: &NewFile,
    pool: &Pool,
    request: &mut Vec<u8>,
) -> Result<FileId, Failure> {
    let peer = link.peer();
    let wrong = |source| Failure::Wrong { server: SERVER, peer, source };
    let ext = ExtName::new(EXT.as_bytes()).unwrap_or_default();
    let head = UploadHead { store_path: new.store_path, file_size: new.size_bytes, ext };
    request.clear();
    put_request_of(request, Command::UploadFile, &head, new.size_bytes);
    let mut sent = new.size_bytes.min(COPY_BYTES);
    pool.append_first(new.number, sent, request);
    link.send(request).await.map_err(net)?;
    while sent < new.size_bytes {
        let piece = pool.piece(new.number, sent, new.size_bytes - sent);
        link.send(piece).await.map_err(net)?;
        sent += piece.len() as u64;
    }
    let answer = link.answer_head().await.map_err(net)?;
    let body = link.small_body(answer.len).await.map_err(net)?;
    if !answer.status.is_ok() {
        return Err(Failure::Refused { server: SERVER, peer, status: answer.status });
    }
    let id = FileId::from_bytes(body).map_err(|error| wrong(error.into()))?;
    if new.verify {
        let Some(fields) = fields_of(&id).map_err(|error| wrong(error.into()))? else { return Ok(id) };
        check_size(&id, fields.size_word.size(), new.size_bytes).map_err(wrong)?;
        check_crc(&id, pool.crc32(new.number, new.size_bytes), fields.crc32).map_err(wrong)?;
    }
    Ok(id)
}

/// Downloads a file and throws its content away; with a pool it is compared: with the id, and with what was uploaded,
/// where that is known.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn download(
    link: &mut Link,
    file: &StoredFile,
    check: Option<&Pool>,
    request: &mut Vec<u8>,
) -> Result<u64, Failure> {
    let peer = link.peer();
    let wrong = |source| Failure::Wrong { server: SERVER, peer, source };
    let body = DownloadFile { offset: 0, wanted: 0, file: file.id };
    request.clear();
    put_request(request, Command::DownloadFile, &body);
    link.send(request).await.map_err(net)?;
    let answer = link.answer_head().await.map_err(net)?;
    if !answer.status.is_ok() {
        link.small_body(answer.len).await.map_err(net)?;
        return Err(Failure::Refused { server: SERVER, peer, status: answer.status });
    }
    let mut crc = crc32fast::Hasher::new();
    let mut mismatch = None;
    let mut offset = 0;
    while offset < answer.len {
        let piece = link.content(answer.len - offset).await.map_err(net)?;
        if let Some(pool) = check {
            crc.update(piece);
            let is_right = file.number.is_none_or(|number| pool.matches(number, offset, piece));
            if !is_right && mismatch.is_none() {
                mismatch = Some(Mismatch::Bytes { file: file.id.to_string(), offset, len: piece.len() });
            }
        }
        offset += piece.len() as u64;
    }
    // What an id does not tell, and one that is none, is left to the storage. The length costs nothing to compare.
    let fields = fields_of(&file.id).ok().flatten();
    if let Some(fields) = fields {
        check_size(&file.id, answer.len, fields.size_word.size()).map_err(wrong)?;
    }
    if let Some(mismatch) = mismatch {
        return Err(wrong(mismatch));
    }
    if let Some(fields) = fields.filter(|_| check.is_some()) {
        check_crc(&file.id, crc.finalize(), fields.crc32).map_err(wrong)?;
    }
    Ok(answer.len)
}

/// Deletes a file.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn delete(link: &mut Link, id: &FileId, request: &mut Vec<u8>) -> Result<(), Failure> {
    request.clear();
    put_request(request, Command::DeleteFile, id);
    link.send(request).await.map_err(net)?;
    let answer = link.answer_head().await.map_err(net)?;
    // The answer has no body; one that comes all the same is no reason to fail.
    link.small_body(answer.len).await.map_err(net)?;
    match answer.status.is_ok() {
        true => Ok(()),
        false => Err(Failure::Refused { server: SERVER, peer: link.peer(), status: answer.status }),
    }
}

/// What the id of a file tells of its content; `None` for files that can change, and for slaves.
fn fields_of(id: &FileId) -> Result<Option<Fields>, fdfs_proto::file_id::NameError> {
    let name = id.logic_name()?;
    Ok(name.fields().filter(|_| name.kind().is_normal()))
}

fn check_size(id: &FileId, is_bytes: u64, wanted_bytes: u64) -> Result<(), Mismatch> {
    match is_bytes == wanted_bytes {
        true => Ok(()),
        false => Err(Mismatch::Size { file: id.to_string(), is_bytes, wanted_bytes }),
    }
}

fn check_crc(id: &FileId, content: u32, in_id: u32) -> Result<(), Mismatch> {
    match content == in_id {
        true => Ok(()),
        false => Err(Mismatch::Crc { file: id.to_string(), content, id: in_id }),
    }
}
