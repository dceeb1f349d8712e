//! `fdfs_test CONFIG OPERATION GROUP NAME ...` and `fdfs_test1 CONFIG OPERATION FILE_ID ...`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use fdfs_client::{ClientError, DownloadOptions, FetchTarget, FileId, MetaMode, Metadata};
use fdfs_proto::Status;

use super::{Naming, Way, banner, fails, open, told, upload};
use crate::classic::called_as;
use crate::files::classic_client::{ClassicClient, failure, file_id, texts, usage};
use crate::out;

/// The program. `args` come without the program's name.
pub(super) fn main(args: &[OsString], naming: Naming) -> ExitCode {
    banner();
    let words = texts(args);
    let [conf, operation, ..] = words.as_slice() else {
        let operations = "upload, download, getmeta, setmeta, delete and query_servers";
        return usage(&format!("Usage: {} <config_file> <operation>\n\toperation: {operations}", called_as()));
    };
    let run = || {
        let classic = open(conf)?;
        let call = Call { classic: &classic, naming, operation, args, words: &words };
        match operation.as_str() {
            "upload" => call.upload(),
            "download" => call.download(),
            "getmeta" => call.metadata(),
            "setmeta" => call.set_metadata(),
            "delete" => call.delete(),
            "query_servers" => call.servers(),
            other => {
                out::line(&format!("invalid operation: {other}"));
                Err(ExitCode::from(Status::EINVAL.0))
            }
        }
    };
    // Also when an operation failed: scripts know it so (W-38).
    run().map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

/// One operation and its arguments.
struct Call<'a> {
    classic: &'a ClassicClient,
    naming: Naming,
    operation: &'a str,
    args: &'a [OsString],
    words: &'a [String],
}

/// What became of it; the exit code of one that ends the program.
type Outcome = Result<(), ExitCode>;

