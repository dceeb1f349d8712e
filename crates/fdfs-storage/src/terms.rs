//! What this storage tells trackers of ours beyond its join: at which addresses it is reached, and that it takes no more
//! uploads.
//!
//! `<base>/data/.fdfs_drained` keeps what an administrator asked for, one line each: `storage`, `store_path N`. No such
//! file: nothing is drained. The reference never looks at it.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fdfs_conf::AdvertiseRule;
use fdfs_net::resolve::HostPort;
use fdfs_proto::ours::{Drain, Route, StorageTerms};
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};
use tokio::sync::watch;

/// The file below `<base>/data`.
pub const DRAINED_FILE: &str = ".fdfs_drained";
/// How long a name server may take.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(2);

/// What is drained.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// The whole storage.
    pub storage: bool,
    /// Store paths by their index.
    pub store_paths: BTreeSet<u8>,
}

impl Drained {
    fn parse(text: &str) -> Self {
        let mut drained = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("store_path", index)) if index.parse::<u8>().is_ok() => {
                    drained.store_paths.extend(index.parse::<u8>());
                }
                None if line == "storage" => drained.storage = true,
                _ => tracing::warn!("{DRAINED_FILE}: the line {line:?} is not understood and is passed over"),
            }
        }
        drained
    }

    fn text(&self) -> String {
        let storage = self.storage.then(|| "storage\n".to_owned());
        let paths = self.store_paths.iter().map(|index| format!("store_path {index}\n"));
        storage.into_iter().chain(paths).collect()
    }

    fn apply(&mut self, drain: Drain) {
        match (drain.store_path, drain.drained) {
            (None, drained) => self.storage = drained,
            (Some(index), true) => drop(self.store_paths.insert(index)),
            (Some(index), false) => drop(self.store_paths.remove(&index)),
        }
    }
}

/// The terms as they are now.
#[derive(Debug)]
pub struct Terms {
    drained: Mutex<Drained>,
    advertise: Mutex<Arc<[AdvertiseRule]>>,
    /// Grows with every change.
    changes: watch::Sender<u64>,
}

