//! 78: a storage has a new address.

use crate::limits::{GROUP_NAME_LEN, IPV6_LEN};
use crate::{Command, GroupName, IpText, Reader, Request, Wire, WireError};

/// Request of `STORAGE_REPORT_IP_CHANGED` (78), not joined; 108 bytes, the answer is empty.
///
/// | offset | size | field  | unit                                           |
/// |-------:|-----:|--------|------------------------------------------------|
/// |      0 |   16 | group  | text, NUL-padded                               |
/// |     16 |   46 | old ip | text, NUL-padded                               |
/// |     62 |   46 | new ip | text, NUL-padded; must be the sender's address |
///
/// Differs from C: with storage ids the reference sends the request back with status 95; ours is empty.
///
/// Source: wire specification, 2.3.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportIpChanged {
    /// The group.
    pub group: GroupName,
    /// The address it had.
    pub old_ip: IpText,
    /// The address it has.
    pub new_ip: IpText,
}

impl Wire for ReportIpChanged {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.old_ip.put(out, IPV6_LEN);
        self.new_ip.put(out, IPV6_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            group: GroupName::read(reader, GROUP_NAME_LEN)?,
            old_ip: IpText::read(reader, IPV6_LEN)?,
            new_ip: IpText::read(reader, IPV6_LEN)?,
        })
    }
}

impl Request for ReportIpChanged {
    const COMMAND: Command = Command::StorageReportIpChanged;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Put;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn the_recorded_report_reads_and_writes_back() {
        let report = ReportIpChanged {
            group: "group1".parse().unwrap(),
            old_ip: "10.9.9.8".parse().unwrap(),
            new_ip: "10.9.9.9".parse().unwrap(),
        };
        let mut bytes = b"group1\0\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.put_padded(b"10.9.9.8", 46);
        bytes.put_padded(b"10.9.9.9", 46);
        assert_eq!(bytes.len(), 108);
        check::fixed(&report, &bytes);
    }

    proptest! {
        #[test]
        fn any_report_round_trips(group in check::group(), old_ip in check::ip(), new_ip in check::ip()) {
            check::round_trip(&ReportIpChanged { group, old_ip, new_ip });
        }
    }
}
