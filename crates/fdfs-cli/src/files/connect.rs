//! Which cluster a command talks to.

use std::path::Path;

use fdfs_client::{Client, ClientBuilder};
use fdfs_conf::{ClientConf, ConfError, StorageIds};
use fdfs_proto::Status;

use crate::conf_loader::{FileLoader, host_env};
use crate::exit::failure;

/// Names trackers when no argument does.
const TRACKER_VARIABLE: &str = "FDFS_TRACKER";
/// Describes the cluster when nothing else does.
const DEFAULT_CONF: &str = "/etc/fdfs/client.conf";

/// Where the help shows these arguments.
const CLUSTER: &str = "Cluster";

/// Which cluster a command talks to: `--tracker`, else `--conf`, else `FDFS_TRACKER`, else `/etc/fdfs/client.conf`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Connect {
    /// A tracker; give it once for each of the cluster [else: --conf, FDFS_TRACKER, /etc/fdfs/client.conf]
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',', help_heading = CLUSTER)]
    tracker: Vec<String>,
    /// A file with the keys of client.conf, such as storage.conf
    #[arg(long, value_name = "FILE", conflicts_with = "tracker", help_heading = CLUSTER)]
    conf: Option<String>,
}

/// Where the trackers are written.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Trackers(Vec<String>),
    Conf(String),
}

impl Connect {
    /// The client. Nothing is connected yet.
    ///
    /// # Errors
    /// Nothing names a tracker, a name is none, or the file cannot be used.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let variable = std::env::var(TRACKER_VARIABLE).ok();
        let source = self.source(variable.as_deref(), Path::new(DEFAULT_CONF).exists()).ok_or_else(|| {
            failure(
                Status::ENOENT,
                format!("which cluster? Give --tracker HOST:PORT, set {TRACKER_VARIABLE}, or write {DEFAULT_CONF}"),
            )
        })?;
        let builder = match source {
            Source::Trackers(trackers) => {
                trackers.iter().fold(Client::builder(), |builder, tracker| builder.tracker(tracker))
            }
            // Connections are kept whatever the file says: this program ends soon.
            Source::Conf(path) => builder_of(&parse(&path)?)?.max_idle_connections(8),
        };
        Ok(builder.build()?)
    }

    fn source(&self, variable: Option<&str>, default_conf_exists: bool) -> Option<Source> {
        if !self.tracker.is_empty() {
            return Some(Source::Trackers(self.tracker.clone()));
        }
        if let Some(path) = &self.conf {
            return Some(Source::Conf(path.clone()));
        }
        let words = variable.unwrap_or_default().split([',', ' ']).filter(|word| !word.is_empty());
        let named: Vec<_> = words.map(str::to_owned).collect();
        match named.is_empty() {
            false => Some(Source::Trackers(named)),
            true => default_conf_exists.then(|| Source::Conf(DEFAULT_CONF.to_owned())),
        }
    }
}

/// Reads a client's configuration.
pub(crate) fn parse(path: &str) -> Result<ClientConf, ConfError> {
    ClientConf::parse(path, &FileLoader, &host_env()).map(|parsed| parsed.conf)
}

/// A client as a configuration describes it, with the list of storage ids if that is a file.
pub(crate) fn builder_of(conf: &ClientConf) -> Result<ClientBuilder, ConfError> {
    let builder = ClientBuilder::from_conf(conf);
    let list = conf.storage_ids_filename.as_ref();
    let Some(list) = list.filter(|_| conf.use_storage_id && !conf.load_fdfs_parameters_from_tracker) else {
        return Ok(builder);
    };
    let ids = StorageIds::load(list, &FileLoader)?.conf;
    let first_ip = |addrs: &[String]| addrs.iter().find_map(|addr| addr.parse().ok());
    let ids: Vec<_> = ids.entries().iter().filter_map(|entry| Some((entry.id, first_ip(&entry.addrs)?))).collect();
    Ok(builder.storage_ids(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_nearest_wins() {
        let trackers = |words: &[&str]| Some(Source::Trackers(words.iter().map(ToString::to_string).collect()));
        let conf = |path: &str| Some(Source::Conf(path.to_owned()));
        let nothing = Connect::default();
        let given = Connect { tracker: vec!["a:1".into()], conf: None };
        let file = Connect { tracker: vec![], conf: Some("c.conf".into()) };
        assert_eq!(given.source(Some("b:1"), true), trackers(&["a:1"]));
        assert_eq!(file.source(Some("b:1"), true), conf("c.conf"));
        assert_eq!(nothing.source(Some("b:1, c:2"), true), trackers(&["b:1", "c:2"]));
        assert_eq!(nothing.source(Some(""), true), conf(DEFAULT_CONF));
        assert_eq!(nothing.source(None, false), None);
    }

    #[test]
    fn a_list_of_storage_ids_beside_the_configuration_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("client.conf");
        let text = "tracker_server = 10.0.0.1\nuse_storage_id = true\nstorage_ids_filename = ids.conf\n";
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let conf = parse(path).unwrap();
        assert_eq!(builder_of(&conf).unwrap_err().status(), Status::ENOENT);
        std::fs::write(dir.path().join("ids.conf"), "100001 group1 10.0.0.5\n").unwrap();
        assert!(builder_of(&conf).unwrap().build().is_ok());
    }
}
