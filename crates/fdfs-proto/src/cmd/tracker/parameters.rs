//! 75: what the tracker's configuration lays down for the storages.

use std::fmt::Display;
use std::str::FromStr;

use crate::cmd::tracker::{IdType, ReservedSpace, StorePathRule, TimeOfDay};
use crate::shared::AddrSize;
use crate::{Put, Reader, Wire, WireError};

/// The answer must stay below this many bytes, the buffer of C storages.
pub const PARAMETERS_MAX: usize = 1024;

empty_request! {
    /// Request of `STORAGE_PARAMETER_REQ` (75): empty; the answer is the [`Parameters`].
    ///
    /// Source: wire specification, 2.3.8.
    ParametersRequest = StorageParameterReq
}

/// How one value is written and read.
trait Value: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

/// Values that are written and read as their texts.
macro_rules! plain_values {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

plain_values!(u32, u64, ReservedSpace, TimeOfDay);

impl Value for bool {
    fn write(&self) -> String {
        u8::from(*self).to_string()
    }
    fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

impl Value for IdType {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        Some(if text.eq_ignore_ascii_case("id") { Self::Id } else { Self::Ip })
    }
}

impl Value for StorePathRule {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        let number: i64 = text.parse().ok()?;
        Some(if number == 2 { Self::MostFree } else { Self::RoundRobin })
    }
}

impl Value for AddrSize {
    fn write(&self) -> String {
        self.width().to_string()
    }
    fn read(text: &str) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|size| size.width().to_string() == text)
    }
}

