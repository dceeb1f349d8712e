//! The id of a storage in a cluster without storage ids.

use crate::file_id::base64;
use crate::{IpText, StorageId, WireError};

/// The id of a storage in a cluster without storage ids: an IPv4 address is its own id; an IPv6 address, too long for
/// the field, has a code of 12 characters.
///
/// The code: the CRC-32 of the text (without the final inversion) as eight bytes, the lowest first, in the base64 of
/// file names, with `.` as padding.
///
/// # Errors
/// [`WireError::TooLong`] for a text without `:` that is longer than an IPv4 address.
///
/// Source: wire specification, 2.3.13.
pub fn id_of_address(ip: &IpText) -> Result<StorageId, WireError> {
    if !ip.as_bytes().contains(&b':') {
        return StorageId::new(ip.as_bytes());
    }
    let crc = u64::from(crc32_not_inverted(ip.as_bytes()));
    let mut code = [b'.'; 12];
    code[..11].copy_from_slice(&base64::encode::<8, 11>(&crc.to_le_bytes()));
    StorageId::new(&code)
}

/// CRC-32 (zlib polynomial, initial value all ones) without the final inversion; bit by bit, as texts are short.
fn crc32_not_inverted(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_codes_come_out() {
        assert_eq!(id_of_address(&"fe80::1".parse().unwrap()).unwrap().as_str(), "VHI97gAAAAA.");
        assert_eq!(id_of_address(&"10.9.9.9".parse().unwrap()).unwrap().as_str(), "10.9.9.9");
        assert!(id_of_address(&"12345678901234567".parse().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn the_crc_is_that_of_zlib_before_its_last_step(bytes: Vec<u8>) {
            prop_assert_eq!(!crc32_not_inverted(&bytes), crc32fast::hash(&bytes));
        }

        #[test]
        fn every_ipv6_address_has_a_code_that_fits(ip: std::net::Ipv6Addr) {
            let id = id_of_address(&ip.to_string().parse().unwrap()).unwrap();
            prop_assert_eq!(id.as_bytes().len(), 12);
        }
    }
}
