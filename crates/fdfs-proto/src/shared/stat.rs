//! The counters of a storage.

use crate::{Put, Reader, Wire, WireError};

/// A pair of counters: how often something was tried and how often it succeeded (or bytes of both).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// All tries.
    pub total: i64,
    /// The successful ones.
    pub success: i64,
}

/// Connections of a server: buffers allocated, open now, and the most that were ever open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounts {
    /// Allocated connection objects.
    pub alloc: u32,
    /// Open now.
    pub current: u32,
    /// The most that were open at once.
    pub max: u32,
}

macro_rules! storage_stat {
    ($($field:ident: $doc:literal,)*) => {
        /// The counters of a storage: body of the beat (83), part of the storage record (92).
        ///
        /// Three u32 of connections, then pairs of i64 (total, success), then four i64 of unix seconds; 348 bytes.
        ///
        /// Source: wire specification, 2.1.3.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct StorageStat {
            /// Connections of the storage.
            pub connections: ConnectionCounts,
            $(#[doc = $doc] pub $field: Counter,)*
            /// When a client last changed something here, unix seconds.
            pub last_source_update: i64,
            /// When replication last changed something here, unix seconds.
            pub last_sync_update: i64,
            /// Up to when everything of the peers has arrived, unix seconds.
            pub last_synced_timestamp: i64,
            /// When the tracker last heard a beat, unix seconds of the tracker.
            pub last_heart_beat_time: i64,
        }

        impl Wire for StorageStat {
            fn encode(&self, out: &mut Vec<u8>) {
                out.put_u32(self.connections.alloc);
                out.put_u32(self.connections.current);
                out.put_u32(self.connections.max);
                $(out.put_i64(self.$field.total); out.put_i64(self.$field.success);)*
                out.put_i64(self.last_source_update);
                out.put_i64(self.last_sync_update);
                out.put_i64(self.last_synced_timestamp);
                out.put_i64(self.last_heart_beat_time);
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self {
                    connections: ConnectionCounts {
                        alloc: reader.u32("alloc_count")?,
                        current: reader.u32("current_count")?,
                        max: reader.u32("max_count")?,
                    },
                    $($field: Counter {
                        total: reader.i64(stringify!($field))?,
                        success: reader.i64(stringify!($field))?,
                    },)*
                    last_source_update: reader.i64("last_source_update")?,
                    last_sync_update: reader.i64("last_sync_update")?,
                    last_synced_timestamp: reader.i64("last_synced_timestamp")?,
                    last_heart_beat_time: reader.i64("last_heart_beat_time")?,
                })
            }
        }
    };
}

storage_stat! {
    upload_count: "Uploads of whole files.",
    append_count: "Appends.",
    modify_count: "Modifications in place.",
    truncate_count: "Truncations.",
    set_meta_count: "Metadata written.",
    delete_count: "Files deleted.",
    download_count: "Downloads.",
    get_meta_count: "Metadata read.",
    create_link_count: "Links made.",
    delete_link_count: "Links deleted.",
    upload_bytes: "Bytes uploaded.",
    append_bytes: "Bytes appended.",
    modify_bytes: "Bytes modified.",
    download_bytes: "Bytes downloaded.",
    sync_in_bytes: "Bytes that peers sent.",
    sync_out_bytes: "Bytes sent to peers.",
    file_open_count: "Files opened.",
    file_read_count: "Reads of files.",
    file_write_count: "Writes to files.",
}

impl StorageStat {
    /// Bytes of the block.
    pub const LEN: usize = 348;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_round_trips_and_rejects_every_cut() {
        let bytes: Vec<u8> = (0..348u32).map(|n| (n * 7 % 251) as u8).collect();
        let stat = StorageStat::from_bytes(&bytes).unwrap();
        assert_eq!(stat.to_bytes(), bytes);
        assert_eq!(bytes.len(), StorageStat::LEN);
        for len in 0..bytes.len() {
            assert!(StorageStat::from_bytes(&bytes[..len]).is_err(), "cut at {len}");
        }
    }
}