impl Call<'_> {
    /// Where the arguments behind the file begin.
    const fn rest_at(&self) -> usize {
        match self.naming {
            Naming::Apart => 4,
            Naming::Id => 3,
        }
    }

    /// The usage of the operation; its arguments after the file.
    fn usage(&self, rest: &str) -> ExitCode {
        let file = match self.naming {
            Naming::Apart => "<group_name> <remote_filename>",
            Naming::Id => "<file_id>",
        };
        out::line(&format!("Usage: {} <config_file> {} {file}{rest}", called_as(), self.operation));
        ExitCode::from(Status::EINVAL.0)
    }

    fn file(&self) -> Result<FileId, ExitCode> {
        self.file_for("fetch")
    }

    fn file_for(&self, question: &str) -> Result<FileId, ExitCode> {
        let text = match (self.naming, &self.words[2..]) {
            (Naming::Apart, [group, name, ..]) => format!("{group}/{name}"),
            (Naming::Id, [id, ..]) => id.clone(),
            _ => return Err(self.usage("")),
        };
        file_id(&text).map_err(|status| {
            out::line(&self.query_failure(question, &text, status));
            ExitCode::from(status.0)
        })
    }

    /// `question`: what the tracker was asked for, as the library's function is called.
    fn query_failure(&self, question: &str, id: &str, status: Status) -> String {
        let which = match (self.naming, id.split_once('/')) {
            (Naming::Apart, Some((group, name))) => format!("group_name={group}, filename={name}"),
            _ => format!("file_id={id}"),
        };
        let (number, info) = (status.0, status.text());
        format!("tracker_query_storage_{question} fail, {which}, error no: {number}, error info: {info}")
    }

    /// Asks a tracker for the storage and shows it.
    fn show_storage(&self, id: &FileId, found: Result<FetchTarget, ClientError>) -> Outcome {
        match found {
            Ok(FetchTarget { server, .. }) => {
                out::line(&format!("storage={}:{}", server.ip, server.port));
                Ok(())
            }
            Err(error) => {
                let status = told(&error);
                out::line(&self.query_failure("fetch", &id.to_string(), status));
                Err(ExitCode::from(status.0))
            }
        }
    }

    /// The file, and the storage for a change shown.
    fn file_for_update(&self) -> Result<FileId, ExitCode> {
        let id = self.file()?;
        self.show_storage(&id, self.classic.runtime.block_on(self.classic.client.query_update(&id)))?;
        Ok(id)
    }

    fn upload(&self) -> Outcome {
        let [_, _, local, rest @ ..] = self.args else {
            let line =
                format!("Usage: {} <config_file> upload <local_filename> [FILE | BUFF | CALLBACK] ", called_as());
            out::line(&line);
            return Err(ExitCode::from(Status::EINVAL.0));
        };
        upload::run(self.classic, local, Way::of(rest.first()), self.naming)
    }

    fn download(&self) -> Outcome {
        let id = self.file()?;
        self.show_storage(&id, self.classic.runtime.block_on(self.classic.client.query_fetch(&id)))?;
        let name = id.name.as_str();
        let local = self.args.get(self.rest_at()).map(PathBuf::from);
        let local = local.unwrap_or_else(|| PathBuf::from(name.rsplit('/').next().unwrap_or(name)));
        // An id can be that of a link, with a random number in the place of the CRC-32: the reference does not check.
        let options = DownloadOptions::new().verify_crc32(false);
        match self.classic.runtime.block_on(self.classic.client.download_to(&id, &local, &options)) {
            Ok(size) => {
                let local = local.display();
                out::line(&format!("download file success, file size={size}, file save to {local}"));
            }
            Err(error) => drop(fails("download file", &error)),
        }
        Ok(())
    }

    fn metadata(&self) -> Outcome {
        let id = self.file_for_update()?;
        match self.classic.runtime.block_on(self.classic.client.metadata(&id)) {
            Ok(metadata) => {
                out::line(&format!("get meta data success, meta count={}", metadata.len()));
                out::print(&metadata.texts().map(|(name, value)| format!("{name}={value}\n")).collect::<String>());
            }
            Err(error) => drop(fails("getmeta", &error)),
        }
        Ok(())
    }

    fn set_metadata(&self) -> Outcome {
        let id = self.file_for_update()?;
        let (mode, list) = match self.words.get(self.rest_at()..) {
            // The first character counts.
            Some([flag, list, ..]) if flag.starts_with('O') => (MetaMode::Overwrite, list),
            Some([flag, list, ..]) if flag.starts_with('M') => (MetaMode::Merge, list),
            Some([_, _, ..]) => {
                out::line(&failure("setmeta", Status::EINVAL));
                return Ok(());
            }
            _ => {
                return Err(self.usage(
                    " <op_flag> <metadata_list>\n\top_flag: O for overwrite, M for merge\n\
                     \tmetadata_list: name1=value1,name2=value2,...",
                ));
            }
        };
        let metadata: Metadata = list.split(',').filter_map(|record| record.split_once('=')).collect();
        match self.classic.runtime.block_on(self.classic.client.set_metadata(&id, &metadata, mode)) {
            Ok(()) => out::line("set meta data success"),
            Err(error) => drop(fails("setmeta", &error)),
        }
        Ok(())
    }

    fn delete(&self) -> Outcome {
        let id = self.file_for_update()?;
        match self.classic.runtime.block_on(self.classic.client.delete(&id)) {
            Ok(()) => out::line("delete file success"),
            Err(error) => drop(fails("delete file", &error)),
        }
        Ok(())
    }

    fn servers(&self) -> Outcome {
        let question = if self.naming == Naming::Id { "list1" } else { "list" };
        let id = self.file_for(question)?;
        match self.classic.runtime.block_on(self.classic.client.query_fetch_all(&id)) {
            Ok(found) => {
                let lines: String =
                    found.servers.iter().map(|server| format!("\t{}:{}\n", server.ip, server.port)).collect();
                out::line(&format!("server list ({}):\n{lines}", found.servers.len()));
                Ok(())
            }
            Err(error) => {
                let status = told(&error);
                out::line(&self.query_failure(question, &id.to_string(), status));
                Err(ExitCode::from(status.0))
            }
        }
    }
}
