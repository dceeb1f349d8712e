//! Values that are one of a few words or numbers.

/// Defines an enum whose values are words of configuration files.
macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $word:literal, )* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name { $( $(#[$variant_doc])* $variant, )* }

        impl $name {
            /// The value of a word, in any case.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                $( if word.eq_ignore_ascii_case($word) { return Some(Self::$variant); } )*
                None
            }

            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    )*};
}

/// Defines an enum whose values are numbers of configuration files.
macro_rules! numbers {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $number:literal, )* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name { $( $(#[$variant_doc])* $variant, )* }

        impl $name {
            /// The value of a number.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $( $number => Some(Self::$variant), )* _ => None }
            }

            /// The number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $( Self::$variant => $number, )* }
            }
        }
    )*};
}

words! {
    /// Which address families a server listens on (`address_family`).
    AddressFamily {
        /// From `bind_addr`, else IPv4 if the host has one that others can reach, else both.
        #[default]
        Auto = "auto",
        /// IPv4 only.
        V4 = "IPv4",
        /// IPv6 only.
        V6 = "IPv6",
        /// Both.
        Both = "both",
    }

    /// What stands for the source in a file id (`id_type_in_filename`).
    IdType {
        /// The source's address.
        #[default]
        Ip = "ip",
        /// The source's number in storage_ids.conf.
        Id = "id",
    }

    /// How wide addresses in answers are (`response_ip_addr_size`).
    ResponseIpAddrSize {
        /// IPv6 size only if storage_ids.conf has an IPv6 address.
        #[default]
        Auto = "auto",
        /// 16 bytes.
        V4 = "IPv4",
        /// 46 bytes.
        V6 = "IPv6",
    }

    /// How duplicates of files are found (`file_signature_method`).
    SignatureMethod {
        /// Four hashes of the content.
        #[default]
        Hash = "hash",
        /// The MD5 of the content.
        Md5 = "md5",
    }

    /// What the client's acknowledgement of an upload means (`durability`, a key of our own).
    Durability {
        /// File and binlog record are with the operating system: they survive the end of the process, not a power cut.
        None = "none",
        /// File data, its directory entry and the binlog record are on stable storage.
        #[default]
        Disk = "disk",
    }

    /// Which of two addresses of a storage a client tries first (`connect_first_by`).
    ConnectFirstBy {
        /// The one that the tracker told.
        #[default]
        Tracker = "tracker",
        /// The one that worked last time.
        LastConnected = "last-connected",
    }

    /// What happens to a file that is not on the local disk (`response_mode`).
    ResponseMode {
        /// It is fetched from its source.
        #[default]
        Proxy = "proxy",
        /// The client is sent to its source.
        Redirect = "redirect",
    }

    /// The resolution of times in the access log (`time_precision`).
    TimePrecision {
        /// Milliseconds.
        #[default]
        Millisecond = "ms",
        /// Microseconds.
        Microsecond = "us",
    }

    /// What is logged (`log_level`): messages of this level and all before it.
    LogLevel {
        /// The system is unusable.
        Emerg = "emerg",
        /// Somebody must act at once.
        Alert = "alert",
        /// Critical conditions.
        Crit = "crit",
        /// Errors.
        Error = "error",
        /// Warnings.
        Warn = "warn",
        /// Normal, but worth knowing.
        Notice = "notice",
        /// What happens.
        #[default]
        Info = "info",
        /// What only developers need.
        Debug = "debug",
    }
}

numbers! {
    /// How the tracker chooses the group of an upload (`store_lookup`).
    StoreLookup {
        /// One after the other.
        #[default]
        RoundRobin = 0,
        /// Always `store_group`.
        SpecifiedGroup = 1,
        /// The group with the most free space.
        LoadBalance = 2,
    }

    /// How the tracker chooses the storage of an upload (`store_server`).
    StoreServer {
        /// One after the other.
        #[default]
        RoundRobin = 0,
        /// The first by the order of ids or addresses.
        FirstById = 1,
        /// The one with the least `upload_priority`.
        FirstByPriority = 2,
    }

    /// How the tracker chooses the storage of a download (`download_server`).
    DownloadServer {
        /// One after the other.
        #[default]
        RoundRobin = 0,
        /// The storage that received the upload.
        Source = 1,
    }

    /// How the store path of an upload is chosen (`store_path`).
    StorePathChoice {
        /// One after the other.
        #[default]
        RoundRobin = 0,
        /// The one with the most free space.
        MostFree = 2,
    }

    /// How the sub directories of a new file are chosen (`file_distribute_path_mode`).
    DistributeMode {
        /// One after the other.
        #[default]
        RoundRobin = 0,
        /// By the hash of the name.
        Hash = 1,
    }
}

impl LogLevel {
    /// The level whose word a text begins with, in any case: `DEBUGxx` is debug.
    #[must_use]
    pub fn from_prefix(text: &str) -> Option<Self> {
        [Self::Emerg, Self::Alert, Self::Crit, Self::Error, Self::Warn, Self::Notice, Self::Info, Self::Debug]
            .into_iter()
            .find(|level| text.get(..level.word().len()).is_some_and(|head| head.eq_ignore_ascii_case(level.word())))
    }
}

impl TimePrecision {
    /// `ms`, `millisecond`, `us` or `microsecond`; case counts.
    #[must_use]
    pub fn from_any_word(word: &str) -> Option<Self> {
        match word {
            "ms" | "millisecond" => Some(Self::Millisecond),
            "us" | "microsecond" => Some(Self::Microsecond),
            _ => None,
        }
    }
}

impl ConnectFirstBy {
    /// `tracker`, or anything that begins with `last`.
    #[must_use]
    pub fn from_prefix(text: &str) -> Option<Self> {
        if text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("last")) {
            return Some(Self::LastConnected);
        }
        Self::from_word(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_levels_match_by_their_beginning() {
        assert_eq!(LogLevel::from_prefix("DEBUGxx"), Some(LogLevel::Debug));
        assert_eq!(LogLevel::from_prefix("warning"), Some(LogLevel::Warn));
        assert_eq!(LogLevel::from_prefix("\"debug\""), None);
        assert_eq!(LogLevel::from_prefix("verbose"), None);
    }

    #[test]
    fn numbers_and_words_read_back() {
        for number in [0, 2] {
            assert_eq!(StorePathChoice::from_number(number).map(|c| i32::from(c.number())), Some(number));
        }
        assert_eq!(StorePathChoice::from_number(1), None);
        assert_eq!(AddressFamily::from_word("ipv6"), Some(AddressFamily::V6));
    }
}
