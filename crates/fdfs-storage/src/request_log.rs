//! What a served request leaves behind: counters, and a line in the access log.

use std::time::{Duration, Instant};

use fdfs_log::TimePrecision;
use fdfs_proto::cmd::storage::{ContentHead, UploadHead};
use fdfs_proto::{Command, HEADER_LEN, Status};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::now_unix_secs;
use crate::storage::Storage;

/// What the access log calls a command; other commands have no line. Source: disk formats, D.3.
const fn action(command: Command) -> Option<&'static str> {
    Some(match command {
        Command::UploadFile | Command::UploadAppenderFile | Command::UploadSlaveFile => "upload",
        Command::DownloadFile => "download",
        Command::DeleteFile => "delete",
        Command::GetMetadata => "get_metadata",
        Command::SetMetadata => "set_metadata",
        Command::AppendFile => "append",
        Command::ModifyFile => "modify",
        Command::TruncateFile => "truncate",
        Command::QueryFileInfo => "status",
        Command::RegenerateAppenderFilename => "rename",
        _ => return None,
    })
}

/// Bytes of the answer's body.
fn answer_len(exchange: &Exchange<'_>, result: &Result<Reply, RequestError>) -> u64 {
    match result {
        Ok(Reply::Body) => exchange.answer.len() as u64,
        Ok(Reply::File { len, .. }) => *len,
        Ok(Reply::Empty | Reply::Status(_) | Reply::End) | Err(_) => 0,
    }
}

impl Storage {
    /// Counts a request.
    pub(crate) fn count(&self, command: Command, exchange: &Exchange<'_>, result: &Result<Reply, RequestError>) {
        let is_ok = result.is_ok();
        let stats = &self.stats;
        match command {
            Command::UploadFile | Command::UploadAppenderFile | Command::UploadSlaveFile => {
                stats.upload_count.count(1, is_ok);
                let content_len = match command {
                    Command::UploadSlaveFile => exchange.content_len,
                    _ => exchange.body_len().saturating_sub(UploadHead::FIXED_LEN as u64),
                };
                stats.upload_bytes.count(content_len, is_ok);
                stats.file_open_count.count(1, is_ok);
                stats.file_write_count.count(1, is_ok);
            }
            Command::AppendFile => {
                stats.append_count.count(1, is_ok);
                stats.append_bytes.count(exchange.content_len, is_ok);
                stats.file_open_count.count(1, is_ok);
                stats.file_write_count.count(1, is_ok);
            }
            Command::ModifyFile => {
                stats.modify_count.count(1, is_ok);
                stats.modify_bytes.count(exchange.content_len, is_ok);
                stats.file_open_count.count(1, is_ok);
                stats.file_write_count.count(1, is_ok);
            }
            Command::TruncateFile => stats.truncate_count.count(1, is_ok),
            Command::CreateLink => stats.create_link_count.count(1, is_ok),
            Command::DownloadFile => {
                stats.download_count.count(1, is_ok);
                stats.download_bytes.count(answer_len(exchange, result), is_ok);
                stats.file_open_count.count(1, is_ok);
                stats.file_read_count.count(1, is_ok);
            }
            Command::DeleteFile => stats.delete_count.count(1, is_ok),
            Command::SetMetadata => stats.set_meta_count.count(1, is_ok),
            Command::GetMetadata => stats.get_meta_count.count(1, is_ok),
            Command::RegenerateAppenderFilename => {}
            _ => return,
        }
        let is_change = !matches!(command, Command::DownloadFile | Command::GetMetadata);
        if is_ok && is_change {
            stats.source_update(now_unix_secs());
        }
        stats.touch();
    }

    /// Writes the line of a request.
    pub(crate) fn log_access(
        &self,
        command: Command,
        exchange: &Exchange<'_>,
        result: &Result<Reply, RequestError>,
        started: Instant,
    ) {
        let (Some(log), Some(action)) = (&self.access_log, action(command)) else { return };
        let used = started.elapsed();
        let now = fdfs_log::Timestamp::now();
        let at = now.checked_sub(jiff_duration(used)).unwrap_or(now);
        let used = match log.precision() {
            TimePrecision::Ms => used.as_millis(),
            TimePrecision::Us => used.as_micros(),
        };
        let status = result.as_ref().err().map_or(Status::OK, RequestError::status);
        let header = HEADER_LEN as u64;
        let (asked, answered) = (header + exchange.body_len(), header + answer_len(exchange, result));
        let client = exchange.peer().ip();
        let name = exchange.log_name.as_ref().map_or("-", |name| name.as_str());
        log.write(at, &format!("{client} {action} {name} {} {used} {asked} {answered}", status.0));
    }
}

fn jiff_duration(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::ZERO)
}
