//! A cluster of servers, each run by a program of either folder.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fdfs_client::{Client, StorageRecord};
use fdfs_proto::shared::StorageStatus;
use tempfile::TempDir;

use super::network::Network;
use super::programs::Program;
use super::server::{Complaint, Role, Server};
use crate::raw::RawConn;
use crate::settings::Settings;
use crate::wait::{PATIENCE, wait_at_most};

/// The only group.
pub const GROUP: &str = "group1";
/// The reference waits for intervals where ours act at once.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(180);
/// What every host keeps free.
const RESERVED: &str = "1MB";

/// Servers of a group, and the left and the right player.
#[derive(Debug)]
pub struct Lab {
    /// One player.
    pub left: Program,
    /// The other one.
    pub right: Program,
    /// Where the servers are.
    pub network: Arc<Network>,
    /// Keys of all trackers that are added from now on.
    pub tracker_keys: Settings,
    /// Keys of all storages that are added from now on.
    pub storage_keys: Settings,
    /// How long anything may take.
    pub patience: Duration,
    servers: Vec<Server>,
    expected: Vec<String>,
    runtime: tokio::runtime::Runtime,
    dir: TempDir,
}

impl Lab {
    /// An empty one. Must be made where clients are.
    ///
    /// # Panics
    /// When there is no temporary folder.
    #[must_use]
    pub fn new(network: Arc<Network>, left: Program, right: Program) -> Self {
        let mut tracker_keys = Settings::default();
        // Above the beats, and short: the reference looks for a new trunk server after some of these intervals.
        for (key, value) in [("check_active_interval", "5"), ("reserved_storage_space", RESERVED)] {
            tracker_keys.set(key, value);
        }
        let mut storage_keys = Settings::default();
        for (key, value) in [
            ("heart_beat_interval", "1"),
            ("stat_report_interval", "1"),
            ("sync_wait_msec", "10"),
            ("sync_binlog_buff_interval", "1"),
            ("sync_stat_file_interval", "1"),
            ("write_mark_file_freq", "5"),
            ("subdir_count_per_path", "4"),
            ("store_path_count", "1"),
        ] {
            storage_keys.set(key, value);
        }
        let is_ours_alone = left.is_ours() && right.is_ours();
        // The reference sends several changes of one appender file at the same time (W-06), so that they come in any order.
        let expected = if is_ours_alone { Vec::new() } else { vec!["; it is not so here".to_owned()] };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            patience: if is_ours_alone { PATIENCE } else { PATIENCE_WITH_OTHERS },
            left,
            right,
            network,
            tracker_keys,
            storage_keys,
            servers: Vec::new(),
            expected,
            runtime,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder that goes with the lab.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Describes a tracker; storages that are added later know it.
    pub fn add_tracker(&mut self, host: u8) {
        let (addr, base, mut settings) = self.place(Role::Tracker, host);
        settings_of(&self.tracker_keys, &mut settings);
        self.servers.push(Server::new(Role::Tracker, host, addr, base, settings));
    }

    /// Describes a storage, with as many store paths as `store_path_count` of the storages' keys says.
    ///
    /// # Panics
    /// When its folders cannot be made.
    pub fn add_storage(&mut self, host: u8) {
        let (addr, base, mut settings) = self.place(Role::Storage, host);
        let count = self.storage_keys.value("store_path_count").and_then(|count| count.parse().ok()).unwrap_or(1);
        let paths: Vec<_> = (0..count).map(|index: u8| base.with_extension(format!("path{index}"))).collect();
        settings.set("group_name", GROUP);
        for (index, path) in paths.iter().enumerate() {
            fs::create_dir_all(path).unwrap();
            settings.set(&format!("store_path{index}"), path.display());
        }
        settings.set("durability", "none");
        // The reference does not start with its own default.
        settings.set("thread_stack_size", "512KB");
        settings_of(&self.storage_keys, &mut settings);
        let trackers = self.servers.iter().filter(|server| server.role == Role::Tracker);
        trackers.for_each(|tracker| settings.add("tracker_server", tracker.addr));
        let mut server = Server::new(Role::Storage, host, addr, base, settings);
        server.store_paths = paths;
        self.servers.push(server);
    }

    /// Gives the server of a host that does not run to another host, with everything it has.
    ///
    /// # Panics
    /// When it runs, or the other host has one.
    pub fn move_server(&mut self, from: u8, to: u8) {
        assert!(self.servers.iter().all(|server| server.host != to), "host {to} is in use");
        let ip = self.network.ip(to);
        let server = self.server_mut(from);
        assert!(!server.runs(), "host {from} runs");
        server.host = to;
        server.addr.set_ip(ip.into());
        server.settings.set("bind_addr", ip);
    }

    fn place(&self, role: Role, host: u8) -> (SocketAddr, PathBuf, Settings) {
        assert!(self.servers.iter().all(|server| server.host != host), "host {host} is in use");
        let port = if role == Role::Tracker { self.network.tracker_port() } else { self.network.storage_port() };
        let addr = SocketAddr::from((self.network.ip(host), port));
        let base = self.dir().join(format!("{}{host}", role.name()));
        let mut settings = Settings::default();
        settings.set("base_path", base.display());
        settings.set("bind_addr", addr.ip());
        settings.set("port", port);
        settings.set("connect_timeout", 2);
        settings.set("network_timeout", 10);
        settings.set("sync_log_buff_interval", 1);
        (addr, base, settings)
    }

    /// Starts a program on the server of a host, and waits until it answers.
    pub fn start(&mut self, host: u8, program: &Program) {
        self.launch(host, program);
        self.wait_until_it_answers(host);
    }

    /// Starts a program on the server of a host.
    ///
    /// # Panics
    /// When one runs there.
    pub fn launch(&mut self, host: u8, program: &Program) {
        let server = self.servers.iter_mut().find(|server| server.host == host).expect("there is a server");
        server.start(&self.network, program);
    }

    /// Waits until the server of a host answers.
    pub fn wait_until_it_answers(&mut self, host: u8) {
        let what = format!("host {host} to answer");
        self.wait(&what, |lab| {
            let server = lab.server_mut(host);
            server.check_alive();
            let stream = std::net::TcpStream::connect_timeout(&server.addr, Duration::from_secs(1)).ok()?;
            drop(stream);
            (RawConn::connect(server.addr).ask(111, b"").status() == Some(0)).then_some(())
        });
    }

    /// Adds a tracker and starts it.
    pub fn tracker(&mut self, host: u8, program: &Program) {
        self.add_tracker(host);
        self.start(host, program);
    }

    /// Adds a storage, starts it and waits until it is ACTIVE.
    pub fn storage(&mut self, host: u8, program: &Program) {
        self.add_storage(host);
        self.start(host, program);
        self.wait_active(host);
    }

    /// The server of a host.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn server(&self, host: u8) -> &Server {
        self.servers.iter().find(|server| server.host == host).expect("there is a server")
    }

