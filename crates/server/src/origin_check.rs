//! The origin check that every request passes before anything else, and the security
//! headers of every answer.
//!
//! A server on this machine is reachable from every page that its browser opens. Three
//! things keep such pages out:
//!
//! - the `Host` must be one of ours, so that another name that leads to 127.0.0.1 (DNS
//!   rebinding) is refused;
//! - a browser's `Sec-Fetch-Site` and `Origin` must not name another site, neither for
//!   writing nor for embedding;
//! - no answer says that other sites may read it (no CORS).
//!
//! Programs such as curl send neither of the two headers and are answered: who can run
//! programs on this machine needs no browser.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::Authority},
    response::Response,
};

use crate::problem::{Code, Problem};

/// What the page may load: itself. Scripts and styles come from files alone, so that
/// nothing that is shown can become one.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The header of what a page may use of the device.
pub(crate) const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// What the page may use: the camera, for itself alone. Whoever opens it is asked by the browser
/// too. Nothing else that is served, reports included, may use anything.
pub(crate) const PAGE_PERMISSIONS: &str = "camera=(self), geolocation=(), microphone=()";

/// What a report may do: it is one file with its own script. The sandbox takes this
/// server's origin from it, so that it cannot use the API.
pub(crate) const REPORT_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; sandbox allow-scripts allow-popups";

/// The hosts that this server answers for.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Names, in lower case, beside `localhost`.
    names: Vec<String>,
    /// The address that is listened on. Where that is every network, any address may be ours:
    /// DNS rebinding needs a name, and an address is none.
    address: IpAddr,
}

impl Hosts {
    /// For a server that listens on `address`, which the user gave as `host`.
    pub(crate) fn new(host: &str, address: IpAddr) -> Self {
        let name = host.to_ascii_lowercase();
        let is_address = unbracketed(&name).parse::<IpAddr>().is_ok();
        Self {
            names: if is_address { Vec::new() } else { vec![name] },
            address,
        }
    }

    fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if let Ok(address) = unbracketed(&host).parse::<IpAddr>() {
            let own = self.address;
            return own.is_unspecified() || address.is_loopback() || address == own;
        }
        host == "localhost" || self.names.contains(&host)
    }
}

/// `::1` from `[::1]`.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// The authority that a request is for: of its address where that is absolute, else of
/// its one `Host`.
fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        return None;
    }
    let host: Authority = host.to_str().ok()?.parse().ok()?;
    // Credentials before a host can hide it.
    if host.as_str().contains('@') {
        return None;
    }
    match uri.authority() {
        Some(absolute) if *absolute != host => None,
        _ => Some(host),
    }
}

/// The value of a header that no honest client sends twice.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().unwrap_or("unreadable");
    Some(values.next().map_or(value, |_| "several"))
}

/// The scheme under which our page is seen: HTTP, unless a proxy that adds TLS says otherwise. Pages
/// of other sites cannot send its header without asking, and are not answered when they ask.
fn scheme(headers: &HeaderMap) -> &'static str {
    match value(headers, "x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    }
}

