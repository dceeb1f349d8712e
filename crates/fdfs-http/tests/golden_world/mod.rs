//! The hosts of the records: their files and their configurations.

use std::net::IpAddr;
use std::sync::Arc;

use fdfs_conf::{MimeTypes, ResponseMode};
use fdfs_http::h1::head::Head;
use fdfs_http::h1::send;
use fdfs_http::handle::handle;
use fdfs_http::pure::access::{Access, Policies};
use fdfs_http::pure::answer::Body;
use fdfs_http::pure::date;
use fdfs_http::pure::request::Request;
use fdfs_http::pure::settings::{FailFile, Settings, TokenCheck};
use fdfs_http::pure::target::UrlForm;
use fdfs_http::site::{Absent, Cluster, Site};
use fdfs_http::source::{Found, Source};
use fdfs_proto::file_id::{FileId, Kind, LogicName, Source as Uploader};
use fdfs_proto::md5::{Md5, hex};

use crate::golden_record::Exchange;

/// The picture was not recorded, only its sum.
pub(crate) const FAIL_PICTURE_MD5: &str = "2a5af127e0e1188e73012cd5cc69d0f4";
const FAIL_PICTURE_BYTES: usize = 23981;
/// When most of it was recorded.
const NOW: u64 = 1_795_166_736;
const LINE: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-\n";
const FLV: &[u8] = &[0x46, 0x4C, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];

/// Files whose ids do not tell their size: appender files, slaves, metadata.
const SIZES: [(&str, u64); 8] = [
    ("Ck4EC2sADjeEIgQ-AAAAAN1ktnU585.log", 10_000),
    ("Ck4EC2sADjeAHzmNABgAACNeGKU687_100x100.jpg", 700),
    ("Ck4EC2sADjeIVBDbAAALuI1gj8YAAAAAQAAAAAAAAwA680-s.jpg", 800),
    ("Ck4EC2sADjeEbehfAAAAAAAAAAA948.log", 0),
    ("Ck4EC2sAEkeEaZfYAAAAAJrieeg314.log", 5000),
    ("Ck4EC2sAEkeABWwRABbjYOAvpw4573-q.txt", 600),
    ("Ck4EC2sAEoqAch-kABbjYOAvpw4505.jpg-m", 20),
    ("Ck4EC2sAEoWIJ64iAAAH0JJ4w70AAAAAQAOOgAAAAgA801.txt", 2000),
];

/// Whose ids were made up, or whose files were deleted when they were asked for.
const GONE: [&str; 5] = [
    "AD2eAAAAAAAAD6BI0Vng123.txt",
    "r9bGeAAAAAAAAD6BI0Vng123.txt",
    "GsNPmeAAAAAAAAD6BI0Vng123.txt",
    "GsAD2dEAAAAAAAAABI0Vng123.txt",
    "QAADAAAAAQB399.txt",
];

/// The state of the appender file that was changed while it was recorded: title, size, time.
const CHANGED: [(&str, u64, &str); 6] = [
    ("appender after 1000 bytes", 6000, "Fri, 20 Nov 2026 09:26:59 GMT"),
    ("appender after append, at", 6000, "Fri, 20 Nov 2026 09:26:59 GMT"),
    ("appender: append not yet synced; host 11", 6777, "Fri, 20 Nov 2026 09:27:07 GMT"),
    ("appender: append not yet synced; host 12", 6000, "Fri, 20 Nov 2026 09:26:59 GMT"),
    ("appender after modify", 6777, "Fri, 20 Nov 2026 09:27:14 GMT"),
    ("appender truncated", 100, "Fri, 20 Nov 2026 09:27:17 GMT"),
];

/// An answer as a client sees it.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// One host at one time.
pub(crate) struct World {
    host: IpAddr,
    title: String,
    settings: Settings,
    is_gone: bool,
    is_elsewhere: bool,
    now_us: u64,
    port: u16,
}

pub(crate) fn md5(bytes: &[u8]) -> String {
    let mut sum = Md5::new();
    sum.update(bytes);
    hex(&sum.finish())
}

impl World {
    /// The host that a request goes to, when it was recorded.
    pub(crate) fn at(file: &str, title: &str, exchange: &Exchange) -> Self {
        let host = exchange.asked("Host").unwrap_or("10.78.4.11:8888");
        let (ip, port) = host.split_once(':').unwrap_or((host, "80"));
        let (ip, port) = if ip.starts_with("files") { ("10.78.4.11", "8889") } else { (ip, port) };
        let port: u16 = port.parse().unwrap();
        let boundary = exchange.answer.iter().find_map(|line| line.split_once("boundary="));
        let is_gone = (title.starts_with("deleted at host 11; host 11"))
            || title.starts_with("deleted everywhere")
            || title.starts_with("trunk file after delete");
        let is_elsewhere = file == "sync" && (title.contains("not yet on host 12") || title.starts_with("the same, "));
        Self {
            host: ip.parse().unwrap(),
            title: title.to_owned(),
            settings: settings(ip, port),
            is_gone,
            is_elsewhere,
            now_us: boundary.map_or(NOW * 1_000_000, |(_, us)| us.parse().unwrap()),
            port,
        }
    }