    /// The server of a host.
    ///
    /// # Panics
    /// When there is none.
    pub fn server_mut(&mut self, host: u8) -> &mut Server {
        self.servers.iter_mut().find(|server| server.host == host).expect("there is a server")
    }

    /// An orderly end for the server of a host.
    pub fn stop(&mut self, host: u8) {
        self.server_mut(host).stop();
    }

    /// The hosts of the storages that run.
    #[must_use]
    pub fn storages(&self) -> Vec<u8> {
        self.hosts_of(Role::Storage)
    }

    /// The hosts of the trackers that run.
    #[must_use]
    pub fn trackers(&self) -> Vec<u8> {
        self.hosts_of(Role::Tracker)
    }

    fn hosts_of(&self, role: Role) -> Vec<u8> {
        self.servers.iter().filter(|server| server.role == role && server.runs()).map(|server| server.host).collect()
    }

    /// A client that knows the trackers that run, and nothing else yet.
    ///
    /// # Panics
    /// When none runs.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_of(&self.trackers())
    }

    /// A client that knows these trackers alone.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn client_of(&self, trackers: &[u8]) -> Client {
        let builder = Client::builder().connect_timeout(Duration::from_secs(2));
        let addrs = trackers.iter().map(|host| self.server(*host).addr.to_string());
        addrs.fold(builder, |builder, addr| builder.tracker(&addr)).build().unwrap()
    }

    /// Runs a call of a client.
    pub fn block_on<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// What a tracker says of the storages of the group.
    #[must_use]
    pub fn records_of(&self, tracker: u8) -> Vec<StorageRecord> {
        let client = self.client_of(&[tracker]);
        self.block_on(client.storages(GROUP.parse().unwrap(), None)).unwrap_or_default()
    }

    /// Waits until all trackers that run take the storage of a host for ACTIVE and know its space.
    pub fn wait_active(&mut self, host: u8) {
        self.wait_active_with(host, |_| true);
    }

    /// The same with one more condition.
    pub fn wait_active_with(&mut self, host: u8, is_right: impl Fn(&StorageRecord) -> bool) {
        let ip = self.server(host).addr.ip().to_string();
        for tracker in self.trackers() {
            self.wait(&format!("tracker {tracker} to take storage {host} for ACTIVE"), |lab| {
                lab.server_mut(host).check_alive();
                let records = lab.records_of(tracker);
                let record = records.iter().find(|record| record.ip.as_str() == ip)?;
                let is_active = record.status == StorageStatus::Active && record.total_mb > 0;
                (is_active && is_right(record)).then_some(())
            });
        }
    }

    /// Waits until something is there.
    pub fn wait<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        wait_at_most(self.patience, what, || {
            let found = look(self);
            if found.is_none() {
                std::thread::sleep(Duration::from_millis(40));
            }
            found
        })
    }

    /// Lines of ours with this text are no failure.
    pub fn expect_problem(&mut self, text: &str) {
        self.expected.push(text.to_owned());
    }

    /// All warnings and errors of all servers.
    #[must_use]
    pub fn complaints(&self) -> Vec<Complaint> {
        self.servers.iter().flat_map(Server::complaints).collect()
    }

    /// Stops all that runs, storages first, and looks at the logs: what the others complained of, for the table.
    ///
    /// # Panics
    /// When a server does not end, or ours complained of something that the scenario did not expect.
    pub fn finish(&mut self) -> Vec<Complaint> {
        for host in [self.storages(), self.trackers()].concat() {
            self.stop(host);
        }
        let (ours, others): (Vec<_>, Vec<_>) =
            self.complaints().into_iter().partition(|complaint| complaint.letter == 'A');
        let mut text = String::new();
        for complaint in ours.iter().filter(|complaint| !self.expected.iter().any(|part| complaint.line.contains(part)))
        {
            let _ = write!(text, "\nhost {}: {}", complaint.host, complaint.line);
        }
        assert!(text.is_empty(), "ours complained:{text}");
        others
    }
}

fn settings_of(keys: &Settings, settings: &mut Settings) {
    for (key, value) in keys.entries() {
        settings.set(key, value);
    }
}