impl Terms {
    /// What an earlier run was asked for, and what the configuration says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(dir: &StateDir<RealFs>, advertise: Vec<AdvertiseRule>) -> Result<Self, StoreError> {
        let bytes = dir.read(DRAINED_FILE)?.unwrap_or_default();
        let drained = Drained::parse(&String::from_utf8_lossy(&bytes));
        if drained != Drained::default() {
            tracing::info!("takes no new uploads, as it was asked to: {}", drained.text().trim().replace('\n', ", "));
        }
        let advertise = Mutex::new(advertise.into());
        Ok(Self { drained: Mutex::new(drained), advertise, changes: watch::Sender::new(0) })
    }

    /// Carries out an order; it is on stable storage when this returns. Blocking.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    pub fn drain(&self, dir: &StateDir<RealFs>, drain: Drain) -> Result<(), StoreError> {
        let mut drained = self.lock();
        let mut wanted = drained.clone();
        wanted.apply(drain);
        if wanted == *drained {
            return Ok(());
        }
        if wanted == Drained::default() {
            dir.remove(DRAINED_FILE)?;
        } else {
            dir.write(DRAINED_FILE, wanted.text().as_bytes())?;
        }
        *drained = wanted;
        drop(drained);
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    /// What is drained now.
    #[must_use]
    pub fn drained(&self) -> Drained {
        self.lock().clone()
    }

    /// Whether a store path takes no new uploads.
    #[must_use]
    pub fn is_path_drained(&self, index: u8) -> bool {
        self.lock().store_paths.contains(&index)
    }

    /// Wakes whoever waits for another order.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn are_usual(&self) -> bool {
        self.advertise().is_empty() && !self.lock().storage
    }

    /// The rules by which this storage is reached.
    #[must_use]
    pub fn advertise(&self) -> Arc<[AdvertiseRule]> {
        self.advertise.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration has these rules now.
    pub fn set_advertise(&self, rules: &[AdvertiseRule]) {
        let has_changed = {
            let mut advertise = self.advertise.lock().unwrap_or_else(PoisonError::into_inner);
            let has_changed = **advertise != *rules;
            *advertise = rules.into();
            has_changed
        };
        if has_changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// What trackers are told, with the addresses that names lead to just now. `last` was told before: a name that cannot
    /// be looked up leads where it led then.
    pub async fn to_tell(&self, last: Option<&StorageTerms>) -> StorageTerms {
        let advertise = self.advertise();
        let mut routes = Vec::with_capacity(advertise.len());
        for rule in &*advertise {
            let known = last.and_then(|last| last.routes.iter().find(|route| route.network == rule.network).copied());
            routes.extend(route(rule, known).await.or(known));
        }
        StorageTerms { drained: self.lock().storage, routes }
    }

    fn lock(&self) -> MutexGuard<'_, Drained> {
        self.drained.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn route(rule: &AdvertiseRule, known: Option<Route>) -> Option<Route> {
    let ip = match rule.host.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => {
            let host = HostPort { host: rule.host.clone(), port: Some(1) };
            let addrs = host.resolve(1, LOOKUP_PATIENCE).await;
            let addrs = addrs.inspect_err(|e| tracing::info!("advertise: {e}; the line is left out until it has one"));
            let addrs = addrs.ok()?;
            // A name with several addresses gives them in any order: the one that was told stays.
            let was_told = |addr: &&SocketAddr| {
                known.is_some_and(|route| route.ip.as_str() == addr.ip().to_canonical().to_string())
            };
            let v4 = || addrs.iter().find(|addr| addr.is_ipv4());
            addrs.iter().find(was_told).or_else(v4).or_else(|| addrs.first())?.ip()
        }
    };
    let ip = ip.to_canonical().to_string().parse().ok()?;
    Some(Route { network: rule.network, ip, port: rule.port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drained_is_read_back() {
        let mut drained = Drained::default();
        for (store_path, is_drained) in [(None, true), (Some(3), true), (Some(0), true), (Some(3), false)] {
            drained.apply(Drain { store_path, drained: is_drained });
        }
        assert_eq!(drained.text(), "storage\nstore_path 0\n");
        assert_eq!(Drained::parse(&drained.text()), drained);
        assert_eq!(Drained::parse("store_path x\nnonsense\n"), Drained::default());
    }

    #[test]
    fn other_rules_wake_and_the_same_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let dir = StateDir::open(RealFs, dir.path()).unwrap();
        let terms = Terms::load(&dir, Vec::new()).unwrap();
        let changes = terms.changes();
        terms.set_advertise(&[]);
        assert!(!changes.has_changed().unwrap() && terms.are_usual());
        let rule = AdvertiseRule::of_storage("10.0.0.0/8 -> 88.0.0.1").unwrap();
        terms.set_advertise(&[rule]);
        assert!(changes.has_changed().unwrap() && !terms.are_usual());
    }

    #[test]
    fn an_order_is_kept_and_wakes() {
        let dir = tempfile::tempdir().unwrap();
        let dir = StateDir::open(RealFs, dir.path()).unwrap();
        let terms = Terms::load(&dir, Vec::new()).unwrap();
        let mut changes = terms.changes();
        terms.drain(&dir, Drain { store_path: Some(1), drained: true }).unwrap();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        terms.drain(&dir, Drain { store_path: Some(1), drained: true }).unwrap();
        assert!(!changes.has_changed().unwrap(), "nothing new");
        let again = Terms::load(&dir, Vec::new()).unwrap();
        assert!(again.is_path_drained(1) && !again.is_path_drained(0) && again.are_usual());
        again.drain(&dir, Drain { store_path: Some(1), drained: false }).unwrap();
        assert_eq!(dir.read(DRAINED_FILE).unwrap(), None);
    }
}
