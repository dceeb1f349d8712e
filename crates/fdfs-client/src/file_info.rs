//! What is known of a file: from its id alone where that says it, else from a storage.

use std::net::IpAddr;

use fdfs_proto::cmd::storage::{FileInfo as StorageAnswer, InfoFlags};
use fdfs_proto::file_id::{FileId, Kind, NameError, Source};
use fdfs_proto::{Command, Wire};

use crate::calls::Ask;
use crate::check::is_surely_no_slave;
use crate::target::Target;
use crate::{Client, ClientError};

/// The longest answer, in bytes.
const ANSWER_MAX: usize = 70;
/// The least length of a name (with its store path) that the reference's library looks at.
const NAME_LEN_MIN: usize = 44;

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// What kind of file its name tells of.
    pub kind: Kind,
    /// The storage it was uploaded to, by address or id, as its name says it. `None`: the name does not say it.
    pub source: Option<Source>,
    /// That storage's address. `None`: unknown.
    pub source_ip: Option<IpAddr>,
    /// When it was made, unix seconds; from a storage: when it was last changed.
    pub created_unix_secs: i64,
    /// Bytes of content.
    pub size_bytes: u64,
    /// CRC-32 of the content. `None`: a storage was asked not to compute it.
    pub crc32: Option<u32>,
    /// Whether a storage was asked; else the id said it all, and nobody knows whether the file exists.
    pub from_server: bool,
}

impl Client {
    /// What is known of a file. For regular files the id says it, and nobody is asked: whether the file exists is then
    /// not known ([`Client::exists`]). For appender and slave files, and ids that hold a storage id whose address is
    /// not known, a storage is asked.
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client) -> Result<(), fdfs_client::ClientError> {
    /// let info = client.file_info(&"group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse()?).await?;
    /// assert_eq!((info.size_bytes, info.crc32, info.from_server), (11, Some(0x0d4a_1185), false));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::BadFileId`]; and as [`Client::file_info_from_server`].
    pub async fn file_info(&self, file: &FileId) -> Result<FileInfo, ClientError> {
        self.file_info_with(file, InfoFlags::default()).await
    }

    /// [`Client::file_info`] with flags for the case that a storage is asked.
    ///
    /// # Errors
    /// As [`Client::file_info`].
    pub async fn file_info_with(&self, file: &FileId, flags: InfoFlags) -> Result<FileInfo, ClientError> {
        let name = file.logic_name()?;
        let len = name.len_with_store_path();
        if len < NAME_LEN_MIN {
            return Err(NameError::TooShort { len, min: NAME_LEN_MIN }.into());
        }
        // Differs from C: a slave whose name has the length of a regular one is asked for; C tells its master's facts.
        let said = name.fields().filter(|_| name.kind().is_normal() && is_surely_no_slave(&name));
        let Some(fields) = said else { return self.file_info_from_server(file, flags).await };
        let source_ip = match fields.source {
            Source::Ip(ip) => Some(IpAddr::V4(ip)),
            Source::Id(id) => self.storage_ip(id).await,
        };
        if source_ip.is_none() {
            return self.file_info_from_server(file, flags).await;
        }
        Ok(FileInfo {
            kind: name.kind(),
            source: Some(fields.source),
            source_ip,
            created_unix_secs: i64::from(fields.created),
            size_bytes: fields.size_word.size(),
            crc32: Some(fields.crc32),
            from_server: false,
        })
    }

    /// What a storage knows of a file (22).
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] when it is missing; and what asking trackers and storages can give.
    pub async fn file_info_from_server(&self, file: &FileId, flags: InfoFlags) -> Result<FileInfo, ClientError> {
        self.file_info_at(file, Command::QueryFetchOne, flags).await
    }

    /// What the storage knows that the tracker names when it is asked `first`.
    pub(crate) async fn file_info_at(
        &self,
        file: &FileId,
        first: Command,
        flags: InfoFlags,
    ) -> Result<FileInfo, ClientError> {
        let doing = "ask for file information";
        let (command, body) = (Command::QueryFileInfo, file.to_bytes());
        let ask = Ask { doing, command, status: flags.byte(), body: &body, max_answer: ANSWER_MAX };
        let (body, target) = self.read_call(file, first, &ask).await?;
        read(doing, file, target, flags, &body)
    }
}

/// What a storage answers about a file.
pub(crate) fn read(
    doing: &'static str,
    file: &FileId,
    target: Target,
    flags: InfoFlags,
    body: &[u8],
) -> Result<FileInfo, ClientError> {
    let bad = |reason| ClientError::BadAnswer { doing, server: target.addr, reason };
    let answer = StorageAnswer::from_bytes(body).map_err(bad)?;
    let name = file.logic_name().ok();
    let not_computed = flags.without_crc && answer.crc32 == 0;
    Ok(FileInfo {
        kind: name.map_or(Kind::Regular, |name| name.kind()),
        source: name.and_then(|name| name.fields()).map(|fields| fields.source),
        source_ip: answer.source.as_str().parse().ok(),
        created_unix_secs: answer.mtime,
        size_bytes: answer.file_size,
        crc32: (!not_computed).then_some(answer.crc32),
        from_server: true,
    })
}
