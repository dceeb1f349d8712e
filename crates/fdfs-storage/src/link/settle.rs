//! Who copies the old files to this storage: asked once (87), told to every tracker (88), and asked anew when the source
//! is gone for good. Source: behaviour, 3.17, 4.3.

use std::time::{Duration, Instant};

use fdfs_net::Caller;
use fdfs_proto::Status;
use fdfs_proto::cmd::tracker::{SyncDestQuery, SyncDestRequest, SyncNotify, SyncSource, SyncSourceAnswer};
use fdfs_proto::shared::StorageStatus;

use super::ask::{ask, tell, whole};
use super::error::LinkError;
use super::session::Session;

/// What a try came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// The tracker knows who copies the old files, or that nobody has to.
    Yes,
    /// Not now: another try may find more.
    Later,
    /// What was believed so far is no longer: to be tried again at once.
    Again,
}

impl Session<'_> {
    /// Makes sure that it is decided who copies the old files to us, and that this tracker knows it. Without `may_ask`
    /// another tracker decides: one that leads knows the group, others may have been started a moment ago.
    pub(super) async fn settle(&mut self, caller: &mut Caller, may_ask: bool) -> Result<Settled, LinkError> {
        let storage = self.storage;
        let settling = storage.link.settling.lock().await;
        if !storage.lock_init_flag().sync_old_done {
            if !may_ask {
                return Ok(Settled::Later);
            }
            match ask(caller, &SyncDestRequest, whole::<SyncSourceAnswer>).await {
                Ok(answer) => self.decide(answer.source)?,
                Err(e) if e.is_refusal(Status::ENOENT) => {
                    self.tell_waiting();
                    return Ok(Settled::Later);
                }
                Err(e) => return Err(e),
            }
        }
        drop(settling);
        let notify = {
            let flag = storage.lock_init_flag();
            let source_id = (!flag.sync_src_server.is_empty()).then_some(flag.sync_src_server);
            SyncNotify { source_id, until_secs: flag.sync_until_timestamp }
        };
        match tell(caller, &notify).await {
            Ok(()) => {
                storage.link.note_source_known(self.index, true);
                Ok(Settled::Yes)
            }
            Err(e) if e.is_refusal(Status::ENOENT) => {
                storage.link.note_source_known(self.index, false);
                self.look_for_another(caller).await
            }
            Err(e) => Err(e),
        }
    }

    /// Asks for another source in the place of one that has been away for long; the old one stays when there is none.
    ///
    /// Differs from C: there the member waits until its source returns or is deleted (behaviour, W-47).
    pub(super) async fn replace_source(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let storage = self.storage;
        let _settling = storage.link.settling.lock().await;
        let old = storage.lock_init_flag().sync_src_server;
        match ask(caller, &SyncDestRequest, whole::<SyncSourceAnswer>).await {
            Ok(answer) => {
                tracing::warn!("{old}, which copies the old files to this storage, has been away for too long");
                self.decide(answer.source)
            }
            Err(e) if e.is_refusal(Status::ENOENT) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// The trackers do not know the source: it was deleted. When none of them does, another one is asked for, unless
    /// the old files have arrived already.
    async fn look_for_another(&self, caller: &mut Caller) -> Result<Settled, LinkError> {
        let storage = self.storage;
        if !storage.link.is_source_unknown_everywhere() {
            return Ok(Settled::Later);
        }
        let highest = storage.link.read(|roster| roster.highest_own_status());
        let known = ask(caller, &SyncDestQuery, whole::<SyncSourceAnswer>).await?.source;
        let mut flag = storage.lock_init_flag();
        match known {
            Some(source) if source.id != flag.sync_src_server => {
                (flag.sync_src_server, flag.sync_until_timestamp) = (source.id, source.until_secs);
            }
            _ if highest.is_none_or(|status| status < StorageStatus::Offline) => {
                tracing::warn!(
                    "{} was to copy the old files to this storage and is gone: another is asked for",
                    flag.sync_src_server
                );
                flag.sync_old_done = false;
                flag.sync_src_server = Default::default();
                flag.sync_until_timestamp = 0;
            }
            _ => return Ok(Settled::Later),
        }
        drop(flag);
        storage.save_init_flag()?;
        storage.link.ask_to_settle();
        Ok(Settled::Again)
    }

    /// Remembers who copies the old files, before anybody is told.
    fn decide(&self, source: Option<SyncSource>) -> Result<(), LinkError> {
        match source {
            Some(source) => tracing::info!("{} copies the old files of the group to this storage", source.id),
            None => tracing::info!("nobody has old files for this storage"),
        }
        {
            let mut flag = self.storage.lock_init_flag();
            flag.sync_old_done = true;
            flag.sync_src_server = source.map_or_else(Default::default, |source| source.id);
            flag.sync_until_timestamp = source.map_or(0, |source| source.until_secs);
        }
        self.storage.save_init_flag()?;
        // The other trackers are told as well.
        self.storage.link.ask_to_settle();
        Ok(())
    }

    fn tell_waiting(&self) {
        if self.storage.link.is_first_wait() {
            tracing::info!("no writable storage of the group is online to copy old files to this one: waiting for one");
        }
    }
}

/// How long the source of this storage has been away, while it still is to copy files.
#[derive(Debug, Default)]
pub(super) struct SourceAway {
    since: Option<Instant>,
}

impl SourceAway {
    /// Looks again; whether it has been away for `patience` or longer.
    pub(super) fn is_too_long(&mut self, session: &Session<'_>, patience: Duration) -> bool {
        let storage = session.storage;
        let source = {
            let flag = storage.lock_init_flag();
            (flag.sync_old_done && !flag.sync_src_server.is_empty()).then_some(flag.sync_src_server)
        };
        let is_away = source.is_some_and(|source| {
            storage.link.read(|roster| {
                let is_waiting = roster
                    .own_status()
                    .is_some_and(|own| matches!(own, StorageStatus::WaitSync | StorageStatus::Syncing));
                let is_active = |status| status == StorageStatus::Active;
                let has_source = roster.peer(&source).is_some_and(|peer| is_active(peer.status));
                is_waiting && !has_source && roster.peers().any(|peer| is_active(peer.status))
            })
        });
        match (is_away, self.since) {
            (false, _) => self.since = None,
            (true, None) => self.since = Some(Instant::now()),
            (true, Some(_)) => {}
        }
        let is_too_long = self.since.is_some_and(|since| since.elapsed() >= patience);
        if is_too_long {
            // Not again at once: a group without another writable member refuses.
            self.since = None;
        }
        is_too_long
    }
}
