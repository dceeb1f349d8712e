//! `fdfs info ID...`: what is known of files.

use anyhow::Context as _;
use fdfs_client::{FileId, FileInfo, InfoFlags, Kind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::connect::Connect;
use crate::out;

/// What `fdfs info` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs info group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt
  fdfs info $id --json | jq .size_bytes
  fdfs info $id --local          says what the id says, and asks nobody

Exit code 2: a file is not there.")]
pub(crate) struct Args {
    /// Ids of files
    #[arg(required = true, value_name = "ID")]
    files: Vec<FileId>,
    /// Tell what the id tells and ask no storage, where that is possible: whether the file exists is not known then
    #[arg(long)]
    local: bool,
    /// Do not let the storage compute the CRC-32 of appender and slave files, for which it reads them
    #[arg(long)]
    no_crc: bool,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object for each file
    #[arg(long)]
    json: bool,
}

/// Shows all files.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let flags = InfoFlags { without_crc: args.no_crc, silent: true };
    for (index, id) in args.files.iter().enumerate() {
        let asked = match args.local {
            true => client.file_info_with(id, flags).await,
            false => client.file_info_from_server(id, flags).await,
        };
        let info = asked.with_context(|| id.to_string())?;
        if args.json {
            out::line(&to_json(id, &info).to_string());
        } else {
            let between = if index > 0 { "\n" } else { "" };
            out::print(&format!("{between}{}", to_text(id, &info, &TimeZone::system())));
        }
    }
    Ok(())
}

/// The word for a kind of file.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Regular => "regular",
        Kind::Appender => "appender",
        Kind::Slave => "slave",
        Kind::Trunk => "regular, in a trunk file",
    }
}

/// When the name was made, unix seconds.
fn named_at(id: &FileId) -> Option<i64> {
    id.logic_name().ok()?.fields().map(|fields| i64::from(fields.created))
}

fn to_text(id: &FileId, info: &FileInfo, zone: &TimeZone) -> String {
    let mut text = format!("id:       {id}\nkind:     {}\nsize:     {} bytes\n", word(info.kind), info.size_bytes);
    let time = |secs: i64| match Timestamp::from_second(secs) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => format!("{secs} s after 1970"),
    };
    let mut line = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{label:<9} {value}\n"));
        }
    };
    line("crc32:", info.crc32.map(|crc32| format!("{crc32:08x}")));
    line("named:", named_at(id).map(time));
    line("changed:", info.from_server.then(|| time(info.created_unix_secs)));
    line("source:", source(info));
    text
}

/// The storage it was uploaded to.
fn source(info: &FileInfo) -> Option<String> {
    let (id, ip) = (info.source.map(|source| source.to_string()), info.source_ip.map(|ip| ip.to_string()));
    match (id, ip) {
        (Some(id), Some(ip)) if id != ip => Some(format!("{id} ({ip})")),
        (id, ip) => id.or(ip),
    }
}

fn to_json(id: &FileId, info: &FileInfo) -> serde_json::Value {
    json!({
        "id": id.to_string(),
        "kind": match info.kind {
            Kind::Regular => "regular",
            Kind::Appender => "appender",
            Kind::Slave => "slave",
            Kind::Trunk => "trunk",
        },
        "size_bytes": info.size_bytes,
        "crc32": info.crc32.map(|crc32| format!("{crc32:08x}")),
        "named_unix_secs": named_at(id),
        "changed_unix_secs": info.from_server.then_some(info.created_unix_secs),
        "source": info.source.map(|source| source.to_string()),
        "source_ip": info.source_ip.map(|ip| ip.to_string()),
        "from_server": info.from_server,
    })
}
