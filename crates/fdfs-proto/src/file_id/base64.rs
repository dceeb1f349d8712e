//! The base64 of file names: `A-Z a-z 0-9 - _`, never padded, in arrays of fixed size.

/// The 64 characters, in the order of their values.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What stands in [`VALUES`] for a byte that is not in the alphabet.
const FOREIGN: u8 = 0xFF;

/// The value of each byte, or [`FOREIGN`].
const VALUES: [u8; 256] = {
    let mut values = [FOREIGN; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Characters that `bytes` bytes take without padding.
#[must_use]
pub const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Encodes `BYTES` bytes; `CHARS` must be [`encoded_len`] of it, which is checked when the program is compiled.
///
/// Source: wire specification, 3.3.
#[must_use]
pub fn encode<const BYTES: usize, const CHARS: usize>(bytes: &[u8; BYTES]) -> [u8; CHARS] {
    const { assert!(CHARS == encoded_len(BYTES), "as many characters as the bytes need") }
    let mut chars = [0; CHARS];
    for (three, four) in bytes.chunks(3).zip(chars.chunks_mut(4)) {
        let mut bits = 0u32;
        for (i, &byte) in three.iter().enumerate() {
            bits |= u32::from(byte) << (16 - 8 * i);
        }
        for (i, char) in four.iter_mut().enumerate() {
            *char = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63];
        }
    }
    chars
}

/// Decodes `CHARS` characters into the `BYTES` whole bytes they hold; `None` when one is not in the alphabet.
///
/// Bits of the last character that belong to no byte are not looked at.
///
/// Differs from C: a foreign character makes the whole text undecodable; C skips it and leaves bytes undefined.
///
/// Source: wire specification, 3.3.
#[must_use]
pub fn decode<const CHARS: usize, const BYTES: usize>(chars: &[u8; CHARS]) -> Option<[u8; BYTES]> {
    const { assert!(CHARS == encoded_len(BYTES), "as many characters as the bytes need") }
    let mut bytes = [0; BYTES];
    // One look at the end for all characters: values have no bit in common with FOREIGN's highest.
    let mut seen = 0;
    for (four, three) in chars.chunks(4).zip(bytes.chunks_mut(3)) {
        let mut bits = 0u32;
        for (i, &char) in four.iter().enumerate() {
            let value = VALUES[usize::from(char)];
            seen |= value;
            bits |= u32::from(value) << (18 - 6 * i);
        }
        three.copy_from_slice(&bits.to_be_bytes()[1..=three.len()]);
    }
    (seen & 0x80 == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn recorded_texts_decode_and_encode_back() {
        let bytes = hex!("0a4e010b 6b001000 803a79480000000b 0d4a1185");
        assert_eq!(decode(b"Ck4BC2sAEACAOnlIAAAACw1KEYU"), Some(bytes));
        assert_eq!(&encode::<20, 27>(&bytes), b"Ck4BC2sAEACAOnlIAAAACw1KEYU");
        let trunk = hex!("00000001 00000100 00000100");
        assert_eq!(decode(b"AAAAAQAAAQAAAAEA"), Some(trunk));
        assert_eq!(&encode::<12, 16>(&trunk), b"AAAAAQAAAQAAAAEA");
    }

    #[test]
    fn every_foreign_byte_at_every_place_is_refused() {
        for foreign in (0..=255u8).filter(|b| !ALPHABET.contains(b)) {
            for at in 0..27 {
                let mut chars = [b'A'; 27];
                chars[at] = foreign;
                assert_eq!(decode::<27, 20>(&chars), None, "{foreign:#x} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip(twenty: [u8; 20], twelve: [u8; 12], eight: [u8; 8]) {
            prop_assert_eq!(decode(&encode::<20, 27>(&twenty)), Some(twenty));
            prop_assert_eq!(decode(&encode::<12, 16>(&twelve)), Some(twelve));
            prop_assert_eq!(decode(&encode::<8, 11>(&eight)), Some(eight));
        }
    }
}
