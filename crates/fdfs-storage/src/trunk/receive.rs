//! The desk of a storage that is not the trunk server: what it is sent, and what it is asked.

use std::net::SocketAddr;
use std::sync::{MutexGuard, PoisonError};

use fdfs_proto::ours::{TrunkLogAnswer, TrunkLogPurpose, TrunkLogRequest};

use super::desk::Desk;
use super::error::TrunkError;
use super::log_conns::LogConns;
use super::term::TrunkTerm;
use crate::names::local_stamp;

impl Desk {
    fn lock_conns(&self) -> MutexGuard<'_, LogConns> {
        self.conns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> Result<TrunkTerm, TrunkError> {
        let state = self.lock();
        if state.serves {
            Err(TrunkError::Invalid { what: "this storage is the trunk server" })
        } else {
            Ok(state.term)
        }
    }

    /// The log is another's from now on, or will be.
    fn note_foreign(&self) -> Result<(), TrunkError> {
        let term = self.closed()?;
        if term.is_origin {
            self.save_term(TrunkTerm { is_origin: false, ..term })?;
        }
        Ok(())
    }

    /// Lines of the trunk server's log (30).
    ///
    /// Differs from C: a last line that is not whole is refused; the reference would glue the next one to it.
    pub(super) fn take_lines(&self, lines: &[u8], conn: SocketAddr) -> Result<(), TrunkError> {
        if lines.last() != Some(&b'\n') {
            return Err(TrunkError::Invalid { what: "no whole lines of a trunk binlog" });
        }
        self.note_foreign()?;
        let mut log = self.lock_log();
        if !self.lock_conns().may_send(conn) {
            return Err(TrunkError::Invalid {
                what: "lines of a trunk binlog that another connection has sent meanwhile",
            });
        }
        Ok(log.append(lines)?)
    }

    /// The trunk server's log begins anew (33).
    pub(super) fn begin_anew(&self) -> Result<(), TrunkError> {
        self.note_foreign()?;
        let mut log = self.lock_log();
        self.lock_conns().begins_anew();
        log.begin_anew(self.parts.params.trunk_binlog_max_backups, &local_stamp())?;
        Ok(())
    }

    /// This storage is to become the trunk server (32): nobody has any part of its log.
    pub(super) fn drop_marks(&self) -> Result<(), TrunkError> {
        self.note_foreign()?;
        Ok(self.lock_log().remove_marks()?)
    }

    /// Bytes of the log (31).
    pub(super) fn log_size(&self) -> u64 {
        self.lock_log().len_bytes()
    }

    /// Another storage of ours asks or tells of the log (246).
    pub(super) fn log_request(
        &self,
        request: &TrunkLogRequest,
        conn: SocketAddr,
    ) -> Result<TrunkLogAnswer, TrunkError> {
        let (term, serves, held) = {
            let mut state = self.lock();
            let held = if state.serves { Some(state.term.generation) } else { state.claim };
            if held.is_some_and(|held| request.generation > held) {
                state.claim = None;
            }
            (state.term, state.serves, held)
        };
        let goes_on = held.is_some_and(|held| request.generation <= held);
        match request.purpose {
            _ if goes_on => {}
            TrunkLogPurpose::TakeOver => {
                if serves {
                    self.close()?;
                    self.save_term(TrunkTerm { is_origin: false, ..term })?;
                    tracing::info!("another storage has become the trunk server, generation {}", request.generation);
                }
            }
            TrunkLogPurpose::Log => {
                if serves {
                    self.close()?;
                }
                self.save_term(TrunkTerm::copied(request.generation, request.doubtful_below))?;
                // Before the size that is answered: what is still on another connection does not change it any more.
                self.lock_conns().announced(conn);
            }
            TrunkLogPurpose::Complete => {
                if request.generation == term.generation {
                    self.save_term(TrunkTerm { complete_bytes: Some(request.offset), ..term })?;
                }
            }
        }
        let log = self.lock_log();
        let now = self.lock().term;
        let max = usize::try_from(request.max).unwrap_or(usize::MAX).min(TrunkLogAnswer::LINES_MAX);
        Ok(TrunkLogAnswer {
            generation: if goes_on { held.unwrap_or(term.generation) } else { now.generation },
            size: log.len_bytes(),
            serves: goes_on,
            doubtful_below: now.doubtful_below,
            lines: if max > 0 { log.lines_at(request.offset, max)? } else { Vec::new() },
        })
    }
}
