//! What a proxy in front says of its client: believed of listed peers only.

use std::net::{IpAddr, SocketAddr};

use crate::pure::request::Request;
use crate::pure::settings::Settings;

/// Puts the client in the place of a listed proxy.
pub fn apply(settings: &Settings, request: &mut Request<'_>) {
    let is_listed = |ip: IpAddr| settings.trusted_proxies.iter().any(|network| network.contains(ip));
    if !is_listed(request.peer) {
        return;
    }
    if let Some(proto) = request.fields.text("x-forwarded-proto") {
        request.is_secure = proto.eq_ignore_ascii_case("https");
    }
    // The last address that no listed proxy has is the client's; what stands before it the client may have made up.
    let listed = request.fields.all("x-forwarded-for").filter_map(|value| std::str::from_utf8(value).ok());
    let list: Vec<&str> = listed.flat_map(|value| value.split(',')).collect();
    let mut from_the_end = list.iter().rev().map_while(|text| address(text.trim()));
    if let Some(ip) = from_the_end.find(|&ip| !is_listed(ip)) {
        request.peer = ip;
    }
}

/// An address, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let ip = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|addr| addr.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pure::fields::Fields;
    use crate::pure::request::Method;

    #[test]
    fn what_a_client_makes_up_does_not_hide_it() {
        let settings = Settings { trusted_proxies: vec!["10.0.0.1".parse().unwrap()], ..Settings::default() };
        for (list, client) in [
            ("garbage, 1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, garbage, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
            ("6.6.6.6, garbage", "10.0.0.1"),
            ("1.2.3.4:5678", "1.2.3.4"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("", "10.0.0.1"),
        ] {
            let mut request = Request {
                method: Method::Get,
                target: b"/",
                fields: Fields(vec![("X-Forwarded-For", list.as_bytes())]),
                is_secure: false,
                local_port: 80,
                peer: "10.0.0.1".parse().unwrap(),
                now_us: 0,
            };
            apply(&settings, &mut request);
            assert_eq!(request.peer, client.parse::<IpAddr>().unwrap(), "{list}");
        }
    }

    #[test]
    fn forwarded_fields_count_from_listed_peers_only() {
        let proxy = "10.0.0.1".parse().unwrap();
        let fields = Fields(vec![("X-Forwarded-For", b"6.6.6.6, 1.2.3.4".as_slice()), ("x-forwarded-proto", b"https")]);
        for (peer, trusted, client, is_secure) in [
            ("10.0.0.1", vec![proxy], "1.2.3.4", true),
            ("10.0.0.2", vec![proxy], "10.0.0.2", false),
            ("10.0.0.2", vec!["10.0.0.0/24".parse().unwrap()], "1.2.3.4", true),
            ("10.0.1.2", vec!["10.0.0.0/24".parse().unwrap()], "10.0.1.2", false),
            ("10.0.0.2", vec!["10.0.0.0/24".parse().unwrap(), "1.2.0.0/16".parse().unwrap()], "6.6.6.6", true),
            ("10.0.0.1", vec![], "10.0.0.1", false),
        ] {
            let settings = Settings { trusted_proxies: trusted, ..Settings::default() };
            let mut request = Request {
                method: Method::Get,
                target: b"/",
                fields: fields.clone(),
                is_secure: false,
                local_port: 80,
                peer: peer.parse().unwrap(),
                now_us: 0,
            };
            apply(&settings, &mut request);
            assert_eq!((request.peer, request.is_secure), (client.parse().unwrap(), is_secure), "{peer}");
        }
    }
}
