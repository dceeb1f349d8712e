//! How large the files of a run are.

use std::fmt;
use std::str::FromStr;

/// The realistic mix: the hundred equal parts of a log-normal distribution, each by its mean, in bytes.
///
/// Of the files 61% are under 8 KB (8192 bytes) and their mean is 17 KB (17408 bytes), which fixes the distribution:
/// the logarithm of the size has the mean 8.5812 (a median of 5330 bytes) and the standard deviation 1.5385. The last
/// part stands for all files above 187 KB, so that the mean is exact without files that come once in a million.
const REALISTIC: [u32; 100] = [
    97, 189, 261, 328, 393, 456, 519, 582, 646, 710, 775, 841, 908, 977, 1047, 1118, 1191, 1266, 1342, 1420, 1501,
    1583, 1667, 1754, 1843, 1935, 2028, 2125, 2224, 2327, 2432, 2540, 2652, 2767, 2886, 3008, 3135, 3265, 3400, 3539,
    3682, 3831, 3985, 4144, 4309, 4480, 4657, 4840, 5031, 5229, 5435, 5648, 5871, 6102, 6343, 6595, 6857, 7131, 7417,
    7717, 8030, 8359, 8704, 9066, 9446, 9847, 10269, 10715, 11186, 11685, 12213, 12775, 13373, 14010, 14690, 15419,
    16202, 17044, 17953, 18938, 20008, 21176, 22456, 23864, 25423, 27158, 29103, 31301, 33807, 36693, 40061, 44051,
    48867, 54823, 62420, 72539, 86894, 109454, 152838, 374959,
];
/// From one file to the next: without a common divisor with 100, and far enough that neighbours differ.
const STRIDE: u64 = 37;

/// How large the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// All of so many bytes.
    Fixed(u64),
    /// As people store them. Any hundred files in a row have all of the hundred sizes, so that short runs compare, too.
    Realistic,
}

impl Sizes {
    /// The size of the file of a number, in bytes.
    pub(crate) fn of(self, number: u64) -> u64 {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Realistic => {
                let index = (number % REALISTIC.len() as u64) * STRIDE % REALISTIC.len() as u64;
                REALISTIC.get(index as usize).copied().unwrap_or_default().into()
            }
        }
    }
}

/// `4096`, `4K`, `1M`, `2G`, `mix`.
impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "mix" {
            return Ok(Self::Realistic);
        }
        let (digits, unit_bits) = match text.char_indices().last() {
            Some((at, 'K' | 'k')) => (&text[..at], 10),
            Some((at, 'M' | 'm')) => (&text[..at], 20),
            Some((at, 'G' | 'g')) => (&text[..at], 30),
            _ => (text, 0),
        };
        let bytes = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << unit_bits));
        // The protocol has 63 bits for it.
        match bytes.filter(|&bytes| i64::try_from(bytes).is_ok()) {
            Some(bytes) => Ok(Self::Fixed(bytes)),
            None => Err("write bytes, such as 4096, 4K or 1M, or mix".to_owned()),
        }
    }
}

/// As it is written.
impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Realistic => f.write_str("mix"),
            Self::Fixed(0) => f.write_str("0"),
            Self::Fixed(bytes) => {
                let units = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"), (1, "")];
                let whole = units.into_iter().find(|(unit, _)| bytes % unit == 0);
                whole.map_or(Ok(()), |(unit, name)| write!(f, "{}{name}", bytes / unit))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_realistic_files_61_percent_are_under_8_kb_and_their_mean_is_17_kb() {
        // Wherever one begins, a hundred files are enough.
        for first in [0, 1, 50, 12_345] {
            let sizes: Vec<u64> = (first..first + 100).map(|number| Sizes::Realistic.of(number)).collect();
            assert_eq!(sizes.iter().filter(|&&bytes| bytes < 8 << 10).count(), 61, "from {first} on");
            assert_eq!(sizes.iter().sum::<u64>() / 100, 17 << 10, "from {first} on");
        }
        assert!(REALISTIC.is_sorted());
    }

    #[test]
    fn small_and_large_files_alternate() {
        let large = |number| Sizes::Realistic.of(number) > 16 << 10;
        let longest = (0..1000u64).map(|first| (first..).take_while(|&n| !large(n)).count()).max();
        assert!(longest < Some(10), "{longest:?} small files in a row");
    }

    #[test]
    fn sizes_are_written_with_units_or_without() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("4k", 4096), ("4K", 4096), ("1M", 1 << 20), ("5G", 5 << 30)] {
            assert_eq!(text.parse(), Ok(Sizes::Fixed(bytes)), "{text}");
        }
        assert_eq!("mix".parse(), Ok(Sizes::Realistic));
        for text in ["", "K", "-1", "4KB", "1.5M", "99999999999999999999", "9999999999G"] {
            assert!(text.parse::<Sizes>().is_err(), "{text}");
        }
        for text in ["mix", "0", "100", "4K", "1M", "3G"] {
            assert_eq!(text.parse::<Sizes>().map(|sizes| sizes.to_string()), Ok(text.to_owned()));
        }
    }
}
