//! A bucket of Amazon S3, or of a server that speaks its protocol.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use bakeoff_core::StoreError;
use bakeoff_store::atomic;

use super::{
    curl::{Answer, Call, curl, said},
    sigv4::{Credentials, Request, encoded, sign},
    traits::{Objects, Pair},
};
use crate::error::BenchError;

/// SHA-256 of nothing.
const NO_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Attempts at a request, with pauses that double between them.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Requests in one call of `curl`.
const TOGETHER: usize = 128;

#[derive(Debug)]
pub(super) struct Bucket {
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    /// `http://localhost:5000` or `https://bucket.s3.eu-west-1.amazonaws.com`
    endpoint: String,
    host: String,
    /// Before the name of an object: `/bucket/` or `/`.
    root: String,
    region: String,
    credentials: Credentials,
}

/// What is asked.
struct Ask {
    /// Encoded.
    path: String,
    query: String,
    /// The file to create the object from.
    upload: Option<PathBuf>,
    output: PathBuf,
}

impl Bucket {
    /// `BUCKET/PREFIX`, with what the environment says.
    pub(super) fn new(
        address: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, BenchError> {
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        let bad = |problem: &str| BenchError::Request(format!("s3://{address}: {problem}"));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if bucket.is_empty() || !bucket.bytes().all(is_name) {
            return Err(bad("it names no bucket; allowed: s3://BUCKET/PREFIX"));
        }
        let set = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| environment(name));
            values.find(|value| !value.is_empty())
        };
        let (Some(id), Some(secret)) =
            (set(&["AWS_ACCESS_KEY_ID"]), set(&["AWS_SECRET_ACCESS_KEY"]))
        else {
            return Err(bad(
                "the environment lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY (and, of temporary \
                 credentials, AWS_SESSION_TOKEN)",
            ));
        };
        let region = set(&["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or("us-east-1".into());
        let custom = set(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        let (endpoint, root) = match custom {
            Some(url) => (url.trim_end_matches('/').to_owned(), format!("/{bucket}/")),
            // A certificate of Amazon's does not cover a bucket with a dot.
            None if bucket.contains('.') => (
                format!("https://s3.{region}.amazonaws.com"),
                format!("/{bucket}/"),
            ),
            None => (
                format!("https://{bucket}.s3.{region}.amazonaws.com"),
                "/".to_owned(),
            ),
        };
        let host = match endpoint.split_once("://") {
            Some(("http" | "https", host)) if !host.is_empty() && !host.contains('/') => {
                host.to_owned()
            }
            _ => {
                return Err(bad(&format!(
                    "AWS_ENDPOINT_URL is `{endpoint}`; allowed: https://HOST or http://HOST:PORT"
                )));
            }
        };
        let prefix = prefix.trim_matches('/');
        Ok(Self {
            bucket: bucket.into(),
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            endpoint,
            host,
            root,
            region,
            credentials: Credentials {
                id,
                secret,
                token: set(&["AWS_SESSION_TOKEN"]),
            },
        })
    }

    fn path_of(&self, name: &str) -> String {
        encoded(&format!("{}{}{name}", self.root, self.prefix), true)
    }

    /// A signed request.
    fn call(&self, ask: &Ask) -> Result<Call, BenchError> {
        let (method, body, own): (_, _, &[(&str, &str)]) = match &ask.upload {
            None => ("GET", NO_BODY.to_owned(), &[]),
            Some(file) => {
                let (_, sha256) = bakeoff_store::measured(file).map_err(StoreError::io(file))?;
                ("PUT", sha256, &[("if-none-match", "*")])
            }
        };
        let time = jiff::Timestamp::now()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let request = Request {
            method,
            host: &self.host,
            path: &ask.path,
            query: &ask.query,
            headers: own,
            body: &body,
            time: &time,
            region: &self.region,
        };
        let mut headers = sign(&request, &self.credentials);
        headers.extend(
            own.iter()
                .map(|(name, value)| ((*name).into(), (*value).into())),
        );
        let query = match ask.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        Ok(Call {
            url: format!("{}{}{query}", self.endpoint, ask.path),
            headers,
            upload: ask.upload.clone(),
            output: ask.output.clone(),
        })
    }

    /// Asks until there is an answer; of each its status.
    fn ask(&self, asks: &[Ask]) -> Result<Vec<u16>, BenchError> {
        let mut statuses = vec![0; asks.len()];
        for (chunk, statuses) in asks.chunks(TOGETHER).zip(statuses.chunks_mut(TOGETHER)) {
            let mut open: Vec<usize> = (0..chunk.len()).collect();
            let mut pause = FIRST_PAUSE;
            for attempt in 1..=ATTEMPTS {
                let calls: Result<Vec<Call>, BenchError> =
                    open.iter().map(|&place| self.call(&chunk[place])).collect();
                let answers = curl(&calls?).map_err(BenchError::Request)?;
                let mut again = Vec::new();
                for (&place, answer) in open.iter().zip(&answers) {
                    if !may_pass(answer) {
                        statuses[place] = answer.status;
                    } else if attempt == ATTEMPTS {
                        return Err(self.failed(&chunk[place], answer));
                    } else {
                        again.push(place);
                    }
                }
                open = again;
                if open.is_empty() {
                    break;
                }
                thread::sleep(pause);
                pause *= 2;
            }
        }
        Ok(statuses)
    }

    /// The error of a request.
    fn failed(&self, ask: &Ask, answer: &Answer) -> BenchError {
        let reason = match &answer.problem {
            Some(problem) => problem.clone(),
            None => format!(
                "the server answers {} ({})",
                answer.status,
                said(&ask.output)
            ),
        };
        BenchError::Objects {
            address: format!("{}{}", self.endpoint, ask.path),
            reason,
        }
    }

    /// The error of an answer with a status that is none of success.
    fn refused(&self, ask: &Ask, status: u16) -> BenchError {
        self.failed(
            ask,
            &Answer {
                status,
                problem: None,
            },
        )
    }

    /// Fetches a few objects: of each there is a temporary file open.
    fn fetch_some(&self, wanted: &[Pair]) -> Result<Vec<bool>, BenchError> {
        let mut files = Vec::new();
        let mut asks = Vec::new();
        for (name, to) in wanted {
            let parent = to.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent).map_err(StoreError::io(parent))?;
            let file = atomic::temporary(parent).map_err(StoreError::io(parent))?;
            asks.push(Ask {
                path: self.path_of(name),
                query: String::new(),
                upload: None,
                output: file.path().to_owned(),
            });
            files.push(file);
        }
        let statuses = self.ask(&asks)?;
        let mut found = Vec::new();
        for (((status, ask), file), (_, to)) in
            statuses.into_iter().zip(&asks).zip(files).zip(wanted)
        {
            match status {
                200 => atomic::keep(file, to).map_err(StoreError::io(to))?,
                404 if !said(&ask.output).contains("NoSuchBucket") => {}
                _ => return Err(self.refused(ask, status)),
            }
            found.push(status == 200);
        }
        Ok(found)
    }
}

/// Whether another attempt may have another answer. 409 is a conflict with a request at the same
/// time, 412 is the answer that there is an object of that name.
fn may_pass(answer: &Answer) -> bool {
    answer.problem.is_some() || matches!(answer.status, 408 | 409 | 425 | 429 | 500..)
}

impl Objects for Bucket {
    fn names(&self, begin: &str) -> Result<Vec<String>, BenchError> {
        let folder = tempfile::tempdir().map_err(StoreError::io(&std::env::temp_dir()))?;
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let whole = encoded(&format!("{}{begin}", self.prefix), false);
            let after = token
                .as_ref()
                .map(|token| format!("continuation-token={}&", encoded(token, false)));
            let ask = Ask {
                path: self.root.clone(),
                query: format!(
                    "{}encoding-type=url&list-type=2&prefix={whole}",
                    after.unwrap_or_default()
                ),
                upload: None,
                output: folder.path().join("list"),
            };
            let status = self.ask(std::slice::from_ref(&ask))?;
            if status != [200] {
                let status = status.first().copied().unwrap_or_default();
                return Err(self.refused(&ask, status));
            }
            let text = fs::read_to_string(&ask.output).map_err(StoreError::io(&ask.output))?;
            let page = page(&text);
            let below = |key: String| Some(key.strip_prefix(&self.prefix)?.to_owned());
            names.extend(page.keys.into_iter().filter_map(below));
            token = page.next;
            if token.is_none() {
                names.sort_unstable();
                return Ok(names);
            }
        }
    }

