//! The operation `upload`: a file with metadata, and a slave of it.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_client::{FileId, InfoFlags, Metadata, SlaveOptions, SlavePrefix, StoreTarget, UploadOptions};

use super::{Naming, Way, fails, info_lines, told, url};
use crate::files::classic_client::ClassicClient;
use crate::out;

/// The group whose storages `fdfs_test1` lists.
const LISTED_GROUP: &str = "group1";

/// Uploads a file and a slave of it, and tells of both.
///
/// # Errors
/// The exit code.
pub(super) fn run(classic: &ClassicClient, local: &OsString, way: Way, naming: Naming) -> Result<(), ExitCode> {
    list_storages(classic, naming);
    let target = match classic.runtime.block_on(classic.client.query_store(None)) {
        Ok(target) => target,
        Err(error) => return Err(fails("tracker_query_storage", &error)),
    };
    let StoreTarget { group, server, store_path_index } = target;
    out::line(&format!("group_name={group}, ip_addr={}, port={}", server.ip, server.port));
    let Ok(ip) = server.ip.as_str().parse::<std::net::IpAddr>() else { return Err(ExitCode::from(22)) };

    let metadata =
        Metadata::new().with("ext_name", "jpg").with("width", "160").with("height", "80").with("file_size", "115120");
    let options =
        UploadOptions::new().storage((ip, server.port).into()).store_path_index(store_path_index).metadata(metadata);
    let uploaded = classic.runtime.block_on(classic.client.upload_file(local, &options));
    out::line(&format!("storage_upload_by_{}", way.function()));
    let file = uploaded.map_err(|error| fails("upload file", &error))?;
    tell(classic, &ip.to_string(), &file, naming);

    let options = SlaveOptions::new();
    let slave = classic.client.upload_slave_file(&file, prefix(way, naming)?, local, &options);
    let slave = classic.runtime.block_on(slave).map_err(|error| fails("upload slave file", &error))?;
    out::line(&format!("storage_upload_slave_by_{}", way.function()));
    tell(classic, &ip.to_string(), &slave, naming);
    Ok(())
}

fn prefix(way: Way, naming: Naming) -> Result<SlavePrefix, ExitCode> {
    let prefix = match (way, naming) {
        (Way::File, _) => "_big",
        (Way::Buffer, _) => "1024x1024",
        (Way::Callback, Naming::Apart) => "-small",
        (Way::Callback, Naming::Id) => "_small",
    };
    prefix.parse().map_err(|_| ExitCode::from(22))
}

/// The storages that could take the file. `fdfs_test` shows no group: the reference does not fill it in.
fn list_storages(classic: &ClassicClient, naming: Naming) {
    let (asked, what) = match naming {
        Naming::Apart => (None, "without_group"),
        Naming::Id => (LISTED_GROUP.parse().ok(), "with_group"),
    };
    match classic.runtime.block_on(classic.client.query_store_all(asked)) {
        Ok(targets) => {
            let group = asked.map(|group| group.to_string()).unwrap_or_default();
            let mut lines = format!("tracker_query_storage_store_list_{what}: \n");
            for (index, server) in targets.servers.iter().enumerate() {
                let (number, ip, port) = (index + 1, server.ip, server.port);
                lines.push_str(&format!("\tserver {number}. group_name={group}, ip_addr={ip}, port={port}\n"));
            }
            out::line(&lines);
        }
        Err(error) => drop(told(&error)),
    }
}

fn tell(classic: &ClassicClient, ip: &str, file: &FileId, naming: Naming) {
    if naming == Naming::Apart {
        out::line(&format!("group_name={}, remote_filename={}", file.group, file.name));
    }
    match classic.runtime.block_on(classic.client.file_info_with(file, InfoFlags::default())) {
        Ok(info) => out::print(&info_lines(&info, true)),
        Err(error) => drop(told(&error)),
    }
    out::line(&format!("example file url: {}", url(classic, ip, file)));
}
