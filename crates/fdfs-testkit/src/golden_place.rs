//! Where recorded servers are now: other addresses and ports stand for those of the recording, in state files, in names of
//! marks, and in the names of files, which hold the address of their maker.
//!
//! All replacements are as long as what they replace, so that offsets stay true: addresses of `127.1.2.11`'s kind for
//! `10.78.2.11`, ports of five digits, and four characters of base64 for the three bytes that the addresses begin with.

use std::net::Ipv4Addr;

use fdfs_proto::file_id::base64;

/// The network of the recorded servers.
const RECORDED_NETWORK: &str = "10.78.2.";
/// The same at the beginning of a file name.
const RECORDED_MAKER: &str = "Ck4C";

/// What stands for what. The default changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pairs: Vec<(String, String)>,
}

impl Place {
    /// Servers with the host numbers of the recording in the network of `any_ip`, and these ports for the recorded ones.
    ///
    /// # Panics
    /// What is replaced and what stands for it are not equally long.
    #[must_use]
    pub fn new(any_ip: Ipv4Addr, ports: &[(u16, u16)]) -> Self {
        let [a, b, c, _] = any_ip.octets();
        let maker: [u8; 4] = base64::encode(&[a, b, c]);
        let mut pairs = vec![
            (RECORDED_NETWORK.to_owned(), format!("{a}.{b}.{c}.")),
            (RECORDED_MAKER.to_owned(), String::from_utf8(maker.to_vec()).unwrap()),
        ];
        pairs.extend(ports.iter().map(|(old, new)| (old.to_string(), new.to_string())));
        for (old, new) in &pairs {
            assert_eq!(old.len(), new.len(), "{old} and {new}");
        }
        Self { pairs }
    }

    /// A text of the recording as it is now.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }

    /// The content of the recorded file `<base or store path>/...`. State files and links in trunk files name servers and
    /// files; the content of users' files is nobody's business.
    #[must_use]
    pub fn content(&self, path: &str, bytes: Vec<u8>) -> Vec<u8> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let is_trunk_file = name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
        if is_trunk_file {
            return self.links_in(bytes);
        }
        let is_state = path.starts_with("base/") || name.starts_with(".binlog.recovery");
        if !is_state || self.pairs.is_empty() {
            return bytes;
        }
        self.text(&String::from_utf8(bytes).unwrap()).into_bytes()
    }

    /// The logic names in a trunk file.
    fn links_in(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let Some((_, new)) = self.pairs.get(1) else { return bytes };
        let link = format!("/00/00/{RECORDED_MAKER}");
        let mut from = 0;
        while let Some(found) = bytes[from..].windows(link.len()).position(|window| window == link.as_bytes()) {
            let end = from + found + link.len();
            bytes[end - new.len()..end].copy_from_slice(new.as_bytes());
            from = end;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_those_of_the_new_place() {
        let place = Place::new(Ipv4Addr::new(127, 1, 2, 11), &[(23000, 12345)]);
        assert_eq!(place.text("10.78.2.12_23000.mark"), "127.1.2.12_12345.mark");
        let name = "M00/00/00/Ck4CC2sADxWACLcPAAAAATC6lZk824.txt";
        let moved: fdfs_proto::FileName = place.text(name).parse().unwrap();
        let logic = fdfs_proto::file_id::LogicName::parse(&moved).unwrap();
        assert_eq!(logic.as_str(), "M00/00/00/fwECC2sADxWACLcPAAAAATC6lZk824.txt");
        assert_eq!(place.content("p0/data/00/00/x.txt", b"10.78.2.11".to_vec()), b"10.78.2.11");
        assert_eq!(place.content("base/data/x", b"10.78.2.11 23000".to_vec()), b"127.1.2.11 12345");
        let block = place.content("p0/data/00/00/000001", format!("L{name}").into_bytes());
        assert_eq!(block, b"LM00/00/00/fwECC2sADxWACLcPAAAAATC6lZk824.txt");
    }
}
