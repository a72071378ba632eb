//! Signatures of requests to S3: AWS Signature Version 4
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>).
//!
//! `curl --aws-sigv4` was rejected: versions before 7.87 sign neither the headers nor the body of an
//! upload as S3 wants it, and systems in use have them. It is a page of code with published vectors.

use std::fmt::Write as _;

use bakeoff_core::to_hex;
use sha2::{Digest, Sha256};

/// Who asks.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: String,
    /// Of temporary credentials.
    pub(super) token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

/// A request to sign.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    /// Encoded as it is sent.
    pub(super) path: &'a str,
    /// Encoded, and sorted by name.
    pub(super) query: &'a str,
    /// Names in lower case.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body, in hexadecimal.
    pub(super) body: &'a str,
    /// `20130524T000000Z`
    pub(super) time: &'a str,
    pub(super) region: &'a str,
}

/// The headers to send besides the request's own, the signature among them.
pub(super) fn sign(request: &Request<'_>, by: &Credentials) -> Vec<(String, String)> {
    let mut added = vec![
        ("x-amz-content-sha256".to_owned(), request.body.to_owned()),
        ("x-amz-date".to_owned(), request.time.to_owned()),
    ];
    if let Some(token) = &by.token {
        added.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    let own = request.headers.iter();
    let mut signed: Vec<(&str, &str)> = own.copied().chain([("host", request.host)]).collect();
    signed.extend(
        added
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    signed.sort_unstable();
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
    for (name, value) in &signed {
        // Writing to a text cannot fail.
        let _ = writeln!(canonical, "{name}:{}", value.trim());
    }
    let _ = write!(canonical, "\n{names}\n{}", request.body);

    let day = request.time.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/s3/aws4_request", request.region);
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        request.time,
        to_hex(&Sha256::digest(canonical))
    );
    let mut key = hmac(format!("AWS4{}", by.secret).as_bytes(), day.as_bytes());
    for part in [request.region, "s3", "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    let signature = to_hex(&hmac(&key, text.as_bytes()));
    added.push((
        "authorization".to_owned(),
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}",
            by.id
        ),
    ));
    added
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    match key.len() > block.len() {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(text)
        .finalize();
    let outer = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner);
    outer.finalize().into()
}

/// Percent-encodes all but letters, digits and `-._~`; in a path `/` stays too.
pub(super) fn encoded(text: &str, is_path: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if is_path => out.push('/'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn signature(request: &Request<'_>) -> String {
        let by = Credentials {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        let headers = sign(request, &by);
        let (_, signature) = headers
            .iter()
            .find(|(name, _)| name == "authorization")
            .expect("one");
        signature
            .rsplit_once('=')
            .expect("a signature")
            .1
            .to_owned()
    }

    /// The examples of the page that is named above.
    #[test]
    fn amazons_examples_have_their_signatures() {
        let get = Request {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            query: "",
            headers: &[("range", "bytes=0-9")],
            body: NO_BODY,
            time: "20130524T000000Z",
            region: "us-east-1",
        };
        assert_eq!(
            signature(&get),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let path = encoded("/test$file.text", true);
        let put = Request {
            method: "PUT",
            path: &path,
            headers: &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body: &to_hex(&Sha256::digest("Welcome to Amazon S3.")),
            ..get
        };
        assert_eq!(
            signature(&put),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        let list = Request {
            path: "/",
            query: "max-keys=2&prefix=J",
            headers: &[],
            ..get
        };
        assert_eq!(
            signature(&list),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn keys_of_hmac_may_be_long() {
        // RFC 4231, test cases 2 and 6.
        assert_eq!(
            to_hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            to_hex(&hmac(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
