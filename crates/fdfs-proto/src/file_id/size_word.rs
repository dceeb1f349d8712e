//! The eight bytes of a name that hold size, flags and random bits.

/// The eight bytes of a name that hold size, flags and random bits.
///
/// |  bits | meaning                                                                     |
/// |------:|-----------------------------------------------------------------------------|
/// |    63 | the low 32 bits are the size; else the whole word is                        |
/// |    59 | a file in a trunk file                                                      |
/// |    58 | an appender file                                                            |
/// | 32-54 | 23 random bits, only with bit 63                                            |
/// |  0-31 | the size in bytes; 0 for appenders, whose size is only on the disk          |
///
/// Source: wire specification, 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeWord(pub u64);

impl SizeWord {
    /// The low 32 bits are the size.
    const SHORT: u64 = 1 << 63;
    /// A file in a trunk file.
    const TRUNK: u64 = 1 << 59;
    /// An appender file.
    const APPENDER: u64 = 1 << 58;
    /// How many random bits there are above the size.
    const RANDOM_BITS: u32 = 0x7F_FFFF;

    /// The word of a plain file; one of 4 GiB or more has no room for random bits.
    #[must_use]
    pub const fn regular(size: u64, random: u32) -> Self {
        if size > u32::MAX as u64 { Self(size) } else { Self(Self::SHORT | Self::random(random) | size) }
    }

    /// The word of an appender file; its size is never in its name.
    #[must_use]
    pub const fn appender(random: u32) -> Self {
        Self(Self::SHORT | Self::APPENDER | Self::random(random))
    }

    /// The word of a file in a trunk file.
    #[must_use]
    pub const fn trunk(size: u32, random: u32) -> Self {
        Self(Self::SHORT | Self::TRUNK | Self::random(random) | size as u64)
    }

    /// The 23 bits that are used of `random`, in their place.
    const fn random(random: u32) -> u64 {
        ((random & Self::RANDOM_BITS) as u64) << 32
    }

    /// Whether the file is in a trunk file.
    #[must_use]
    pub const fn is_trunk(self) -> bool {
        self.0 & Self::TRUNK != 0
    }

    /// Whether it is an appender file.
    #[must_use]
    pub const fn is_appender(self) -> bool {
        self.0 & Self::APPENDER != 0
    }

    /// The size in bytes, as far as the name knows it.
    #[must_use]
    pub const fn size(self) -> u64 {
        if self.0 & (Self::SHORT | Self::TRUNK) == 0 { self.0 } else { self.0 & u32::MAX as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_words_read_and_write() {
        assert_eq!(SizeWord::regular(11, 0x3A7948), SizeWord(0x803a_7948_0000_000b));
        assert_eq!(SizeWord::appender(0x023DAA), SizeWord(0x8402_3daa_0000_0000));
        assert_eq!(SizeWord::trunk(11, 0x12627A), SizeWord(0x8812_627a_0000_000b));
    }

    #[test]
    fn the_size_changes_its_form_at_4_gib() {
        let below = SizeWord::regular(0xFFFF_FFFF, u32::MAX);
        assert_eq!((below.0, below.size()), (0x807f_ffff_ffff_ffff, 0xFFFF_FFFF));
        let above = SizeWord::regular(0x1_0000_0000, u32::MAX);
        assert_eq!((above.0, above.size()), (0x1_0000_0000, 0x1_0000_0000));
    }

    proptest! {
        #[test]
        fn any_size_reads_back(size in 0..1u64 << 50, random: u32) {
            let word = SizeWord::regular(size, random);
            prop_assert_eq!((word.size(), word.is_trunk(), word.is_appender()), (size, false, false));
            let word = SizeWord::appender(random);
            prop_assert_eq!((word.size(), word.is_trunk(), word.is_appender()), (0, false, true));
            let word = SizeWord::trunk(size as u32, random);
            prop_assert_eq!((word.size(), word.is_trunk(), word.is_appender()), (u64::from(size as u32), true, false));
        }
    }
}