    fn fetch(&self, wanted: &[Pair]) -> Result<Vec<bool>, BenchError> {
        let mut found = Vec::new();
        for some in wanted.chunks(TOGETHER) {
            found.extend(self.fetch_some(some)?);
        }
        Ok(found)
    }

    fn create(&self, files: &[Pair]) -> Result<Vec<bool>, BenchError> {
        let folder = tempfile::tempdir().map_err(StoreError::io(&std::env::temp_dir()))?;
        let asks: Vec<Ask> = files
            .iter()
            .enumerate()
            .map(|(place, (name, from))| Ask {
                path: self.path_of(name),
                query: String::new(),
                upload: Some(from.clone()),
                output: folder.path().join(place.to_string()),
            })
            .collect();
        let statuses = self.ask(&asks)?;
        let pairs = statuses.into_iter().zip(&asks);
        pairs
            .map(|(status, ask)| match status {
                200 | 201 => Ok(true),
                412 => Ok(false),
                _ => Err(self.refused(ask, status)),
            })
            .collect()
    }

    fn address(&self, name: &str) -> String {
        format!("s3://{}/{}{name}", self.bucket, self.prefix)
    }
}

/// A page of a list of objects.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    keys: Vec<String>,
    /// What to ask for the next one with.
    next: Option<String>,
}

