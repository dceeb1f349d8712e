//! The HTTP port of a storage or a tracker: three keys of our own in storage.conf and tracker.conf.
//!
//! Old files may hold `http.server_port` and others of the servers before V4.05. They mean nothing until somebody says
//! `http.enabled = true`, so that no old file opens a port.

use fdfs_proto::Status;

use crate::address::parse_port;
use crate::ini::Item;
use crate::table::{Key, Reading, Section};
use crate::value::parse_bool;

const ENABLED: &str = "http.enabled";
const PORT: &str = "http.server_port";
const CONFIG: &str = "http.config";

/// Where and how a server serves HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpPort {
    /// `http.server_port`, if `http.enabled`.
    pub port: Option<u16>,
    /// `http.config`: a file with the keys of mod_fastdfs.conf, as it is named to the loader.
    pub config: Option<String>,
}

/// A configuration with an HTTP port.
pub(crate) trait HasHttpPort: 'static {
    /// The port that the sample files had.
    const USUAL: &'static str;
    fn http_port(&mut self) -> &mut HttpPort;
}

/// Whether a key of an old name means something in this file: whoever says whether there is HTTP knows of it.
pub(crate) fn is_live(reading: &Reading<'_>, item: &Item) -> bool {
    let knows = || reading.last(Section::Global, ENABLED).is_some();
    item.name == ENABLED || item.name == CONFIG || (item.name == PORT && knows())
}

fn is_enabled(reading: &Reading<'_>) -> bool {
    reading.last(Section::Global, ENABLED).is_some_and(|item| parse_bool(&item.value) == Some(true))
}

/// The three rows.
pub(crate) fn keys<C: HasHttpPort>() -> [Key<C>; 3] {
    [
        Key::bool(ENABLED, false, |_, _| {}, "serve files over HTTP; until then http.server_port means nothing")
            .since("own key"),
        Key::custom(
            PORT,
            "port",
            C::USUAL,
            |c: &mut C, r, key| {
                let given = r.last(key.section, key.name).filter(|_| is_enabled(r));
                let port = given.map_or_else(|| parse_port(C::USUAL), |item| parse_port(&item.value));
                if let (None, Some(item)) = (port, given) {
                    r.refuse(item, key.allowed, Status::EINVAL);
                }
                c.http_port().port = port.filter(|_| is_enabled(r));
            },
            "where files are served over HTTP, with http.enabled",
        )
        .allowed("1 to 65535")
        .otherwise("refused (22)")
        .since("own key"),
        Key::custom(
            CONFIG,
            "path",
            "",
            |c: &mut C, r, key| {
                let item = r.last(key.section, key.name).filter(|item| !item.value.is_empty());
                c.http_port().config = item.map(|item| r.resolve(&item.value));
            },
            "a file with the keys of mod_fastdfs.conf that say how; relative to this file",
        )
        .allowed("a path, or empty")
        .since("own key"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Env, MapLoader, TrackerConf};

    #[test]
    fn a_port_of_an_old_file_stays_closed() {
        let parse = |text: &str| {
            let loader = MapLoader::one("/c/tracker.conf", format!("base_path=/tmp\n{text}"));
            TrackerConf::parse("/c/tracker.conf", &loader, &Env::default())
        };
        let old = parse("http.server_port=8888\nhttp.disabled=false\n").unwrap();
        assert_eq!((old.conf.http.port, old.findings.len()), (None, 2));
        let new = parse("http.enabled=true\nhttp.config=h.conf\n").unwrap();
        assert_eq!((new.conf.http.port, new.conf.http.config.as_deref()), (Some(8080), Some("/c/h.conf")));
        assert!(new.findings.is_empty());
        assert_eq!(parse("http.enabled=true\nhttp.server_port=81\n").unwrap().conf.http.port, Some(81));
        assert!(parse("http.enabled=true\nhttp.server_port=0\n").is_err());
        let off = parse("http.enabled=false\nhttp.server_port=81\n").unwrap();
        assert_eq!((off.conf.http.port, off.findings.len()), (None, 0));
    }
}
