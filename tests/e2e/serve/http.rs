//! A client that can also misbehave: HTTP/1.1 over a socket, nothing in between.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::PATIENCE;

/// A connection that is kept for several requests.
pub(crate) struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.body));
        })
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, 200, "{text}");
        self.json()
    }

    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.json()["code"], code, "{text}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A form with these parts: name, file name, content. Its type and its bytes.
pub(crate) fn form(parts: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file_name, bytes) in parts {
        let file_name = match *file_name {
            "" => String::new(),
            some => format!("; filename=\"{some}\""),
        };
        let head =
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n");
        body.extend(head.as_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    ("multipart/form-data; boundary=b".to_owned(), body)
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            address,
            stream: BufReader::new(stream),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a request's head; `headers` are whole lines.
    pub(crate) fn send_head(&mut self, method: &str, path: &str, headers: &[&str]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers
            .iter()
            .any(|it| it.to_ascii_lowercase().starts_with("host:"))
        {
            head += &format!("Host: {}\r\n", self.address);
        }
        for header in headers {
            head += header;
            head += "\r\n";
        }
        head += "\r\n";
        self.send_raw(head.as_bytes()).unwrap();
    }

    /// Reads one response.
    pub(crate) fn read(&mut self) -> io::Result<Response> {
        let mut head = String::new();
        loop {
            let start = head.len();
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head[start..].trim().is_empty() {
                break;
            }
        }
        let status = head.split_whitespace().nth(1).unwrap_or_default();
        let mut response = Response {
            status: status.parse().map_err(io::Error::other)?,
            head,
            body: Vec::new(),
        };
        let length = response.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(io::Error::other)?;
        response.body = vec![0; length];
        self.stream.read_exact(&mut response.body)?;
        Ok(response)
    }

    /// A whole request and its response.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Response {
        let length = format!("Content-Length: {}", body.len());
        let mut all = headers.to_vec();
        all.push(&length);
        self.send_head(method, path, &all);
        self.send_raw(body).unwrap();
        self.read().unwrap()
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    /// Asks about an image; no model means all of them.
    pub(crate) fn predict(&mut self, picture: &[u8], model: Option<&str>) -> Response {
        let mut parts = vec![("picture", "digit.png", picture)];
        if let Some(model) = model {
            parts.push(("model", "", model.as_bytes()));
        }
        let (kind, body) = form(&parts);
        let kind = format!("Content-Type: {kind}");
        self.request("POST", "/api/v1/predict", &[&kind], &body)
    }
}
