//! One server of this process.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use fdfs_conf::{Env, Finding, LoadError, Parsed, Severity, StorageConf, TrackerConf};
use fdfs_log::{CapturedLog, Level, ServerLog};
use fdfs_storage::storage::Storage;
use fdfs_storage::{StartOptions, StorageServer};
use fdfs_tracker::TrackerServer;

use crate::layout::{StoragePlan, TrackerPlan, write_conf};
use crate::problems::ExpectedProblems;

/// A tracker, which runs or not.
#[derive(Debug)]
pub struct TrackerNode {
    /// Its addresses, folders and settings.
    pub plan: TrackerPlan,
    /// Everything that it ever logged.
    pub log: CapturedLog,
    /// What it may complain of.
    pub expected: ExpectedProblems,
    server: Option<TrackerServer>,
}

/// A storage, which runs or not.
#[derive(Debug)]
pub struct StorageNode {
    /// Its addresses, folders and settings.
    pub plan: StoragePlan,
    /// Everything that it ever logged.
    pub log: CapturedLog,
    /// What it may complain of.
    pub expected: ExpectedProblems,
    server: Option<StorageServer>,
}

impl TrackerNode {
    /// A tracker that does not run yet.
    #[must_use]
    pub fn new(plan: TrackerPlan, expected: ExpectedProblems) -> Self {
        Self { plan, log: CapturedLog::new(), expected, server: None }
    }

    /// Starts it, from its configuration file.
    ///
    /// # Panics
    /// When it runs already.
    ///
    /// # Errors
    /// As [`TrackerServer::start`].
    pub fn try_start(&mut self) -> Result<(), fdfs_tracker::StartError> {
        assert!(self.server.is_none(), "tracker {} runs already", self.plan.addr);
        let conf = conf(TrackerConf::parse(path(&self.plan.conf_path), &load, &Env::default()));
        self.server = Some(TrackerServer::start(conf, ServerLog::new(self.log.clone(), Level::Info))?);
        Ok(())
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) {
        let addr = self.plan.real_addr;
        self.try_start().unwrap_or_else(|e| panic!("tracker {addr}: {e}"));
        assert_eq!(self.server.as_ref().map(TrackerServer::addr), Some(addr));
    }

    /// The server itself.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn server(&self) -> &TrackerServer {
        self.server.as_ref().unwrap_or_else(|| panic!("tracker {} does not run", self.plan.addr))
    }

    /// Stops it in good order; nothing happens when it does not run.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Stops and starts it.
    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Changes a key of its configuration file, for the next start.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        self.plan.settings.set(key, value);
        write_conf(&self.plan.conf_path, &self.plan.settings);
    }

    /// Where the others look for it.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.plan.addr
    }
}

impl StorageNode {
    /// A look inside.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn inside(&self) -> &Arc<Storage> {
        self.server.as_ref().unwrap_or_else(|| panic!("storage {} does not run", self.plan.addr)).storage()
    }

    /// A storage that does not run yet.
    #[must_use]
    pub fn new(plan: StoragePlan, expected: ExpectedProblems) -> Self {
        Self { plan, log: CapturedLog::new(), expected, server: None }
    }

    /// What its configuration file says.
    ///
    /// # Panics
    /// When the file is wrong.
    #[must_use]
    pub fn conf(&self) -> StorageConf {
        conf(StorageConf::parse(path(&self.plan.conf_path), &load, &Env::default()))
    }

    /// Its log, as the server takes it.
    #[must_use]
    pub fn server_log(&self) -> ServerLog {
        ServerLog::new(self.log.clone(), Level::Info)
    }

    /// Starts it, from its configuration file. On its very first start it waits for a tracker.
    ///
    /// # Panics
    /// When it runs already.
    ///
    /// # Errors
    /// As [`StorageServer::start`].
    pub fn try_start(&mut self, options: &StartOptions) -> Result<(), fdfs_storage::StartError> {
        assert!(self.server.is_none(), "storage {} runs already", self.plan.addr);
        self.server = Some(StorageServer::start(self.conf(), self.server_log(), options)?);
        Ok(())
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) {
        let addr = self.plan.real_addr;
        self.try_start(&StartOptions::default()).unwrap_or_else(|e| panic!("storage {addr}: {e}"));
        assert_eq!(self.server.as_ref().map(StorageServer::addr), Some(addr));
    }

    /// Stops it in good order; nothing happens when it does not run.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Stops and starts it.
    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// The running server: for a look inside.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn server(&self) -> &StorageServer {
        self.server.as_ref().unwrap_or_else(|| panic!("storage {} does not run", self.plan.addr))
    }

    /// Changes a key of its configuration file, for the next start.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        self.plan.settings.set(key, value);
        write_conf(&self.plan.conf_path, &self.plan.settings);
    }

    /// Where the others look for it.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.plan.addr
    }
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

fn load(location: &str) -> Result<Vec<u8>, LoadError> {
    fs::read(location).map_err(|e| LoadError::from_io(&e))
}

/// The configuration, which has no warning: a test that has a typing error in a key would test nothing.
fn conf<T>(parsed: Result<Parsed<T>, fdfs_conf::ConfError>) -> T {
    let parsed = parsed.unwrap_or_else(|e| panic!("configuration: {e}"));
    let bad: Vec<&Finding> = parsed.findings.iter().filter(|finding| finding.severity <= Severity::Warning).collect();
    assert!(bad.is_empty(), "configuration: {bad:?}");
    parsed.conf
}