/// The key of a field: its own name, unless it has a unit.
macro_rules! key {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// One table: the fields, the keys (they have the same names), the order, the defaults.
macro_rules! parameters {
    ($($field:ident $(as $key:literal)?: $kind:ty = $default:expr, $doc:literal;)*) => {
        /// Answer of 75: INI text, one `key=value` line for each field, in the order of the fields; below 1024 bytes.
        ///
        /// Keys are named as the fields, without their units. Booleans are 0 or 1. Readers ignore unknown keys and take
        /// the default for a missing one.
        ///
        /// Source: wire specification, 2.3.8; configuration, 4.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Parameters {
            $(#[doc = $doc] pub $field: $kind,)*
        }

        impl Default for Parameters {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Parameters {
            /// The keys, in the order in which they are written.
            pub const KEYS: &[&str] = &[$(key!($field $($key)?),)*];

            fn for_each(&self, mut write: impl FnMut(&str, &dyn Display)) {
                $(write(key!($field $($key)?), &self.$field.write());)*
            }

            fn set(&mut self, key: &str, value: &str) -> Result<(), WireError> {
                match key {
                    $(key!($field $($key)?) => {
                        let field = key!($field $($key)?);
                        self.$field = Value::read(value).ok_or_else(|| WireError::bad_text(field, value.as_bytes()))?;
                    })*
                    _ => {}
                }
                Ok(())
            }
        }
    };
}

parameters! {
    use_storage_id: bool = false, "Whether storages have ids of their own.";
    id_type_in_filename: IdType = IdType::Ip, "Which number stands in file names.";
    trust_storage_server_id: bool = true, "Whether the id that a storage sends is taken.";
    response_ip_addr_size: AddrSize = AddrSize::V4, "The width of addresses in some answers.";
    storage_ip_changed_auto_adjust: bool = true, "Whether storages report a new address.";
    storage_sync_file_max_delay_secs as "storage_sync_file_max_delay": u32 = 86400,
        "After this time every storage is taken to have a file.";
    store_path: StorePathRule = StorePathRule::RoundRobin, "Which store path takes a new file.";
    reserved_storage_space: ReservedSpace = ReservedSpace::default(), "What is kept free on the disks.";
    use_trunk_file: bool = false, "Whether small files go into trunk files.";
    slot_min_size_bytes as "slot_min_size": u32 = 256, "The smallest block in a trunk file.";
    slot_max_size_bytes as "slot_max_size": u32 = 8 << 20, "The largest block in a trunk file.";
    trunk_alloc_alignment_size_bytes as "trunk_alloc_alignment_size": u32 = 0,
        "Blocks are multiples of this; 0: any size.";
    trunk_file_size_bytes as "trunk_file_size": u32 = 64 << 20, "The size of a trunk file.";
    trunk_create_file_advance: bool = false, "Whether trunk files are made before they are needed.";
    trunk_create_file_time_base: TimeOfDay = TimeOfDay { hour: 2, minute: 0 }, "When they are made first.";
    trunk_create_file_interval_secs as "trunk_create_file_interval": u32 = 86400, "The time between two such times.";
    trunk_create_file_space_threshold_bytes as "trunk_create_file_space_threshold": u64 = 0,
        "Free space in trunk files that is enough.";
    trunk_init_check_occupying: bool = false, "Whether free blocks are checked at the start.";
    trunk_init_reload_from_binlog: bool = false, "Whether the whole trunk binlog is read at the start.";
    trunk_free_space_merge: bool = false, "Whether neighbouring free blocks are joined.";
    delete_unused_trunk_files: bool = false, "Whether wholly free trunk files are removed.";
    trunk_compress_binlog_min_interval_secs as "trunk_compress_binlog_min_interval": u32 = 0,
        "The least time between two compactions of the trunk binlog; 0: never compact.";
    trunk_compress_binlog_interval_secs as "trunk_compress_binlog_interval": u32 = 0,
        "The time between two compactions; 0: no fixed times.";
    trunk_compress_binlog_time_base: TimeOfDay = TimeOfDay { hour: 3, minute: 0 }, "When it is compacted first.";
    trunk_binlog_max_backups: u32 = 0, "Copies of the trunk binlog that are kept.";
    store_slave_file_use_link: bool = false, "Whether slave files are stored as links.";
}

impl Wire for Parameters {
    fn encode(&self, out: &mut Vec<u8>) {
        self.for_each(|key, value| out.put_bytes(format!("{key}={value}\n").as_bytes()));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let text = reader.rest();
        let text = std::str::from_utf8(text).map_err(|_| WireError::bad_text("parameters", text))?;
        let mut parameters = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            parameters.set(key.trim(), value.trim())?;
        }
        Ok(parameters)
    }
}

/// Reads the text of an answer.
impl FromStr for Parameters {
    type Err = WireError;
    fn from_str(text: &str) -> Result<Self, WireError> {
        Self::from_bytes(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    const SAMPLE: &str = "use_storage_id=0\nid_type_in_filename=ip\ntrust_storage_server_id=1\nresponse_ip_addr_size=16\n\
        storage_ip_changed_auto_adjust=1\nstorage_sync_file_max_delay=86400\nstore_path=0\nreserved_storage_space=1.00%\n\
        use_trunk_file=0\nslot_min_size=256\nslot_max_size=1048576\ntrunk_alloc_alignment_size=256\n\
        trunk_file_size=67108864\ntrunk_create_file_advance=0\ntrunk_create_file_time_base=02:00\n\
        trunk_create_file_interval=86400\ntrunk_create_file_space_threshold=21474836480\n\
        trunk_init_check_occupying=0\ntrunk_init_reload_from_binlog=0\ntrunk_free_space_merge=1\n\
        delete_unused_trunk_files=0\ntrunk_compress_binlog_min_interval=86400\ntrunk_compress_binlog_interval=86400\n\
        trunk_compress_binlog_time_base=03:00\ntrunk_binlog_max_backups=7\nstore_slave_file_use_link=0\n";

    #[test]
    fn the_recorded_text_reads_and_writes_back() {
        let parameters: Parameters = SAMPLE.parse().unwrap();
        assert_eq!(SAMPLE.len(), 739);
        assert_eq!(String::from_utf8(parameters.to_bytes()).unwrap(), SAMPLE);
        assert_eq!(parameters.reserved_storage_space, ReservedSpace::Share { hundredths: 100 });
        assert_eq!(parameters.slot_max_size_bytes, 1 << 20);
        assert_eq!(parameters.trunk_binlog_max_backups, 7);
        check::fixed(&ParametersRequest, b"");
    }

    #[test]
    fn missing_keys_have_their_defaults_and_unknown_ones_are_ignored() {
        assert_eq!("".parse(), Ok(Parameters::default()));
        let parameters: Parameters =
            "# new\nno_such_key=1\nuse_trunk_file = 1\r\nid_type_in_filename=id".parse().unwrap();
        let wanted = Parameters { use_trunk_file: true, id_type_in_filename: IdType::Id, ..Parameters::default() };
        assert_eq!(parameters, wanted);
    }

    #[test]
    fn a_value_that_means_nothing_is_refused() {
        for bad in
            ["use_storage_id=2", "slot_min_size=-1", "trunk_create_file_time_base=25:00", "response_ip_addr_size=17"]
        {
            assert!(bad.parse::<Parameters>().is_err(), "{bad}");
        }
        assert!(Parameters::from_bytes(&[0xFF]).is_err());
    }

    #[test]
    fn every_cut_of_the_text_is_judged_without_a_panic() {
        for len in 0..SAMPLE.len() {
            let _ = SAMPLE[..len].parse::<Parameters>();
        }
    }

    #[test]
    fn the_longest_text_fits_a_c_storage() {
        let longest = Parameters {
            storage_sync_file_max_delay_secs: u32::MAX,
            reserved_storage_space: ReservedSpace::Megabytes(u64::MAX),
            slot_min_size_bytes: u32::MAX,
            slot_max_size_bytes: u32::MAX,
            trunk_alloc_alignment_size_bytes: u32::MAX,
            trunk_file_size_bytes: u32::MAX,
            trunk_create_file_interval_secs: u32::MAX,
            trunk_create_file_space_threshold_bytes: u64::MAX,
            trunk_compress_binlog_min_interval_secs: u32::MAX,
            trunk_compress_binlog_interval_secs: u32::MAX,
            trunk_binlog_max_backups: u32::MAX,
            ..Parameters::default()
        };
        assert!(longest.to_bytes().len() < PARAMETERS_MAX);
        assert_eq!(Parameters::KEYS.len(), 26);
    }

    proptest! {
        #[test]
        fn any_parameters_round_trip(
            flags: [bool; 11],
            numbers: [u32; 9],
            threshold: u64,
            mb: u64,
            times in [(0..24u8, 0..60u8), (0..24u8, 0..60u8)],
        ) {
            let [base, compress] = times.map(|(hour, minute)| TimeOfDay { hour, minute });
            check::round_trip(&Parameters {
                use_storage_id: flags[0],
                id_type_in_filename: if flags[1] { IdType::Id } else { IdType::Ip },
                trust_storage_server_id: flags[2],
                response_ip_addr_size: if flags[3] { AddrSize::V6 } else { AddrSize::V4 },
                storage_ip_changed_auto_adjust: flags[4],
                storage_sync_file_max_delay_secs: numbers[0],
                store_path: if flags[5] { StorePathRule::MostFree } else { StorePathRule::RoundRobin },
                reserved_storage_space: ReservedSpace::Megabytes(mb),
                use_trunk_file: flags[6],
                slot_min_size_bytes: numbers[1],
                slot_max_size_bytes: numbers[2],
                trunk_alloc_alignment_size_bytes: numbers[3],
                trunk_file_size_bytes: numbers[4],
                trunk_create_file_advance: flags[7],
                trunk_create_file_time_base: base,
                trunk_create_file_interval_secs: numbers[5],
                trunk_create_file_space_threshold_bytes: threshold,
                trunk_init_check_occupying: flags[8],
                trunk_init_reload_from_binlog: flags[9],
                trunk_free_space_merge: flags[10],
                delete_unused_trunk_files: flags[0],
                trunk_compress_binlog_min_interval_secs: numbers[6],
                trunk_compress_binlog_interval_secs: numbers[7],
                trunk_compress_binlog_time_base: compress,
                trunk_binlog_max_backups: numbers[8],
                store_slave_file_use_link: flags[1],
            });
        }
    }
}
