//! The client itself.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::calls::{Ask, Calls};
use crate::target::AddressMap;
use crate::tracker_node::TrackerNode;
use crate::trackers::{Told, Trackers};
use crate::{ClientBuilder, ClientError, Tracker};

/// A client of one cluster. Clones share connections and what is known of the servers; all methods can be called from
/// any number of tasks at once. A call that is dropped halfway closes its connection and nothing more.
///
/// ```
/// use fdfs_client::Client;
///
/// let client = Client::builder().tracker("tracker1:22122").tracker("tracker2:22122").build()?;
/// let for_a_task = client.clone();
/// # Ok::<(), fdfs_client::ClientError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) calls: Calls,
    pub(crate) trackers: Trackers,
    /// Whether whole downloads are checked against their ids.
    pub(crate) verify_crc32: bool,
    pub(crate) address_map: Option<AddressMap>,
    /// Addresses of storages with ids in file names, as configured.
    pub(crate) storage_ids: HashMap<u32, IpAddr>,
    /// Whether they are asked of a tracker when they are needed, and what it said.
    pub(crate) load_storage_ids: bool,
    pub(crate) loaded_storage_ids: OnceCell<HashMap<u32, IpAddr>>,
}

impl Client {
    /// A client to be described.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client as client.conf describes it.
    ///
    /// ```
    /// use fdfs_client::Client;
    /// use fdfs_conf::{ClientConf, Env, MapLoader};
    ///
    /// let files = MapLoader::one("client.conf", "tracker_server = 10.0.0.1:22122\n");
    /// let conf = ClientConf::parse("client.conf", &files, &Env::default())?.conf;
    /// let client = Client::from_conf(&conf)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ClientError::NoTrackerGiven`].
    pub fn from_conf(conf: &fdfs_conf::ClientConf) -> Result<Self, ClientError> {
        ClientBuilder::from_conf(conf).build()
    }

    /// Its trackers, each to be asked alone: for the administration of a cluster.
    #[must_use]
    pub fn trackers(&self) -> Vec<Tracker> {
        self.inner.trackers.all().iter().map(|node| Tracker::new(self.clone(), node.clone())).collect()
    }

    /// Asks other trackers from now on, as do all clones; for programs that read their configuration again. What is known of
    /// those that stay is kept.
    ///
    /// # Errors
    /// [`ClientError::NoTrackerGiven`]: then all is as it was.
    pub fn set_trackers(&self, trackers: &[fdfs_conf::TrackerServer]) -> Result<(), ClientError> {
        if trackers.is_empty() {
            return Err(ClientError::NoTrackerGiven);
        }
        self.inner.trackers.replace(trackers.iter().map(TrackerNode::from_conf).collect());
        Ok(())
    }

    /// Throws away connections that were idle for too long. Not necessary: they are never used; but a program that
    /// pauses for hours can give the servers their connections back.
    pub fn close_idle(&self) {
        self.inner.calls.pool.expire();
    }

    /// Asks any tracker something that changes nothing.
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Result<Told, ClientError> {
        self.inner.trackers.ask(&self.inner.calls, ask).await
    }

    pub(crate) fn is_dead(&self, addr: SocketAddr) -> bool {
        self.inner.calls.dead.contains(addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DownloadOptions, FileId, UploadOptions};

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    /// Never called: it only has to compile.
    #[allow(dead_code)]
    fn every_call_can_run_on_any_thread(client: &Client, id: &FileId) {
        let options = UploadOptions::new();
        drop(is_send(client.upload(b"", &options)));
        drop(is_send(client.upload_file("a", &options)));
        drop(is_send(client.upload_reader(tokio::io::empty(), 0, &options)));
        drop(is_send(client.download(id)));
        drop(is_send(client.download_range(id, 1..2)));
        drop(is_send(client.download_to(id, "a", &DownloadOptions::new())));
        drop(is_send(client.upload_resumable("a", "b", &options, &crate::ResumeOptions::new())));
        drop(is_send(client.append(id, b"")));
        drop(is_send(client.regenerate(id)));
        drop(is_send(client.delete(id)));
        drop(is_send(client.metadata(id)));
        drop(is_send(client.file_info(id)));
        drop(is_send(client.exists(id)));
        drop(is_send(client.groups()));
    }

    #[test]
    fn a_client_can_be_shared() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        shared::<Client>();
        shared::<Tracker>();
    }

    #[test]
    fn trackers_can_be_replaced_while_a_client_works() {
        let servers = |names: &[&str]| -> Vec<fdfs_conf::TrackerServer> {
            names.iter().map(|name| fdfs_conf::TrackerServer::parse(name, 22122).unwrap()).collect()
        };
        let client = Client::builder().tracker("10.0.0.1").tracker("10.0.0.2:22122").build().unwrap();
        let clone = client.clone();
        let before = clone.trackers();
        client.set_trackers(&servers(&["10.0.0.3", "10.0.0.2"])).unwrap();
        let names = |client: &Client| client.trackers().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&clone), ["10.0.0.3:22122", "10.0.0.2:22122"]);
        assert!(Arc::ptr_eq(&clone.inner.trackers.all()[1], before[1].node()), "what is known of it is kept");
        assert!(matches!(client.set_trackers(&[]), Err(ClientError::NoTrackerGiven)));
        assert_eq!(names(&client).len(), 2);
    }
}