    pub(crate) async fn answer(&self, exchange: &Exchange) -> Got {
        let text = format!("{}\r\n\r\n", exchange.request.join("\r\n"));
        let head = match Head::parse(text.as_bytes()) {
            Ok(head) => head,
            Err(error) => return Got { status: error.status(), fields: Vec::new(), body: Vec::new() },
        };
        let request = Request {
            method: head.method,
            target: head.target,
            fields: head.fields.clone(),
            is_secure: false,
            local_port: self.port,
            peer: "10.78.4.100".parse().unwrap(),
            now_us: self.now_us,
        };
        let answer = handle(self, &self.settings, &request).await;
        let text = send::head(&answer, request.now(), head.keeps_alive && !answer.closes);
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        let fields: Vec<_> = fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let len = answer.body.len();
        let body = match answer.body {
            _ if answer.is_head => Vec::new(),
            Body::Empty => Vec::new(),
            Body::Bytes(bytes) => bytes.into_owned(),
            Body::File { source: Source::Memory(bytes), parts, tail } => {
                let mut out = Vec::new();
                for part in parts {
                    out.extend_from_slice(&part.head);
                    out.extend_from_slice(&bytes[part.offset as usize..][..part.len as usize]);
                }
                out.extend_from_slice(&tail);
                out
            }
            Body::File { .. } => panic!("the world is in memory"),
        };
        if !answer.is_head {
            assert_eq!(len, body.len() as u64);
        }
        Got { status, fields, body }
    }

    /// A file of the cluster, if there is one.
    fn file(&self, id: &FileId) -> Option<Found> {
        let name = id.logic_name().ok()?;
        let text = name.file_name();
        if self.is_gone || GONE.iter().any(|end| text.ends_with(end)) || name.fields().is_none() {
            return None;
        }
        let source = name.fields()?.source;
        let (group, is_known) = match source {
            Uploader::Ip(ip) => {
                (if ip.octets()[3] == 13 { "group2" } else { "group1" }, ip.octets()[..3] == [10, 78, 4])
            }
            Uploader::Id(_) => ("group1", false),
        };
        if !is_known || id.group.as_str() != group {
            return None;
        }
        let changed = CHANGED.iter().find(|changed| self.title.starts_with(changed.0) && text.contains("Zf"));
        let told = SIZES.iter().find(|size| size.0 == text).map(|size| size.1);
        let size = match (changed, told, name.kind()) {
            (Some(changed), _, _) => changed.1,
            (None, Some(size), _) => size,
            (None, None, Kind::Regular | Kind::Trunk) => name.fields()?.size_word.size(),
            (None, None, Kind::Appender | Kind::Slave) => return None,
        };
        let content: Vec<u8> = if text.ends_with(".flv") {
            FLV.iter().chain(LINE.iter().cycle()).copied().take(size as usize).collect()
        } else {
            LINE.iter().cycle().copied().take(size as usize).collect()
        };
        let content =
            if self.title.starts_with("appender after modify") { [b"#####", &content[5..]].concat() } else { content };
        let modified = changed.and_then(|changed| date::parse(changed.2));
        Some(Found {
            len_bytes: size,
            source: Source::Memory(Arc::from(content)),
            modified_unix_secs: modified.unwrap_or(i64::from(name.fields()?.created)),
        })
    }
}

impl Site for World {
    async fn open(&self, id: &FileId, _name: &LogicName) -> Result<Found, Absent> {
        if !self.settings.is_own(id.group) || self.is_elsewhere {
            return Err(Absent::NotFound);
        }
        self.file(id).ok_or(Absent::NotFound)
    }

    async fn fetch(&self, id: &FileId) -> Result<Found, Absent> {
        self.file(id).ok_or(Absent::NotFound)
    }

    async fn locate(&self, id: &FileId, _asker: IpAddr) -> Result<IpAddr, Absent> {
        // The tracker names the source.
        match id.logic_name().ok().and_then(|name| name.fields()).map(|fields| fields.source) {
            Some(Uploader::Ip(ip)) => Ok(ip.into()),
            _ => Err(Absent::NotFound),
        }
    }

    async fn metadata(&self, _: &FileId) -> Result<Vec<(String, String)>, Absent> {
        Err(Absent::NotFound)
    }

    fn is_this_host(&self, ip: IpAddr) -> bool {
        ip == self.host
    }

    fn cluster(&self) -> Option<&Cluster> {
        None
    }
}

/// The configurations, by host and port (golden, README).
fn settings(ip: &str, port: u16) -> Settings {
    let (group1, group2) = ("group1".parse().unwrap(), "group2".parse().unwrap());
    let own = if ip == "10.78.4.13" { group2 } else { group1 };
    let types = "text/plain txt\nimage/jpeg jpg\nvideo/mp4 mp4\nvideo/x-flv flv\n";
    let mut settings = Settings {
        own_groups: vec![(own, 1)],
        mime_types: Arc::new(MimeTypes::parse("mime.types", types.as_bytes()).unwrap()),
        flv_extension: Some("flv".to_owned()),
        ..Settings::default()
    };
    let mut check = TokenCheck { secret: "FastDFS1234567890".to_owned(), ttl_secs: 900, fail: None };
    match port {
        80 | 8889 => settings.response_mode = ResponseMode::Redirect,
        8890 => settings.form = UrlForm::WithoutGroup(own),
        8891 => {
            settings.policies = Policies::new(Access::Token, Vec::new());
            settings.bypass = Some(("X-Bypass".to_owned(), "open".to_owned()));
            let content = Arc::from(vec![0; FAIL_PICTURE_BYTES]);
            check.fail = Some(FailFile { content, content_type: "image/jpeg".to_owned() });
            settings.token = Some(check);
        }
        8892 => {
            settings.policies = Policies::new(Access::Token, Vec::new());
            settings.token = Some(check);
        }
        8893 => settings.multi_range = false,
        8894 => settings.sync_file_max_delay_secs = 5,
        8895 => settings.own_groups = vec![(group1, 1), (group2, 1)],
        _ => {}
    }
    settings
}
