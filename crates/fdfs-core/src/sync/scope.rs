//! Which records go to the peer.

use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};

/// Which records go to the peer: those of changes that clients made here, and while this storage copies its old files
/// to a new member, those that came in by replication, too.
///
/// Source: behaviour, 4.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// Replicated changes up to this time go to the peer, too, unix seconds.
    pub old_until_secs: Option<i64>,
}

impl Scope {
    /// Whether a record goes to the peer. Replicated appends, changes and cuts never do: the file as it is goes with the
    /// record that made it.
    #[must_use]
    pub fn takes(&self, record: &BinlogRecord) -> bool {
        match record.origin {
            Origin::Source => true,
            Origin::Replica => {
                let is_old = self.old_until_secs.is_some_and(|until| i64::from(record.timestamp) <= until);
                is_old
                    && match record.op {
                        Op::Create | Op::Update | Op::Delete | Op::Link { .. } | Op::Rename { .. } => true,
                        Op::Append { .. } | Op::Modify { .. } | Op::Truncate { .. } => false,
                    }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_own_records_go_and_replicated_ones_only_while_they_are_old() {
        let takes =
            |line: &str, old_until_secs| Scope { old_until_secs }.takes(&BinlogRecord::parse(line.as_bytes()).unwrap());
        let name = "M00/00/00/Ck4CC2sADxWACLcPAAAAATC6lZk824.txt";
        for letter in ["C", "D", "U", "L", "R", "A", "M", "T"] {
            let more = if "AMT".contains(letter) { " 1 2" } else { "" };
            let line = format!("100 {letter} {name}{more}");
            assert!(takes(&line, None) && takes(&line, Some(50)), "{line}");
            let line = format!("100 {} {name}{more}", letter.to_lowercase());
            assert_eq!(takes(&line, Some(100)), more.is_empty(), "{line}");
            assert!(!takes(&line, Some(99)) && !takes(&line, None), "{line}");
        }
    }
}