/// Reads a page. It has more tags than are looked at, and no text with a `<` in it: keys are
/// percent-encoded on request.
fn page(xml: &str) -> Page {
    let within = |tag: &str| {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let texts = xml.split(&open).skip(1).filter_map(|rest| {
            let text = rest.split_once(&close)?.0;
            Some(text.to_owned())
        });
        texts.collect::<Vec<String>>()
    };
    Page {
        keys: within("Key")
            .iter()
            .map(|key| decoded(&unescaped(key)))
            .collect(),
        next: within("NextContinuationToken")
            .first()
            .map(|token| unescaped(token)),
    }
}

/// A text of XML as it is meant.
fn unescaped(text: &str) -> String {
    let marks = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    marks.iter().fold(text.to_owned(), |text, (mark, meant)| {
        text.replace(mark, meant)
    })
}

/// A percent-encoded text as it is meant.
fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%');
        let byte = code
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(if first == b'+' { b' ' } else { first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(address: &str, more: &[(&str, &str)]) -> Result<Bucket, BenchError> {
        let keys = [
            ("AWS_ACCESS_KEY_ID", "me"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
        ];
        Bucket::new(address, &|name| {
            let mut all = more.iter().chain(&keys);
            all.find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(bucket: &Bucket, name: &str) -> String {
        format!("{}{}", bucket.endpoint, bucket.path_of(name))
    }

    #[test]
    fn addresses_are_those_of_amazon_or_of_the_endpoint() {
        let region = [("AWS_REGION", "eu-west-1")];
        let plain = bucket("data/some runs/", &region).expect("a bucket");
        assert_eq!(
            url(&plain, "run.json"),
            "https://data.s3.eu-west-1.amazonaws.com/some%20runs/run.json"
        );
        assert_eq!(plain.address("x"), "s3://data/some runs/x");
        let dotted = bucket("a.b", &region).expect("a bucket");
        assert_eq!(
            url(&dotted, "x"),
            "https://s3.eu-west-1.amazonaws.com/a.b/x"
        );
        let own = [("AWS_ENDPOINT_URL", "http://localhost:5000/")];
        let own = bucket("data", &own).expect("a bucket");
        assert_eq!(url(&own, "x"), "http://localhost:5000/data/x");
        assert!(!format!("{own:?}").contains("hush"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let none = Bucket::new("data", &|_| None)
            .expect_err("no keys")
            .to_string();
        assert!(none.contains("AWS_SECRET_ACCESS_KEY"), "{none}");
        for address in ["", "/x", "a b"] {
            assert!(bucket(address, &[]).is_err(), "{address}");
        }
        let error = bucket("a", &[("AWS_ENDPOINT_URL", "localhost:5000")]).expect_err("no scheme");
        assert!(error.to_string().contains("http://HOST:PORT"), "{error}");
    }

    #[test]
    fn a_page_of_a_list_is_read() {
        let xml = "<?xml version=\"1.0\"?><ListBucketResult><Prefix>a</Prefix><IsTruncated>true\
                   </IsTruncated><Contents><Key>a/x%20y%2Bz.json</Key><Size>1</Size></Contents>\
                   <Contents><Key>a/&amp;b</Key></Contents>\
                   <NextContinuationToken>1/&amp;=</NextContinuationToken></ListBucketResult>";
        assert_eq!(
            page(xml),
            Page {
                keys: vec!["a/x y+z.json".into(), "a/&b".into()],
                next: Some("1/&=".into()),
            }
        );
        assert_eq!(page("<ListBucketResult/>").next, None);
    }
}