/// Accepts a request or says why not.
///
/// # Errors
/// [`Code::ForeignHost`] or [`Code::CrossSite`].
pub(crate) fn check(hosts: &Hosts, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let authority = authority(request.uri(), headers)
        .filter(|authority| hosts.allow(authority.host()))
        .ok_or_else(|| {
            Problem::new(
                Code::ForeignHost,
                "this server answers for the address that `bakeoff serve` printed, and for no \
                 other name",
            )
        })?;
    let other_site = |what: &str| {
        Problem::new(
            Code::CrossSite,
            format!("requests from other sites are not answered ({what})"),
        )
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match value(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => {}
        // Another page may link to this server, but not embed anything of it.
        Some(_) if reads && value(headers, "sec-fetch-mode") == Some("navigate") => {}
        Some(site) => return Err(other_site(&format!("Sec-Fetch-Site: {site}"))),
    }
    if !reads && let Some(origin) = value(headers, "origin") {
        let own = origin.split_once("://").is_some_and(|(found, host)| {
            found.eq_ignore_ascii_case(scheme(headers))
                && host.eq_ignore_ascii_case(authority.as_str())
        });
        if !own {
            return Err(other_site(&format!("Origin: {origin}")));
        }
    }
    Ok(())
}

/// Adds the security headers to an answer.
pub(crate) fn with_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (
            PERMISSIONS_POLICY,
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use axum::body::Body;

    use super::*;

    fn local() -> Hosts {
        Hosts::new("127.0.0.1", IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri("/api/v1/predict");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }

    fn code(hosts: &Hosts, method: &str, headers: &[(&str, &str)]) -> Option<Code> {
        check(hosts, &request(method, headers))
            .err()
            .map(|problem| problem.code())
    }

    #[test]
    fn only_our_own_hosts_are_answered() {
        for host in [
            "127.0.0.1:8000",
            "localhost:8000",
            "LOCALHOST",
            "[::1]:8000",
            "127.0.0.2",
        ] {
            assert_eq!(code(&local(), "GET", &[("host", host)]), None, "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "192.168.0.7",
            "user@localhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:8000",
        ] {
            assert_eq!(
                code(&local(), "GET", &[("host", host)]),
                Some(Code::ForeignHost),
                "{host}"
            );
        }
        assert_eq!(code(&local(), "GET", &[]), Some(Code::ForeignHost));
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(code(&local(), "GET", &twice), Some(Code::ForeignHost));
    }

    #[test]
    fn beyond_loopback_names_stay_closed_and_addresses_open() {
        let everywhere = Hosts::new("0.0.0.0", IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        assert_eq!(
            code(&everywhere, "GET", &[("host", "192.168.0.7:8000")]),
            None
        );
        let rebound = [("host", "evil.example:8000")];
        assert_eq!(code(&everywhere, "GET", &rebound), Some(Code::ForeignHost));
        let named = Hosts::new("Box.lan", IpAddr::V4(Ipv4Addr::new(192, 168, 0, 7)));
        for host in ["box.lan:8000", "192.168.0.7:8000", "localhost:8000"] {
            assert_eq!(code(&named, "GET", &[("host", host)]), None, "{host}");
        }
        for host in ["other.lan", "192.168.0.8"] {
            let found = code(&named, "GET", &[("host", host)]);
            assert_eq!(found, Some(Code::ForeignHost), "{host}");
        }
        let six = Hosts::new(
            "[fd00::7]",
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7)),
        );
        assert_eq!(code(&six, "GET", &[("host", "[fd00::7]:8000")]), None);
    }

    #[test]
    fn other_sites_neither_write_nor_embed() {
        const HOST: (&str, &str) = ("host", "localhost:8000");
        let site = |value| ("sec-fetch-site", value);
        for (method, headers, expected) in [
            // Programs.
            ("POST", vec![HOST], None),
            // The page itself.
            (
                "POST",
                vec![
                    HOST,
                    site("same-origin"),
                    ("origin", "http://localhost:8000"),
                ],
                None,
            ),
            (
                "POST",
                vec![HOST, site("cross-site")],
                Some(Code::CrossSite),
            ),
            (
                "POST",
                vec![HOST, site("same-origin"), site("cross-site")],
                Some(Code::CrossSite),
            ),
            // Another port of this machine is the same site, but not the same origin.
            ("POST", vec![HOST, site("same-site")], Some(Code::CrossSite)),
            (
                "POST",
                vec![HOST, ("origin", "http://localhost:9000")],
                Some(Code::CrossSite),
            ),
            (
                "POST",
                vec![HOST, ("origin", "http://evil.example")],
                Some(Code::CrossSite),
            ),
            // Another scheme is another origin, unless a proxy adds TLS.
            (
                "POST",
                vec![HOST, ("origin", "https://localhost:8000")],
                Some(Code::CrossSite),
            ),
            (
                "POST",
                vec![HOST, ("origin", "chrome-extension://localhost:8000")],
                Some(Code::CrossSite),
            ),
            (
                "POST",
                vec![
                    HOST,
                    ("origin", "https://localhost:8000"),
                    ("x-forwarded-proto", "https"),
                ],
                None,
            ),
            // A sandboxed page, such as a report.
            (
                "POST",
                vec![HOST, ("origin", "null")],
                Some(Code::CrossSite),
            ),
            // A link from elsewhere, and an image or script from elsewhere.
            (
                "GET",
                vec![HOST, site("cross-site"), ("sec-fetch-mode", "navigate")],
                None,
            ),
            (
                "GET",
                vec![HOST, site("cross-site"), ("sec-fetch-mode", "no-cors")],
                Some(Code::CrossSite),
            ),
            (
                "POST",
                vec![HOST, site("cross-site"), ("sec-fetch-mode", "navigate")],
                Some(Code::CrossSite),
            ),
        ] {
            assert_eq!(code(&local(), method, &headers), expected, "{headers:?}");
        }
    }
}
