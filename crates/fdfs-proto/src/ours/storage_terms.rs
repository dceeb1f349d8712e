//! What a storage of ours tells a tracker of ours beyond its join: at which addresses it can be reached, and that it takes
//! no more uploads.

use crate::limits::IPV6_LEN;
use crate::ours::Network;
use crate::{Command, IpText, Put, Reader, Request, Wire, WireError};

/// The most routes of one storage.
pub const ROUTES_MAX: usize = 64;

/// The address that askers from one network are told.
///
/// | offset | size | field   | unit                                       |
/// |-------:|-----:|---------|--------------------------------------------|
/// |      0 |   17 | network | [`Network`]                                |
/// |     17 |   46 | ip      | text, NUL-padded                           |
/// |     63 |    2 | port    | u16 big-endian; 0 for the storage's own    |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Who asks.
    pub network: Network,
    /// The address that it is told.
    pub ip: IpText,
    /// The port that it is told; `None` for the storage's own.
    pub port: Option<u16>,
}

impl Wire for Route {
    fn encode(&self, out: &mut Vec<u8>) {
        self.network.put(out);
        self.ip.put(out, IPV6_LEN);
        out.extend_from_slice(&self.port.unwrap_or(0).to_be_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let network = Network::read(reader)?;
        let ip = IpText::read(reader, IPV6_LEN)?;
        let port = u16::from_be_bytes(reader.array("port")?);
        Ok(Self { network, ip, port: Some(port).filter(|&port| port != 0) })
    }
}

/// Request of `STORAGE_TERMS` (247), on a connection that joined: replaces what was told before. The answer is empty.
///
/// | offset | size   | field   | unit                                             |
/// |-------:|-------:|---------|--------------------------------------------------|
/// |      0 |      1 | drained | 1: takes no new uploads                          |
/// |      1 |      1 | count   | of routes, up to 64                              |
/// |      2 | n × 65 | routes  | [`Route`]; the first that matches an asker counts |
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageTerms {
    /// Whether it takes no new uploads.
    pub drained: bool,
    /// Where it is reached from where.
    pub routes: Vec<Route>,
}

impl Wire for StorageTerms {
    fn encode(&self, out: &mut Vec<u8>) {
        let routes = &self.routes[..self.routes.len().min(ROUTES_MAX)];
        out.put_u8(u8::from(self.drained));
        // At most 64.
        out.put_u8(u8::try_from(routes.len()).unwrap_or(u8::MAX));
        routes.iter().for_each(|route| route.encode(out));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let drained = reader.u8("drained")? != 0;
        let count = reader.u8("routes")?;
        if usize::from(count) > ROUTES_MAX {
            return Err(WireError::OutOfRange { field: "routes", value: count.into(), low: 0, high: 64 });
        }
        let routes = (0..count).map(|_| Route::decode(reader)).collect::<Result<_, _>>()?;
        Ok(Self { drained, routes })
    }
}

impl Request for StorageTerms {
    const COMMAND: Command = Command::StorageTerms;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terms_read_back_and_every_cut_is_refused() {
        let route =
            |network: &str, ip: &str, port| Route { network: network.parse().unwrap(), ip: ip.parse().unwrap(), port };
        let terms = StorageTerms {
            drained: true,
            routes: vec![route("10.0.0.0/8", "10.0.0.7", None), route("*", "2001:db8::7", Some(23001))],
        };
        let bytes = terms.to_bytes();
        assert_eq!(bytes.len(), 2 + 2 * 65);
        assert_eq!(StorageTerms::from_bytes(&bytes), Ok(terms));
        assert!((0..bytes.len()).all(|len| StorageTerms::from_bytes(&bytes[..len]).is_err()));
        assert_eq!(StorageTerms::from_bytes(&[0, 0]), Ok(StorageTerms::default()));
        assert!(StorageTerms::from_bytes(&[0, 65]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = StorageTerms::from_bytes(&bytes);
        }
    }
}
