//! What a proxy in front says of its client: believed of listed peers only.

use std::net::IpAddr;

use crate::pure::request::Request;
use crate::pure::settings::Settings;

/// Puts the client in the place of a listed proxy.
pub fn apply(settings: &Settings, request: &mut Request<'_>) {
    if !settings.trusted_proxies.contains(&request.peer) {
        return;
    }
    if let Some(proto) = request.fields.text("x-forwarded-proto") {
        request.is_secure = proto.eq_ignore_ascii_case("https");
    }
    // The last address that no listed proxy has is the client's; what stands before it the client may have made up.
    let listed = request.fields.all("x-forwarded-for").filter_map(|value| std::str::from_utf8(value).ok());
    let list: Vec<IpAddr> = listed.flat_map(|value| value.split(',')).map_while(|ip| ip.trim().parse().ok()).collect();
    if let Some(ip) = list.iter().rev().find(|ip| !settings.trusted_proxies.contains(ip)) {
        request.peer = *ip;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pure::fields::Fields;
    use crate::pure::request::Method;

    #[test]
    fn forwarded_fields_count_from_listed_peers_only() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let fields = Fields(vec![("X-Forwarded-For", b"6.6.6.6, 1.2.3.4".as_slice()), ("x-forwarded-proto", b"https")]);
        for (peer, trusted, client, is_secure) in [
            ("10.0.0.1", vec![proxy], "1.2.3.4", true),
            ("10.0.0.2", vec![proxy], "10.0.0.2", false),
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
