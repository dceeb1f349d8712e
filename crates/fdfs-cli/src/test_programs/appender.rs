//! `fdfs_appender_test CONFIG LOCAL_FILE [FILE|BUFF|CALLBACK]` and `fdfs_appender_test1`: uploads an appender file,
//! truncates it, appends the local file to it and writes it once more at the end.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::{FileId, InfoFlags, Progress, StoreTarget, UploadOptions};

use super::{Naming, Way, banner, fails, info_lines, open, told, url};
use crate::classic::called_as;
use crate::files::classic_client::{ClassicClient, texts, usage};
use crate::out;

/// The program. `args` come without the program's name.
pub(super) fn main(args: &[OsString], naming: Naming) -> ExitCode {
    banner();
    let words = texts(args);
    let [conf, _, ..] = words.as_slice() else {
        let program = called_as();
        return usage(&format!("Usage: {program} <config_file> <local_filename> [FILE | BUFF | CALLBACK]"));
    };
    let run = || {
        let classic = open(conf)?;
        Test { classic: &classic, naming, way: Way::of(args.get(2)) }.run(&args[1])
    };
    run().map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

struct Test<'a> {
    classic: &'a ClassicClient,
    naming: Naming,
    way: Way,
}

impl Test<'_> {
    fn run(&self, local: &OsString) -> Result<(), ExitCode> {
        let (client, runtime, nothing) = (&self.classic.client, &self.classic.runtime, Progress::default());
        let target = runtime.block_on(client.query_store(None));
        let StoreTarget { group, server, store_path_index } =
            target.map_err(|error| fails("tracker_query_storage", &error))?;
        out::line(&format!("group_name={group}, ip_addr={}, port={}", server.ip, server.port));
        let Ok(ip) = server.ip.as_str().parse::<std::net::IpAddr>() else { return Err(ExitCode::from(22)) };

        let options = UploadOptions::new().storage((ip, server.port).into());
        let options = options.store_path_index(store_path_index).appender(true);
        let uploaded = runtime.block_on(client.upload_file(local, &options));
        let (function, one) = (self.way.function(), if self.naming == Naming::Id { "1" } else { "" });
        out::line(&format!("storage_upload_appender_by_{function}{one}"));
        let file = uploaded.map_err(|error| fails("upload file", &error))?;
        match self.naming {
            Naming::Apart => out::line(&format!("group_name={}, remote_filename={}", file.group, file.name)),
            // Spelt so by the reference.
            Naming::Id => out::line(&format!("fild_id={file}")),
        }
        let size = self.tell(&file, None)?;
        self.tell_url(&file);

        let half = if self.naming == Naming::Id { 0 } else { size / 2 };
        runtime.block_on(client.truncate(&file, half)).map_err(|error| fails("truncate file", &error))?;
        self.tell(&file, Some((half, true)))?;
        self.tell_url(&file);

        // The reference calls the functions for file ids in two of three ways only.
        let one = if self.way == Way::File { "" } else { one };
        let appended = runtime.block_on(client.append_file(&file, local, &nothing));
        appended.map_err(|error| fails("append file", &error))?;
        out::line(&format!("storage_append_by_{function}{one}\nappend file successfully."));
        self.tell(&file, Some((half + size, false)))?;

        let modified = runtime.block_on(client.modify_file(&file, half + size, local, &nothing));
        modified.map_err(|error| fails("modify file", &error))?;
        out::line(&format!("storage_modify_by_{function}{one}\nmodify file successfully."));
        self.tell(&file, Some((half + 2 * size, false)))?;
        Ok(())
    }

    /// Tells of the file and gives its size; `expected`: that size, and whether the CRC-32 is told, too.
    fn tell(&self, file: &FileId, expected: Option<(u64, bool)>) -> Result<u64, ExitCode> {
        let asked = self.classic.runtime.block_on(self.classic.client.file_info_with(file, InfoFlags::default()));
        let info = asked.map_err(|error| ExitCode::from(told(&error).0))?;
        out::print(&info_lines(&info, expected.is_none_or(|(_, with_crc32)| with_crc32)));
        if let Some((size, _)) = expected
            && info.size_bytes != size
        {
            eprintln!("file size: {} != {size}!!!", info.size_bytes);
        }
        Ok(info.size_bytes)
    }

    /// With the tracker's address, as the reference has it.
    fn tell_url(&self, file: &FileId) {
        let tracker = self.classic.client.trackers().into_iter().next();
        let addrs = tracker.and_then(|tracker| self.classic.runtime.block_on(tracker.addrs()).ok());
        let host = addrs.and_then(|addrs| addrs.first().map(|addr| addr.ip().to_string())).unwrap_or_default();
        out::line(&format!("file url: {}", url(self.classic, &host, file)));
    }
}
