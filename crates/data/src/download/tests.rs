use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use tempfile::TempDir;

use super::{
    remote::{Checksum, Keep},
    *,
};

const NAME: &str = "things.txt";
const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// SHA-256 of the content, by sha256sum.
const SHA256: &str = "74e7e5bb9d22d6db26bf76946d40fff3ea9f0346b884fd0694920fccfad15e33";
/// MD5 of the content, by md5sum.
const MD5: &str = "e9b1713db620f1e3a14b6812de523f4b";

static FILES: [Remote; 1] = [Remote {
    name: NAME,
    bytes: Some(CONTENT.len() as u64),
    checksum: Checksum::Sha256(SHA256),
    keep: Keep::Whole,
}];

static WITHOUT_SIZE: [Remote; 1] = [Remote {
    name: NAME,
    bytes: None,
    checksum: Checksum::Md5(MD5),
    keep: Keep::Whole,
}];

const fn download(files: &'static [Remote]) -> Download {
    Download {
        name: "things",
        title: "Things",
        summary: "",
        source: "",
        licence: "",
        base: "http://127.0.0.1:1/nowhere",
        files,
        classes: &["a", "b"],
    }
}

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Does {
    /// Sends what is asked for, from the first byte that is asked for on.
    Sends,
    /// Says how much there is, sends so many bytes and hangs up.
    BreaksOff(usize),
    /// Sends something else of the same length.
    SendsOther,
    Answers(u16),
}

/// A server on this machine, and the first byte that each request asked for.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<usize>>>,
}

/// A server that does these things, one for each request, and the last for all that follow.
fn server(does: &'static [Does]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/folder", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let request = log.lock().unwrap().len();
            let first = answer(stream.unwrap(), does[request.min(does.len() - 1)]);
            log.lock().unwrap().push(first);
        }
    });
    Server { address, asked }
}

fn answer(mut stream: TcpStream, does: Does) -> usize {
    let mut first = 0;
    let head = BufReader::new(stream.try_clone().unwrap());
    for line in head.lines().map_while(Result::ok) {
        let line = line.to_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            first = range.trim_end_matches('-').parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let content = match does {
        Does::SendsOther => vec![b'x'; CONTENT.len()],
        _ => CONTENT.to_vec(),
    };
    let status = match (does, first) {
        (Does::Answers(status), _) => status,
        (_, first) if first >= content.len() => 416,
        (_, 0) => 200,
        _ => 206,
    };
    let body = match status {
        200 | 206 => &content[first..],
        _ => b"sorry",
    };
    let range = match status {
        206 => format!(
            "Content-Range: bytes {first}-{}/{}\r\n",
            content.len() - 1,
            content.len()
        ),
        _ => String::new(),
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n{range}Connection: close\r\n\r\n",
        body.len()
    );
    let sent = match does {
        Does::BreaksOff(bytes) => bytes.min(body.len()),
        _ => body.len(),
    };
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(&body[..sent]);
    first
}

fn get(root: &TempDir, files: &'static [Remote], address: &str) -> Result<PathBuf, DownloadError> {
    let curl = Path::new("curl");
    download(files).get_into(root.path(), curl, Some(address), &mut |_| {})
}

#[test]
fn a_download_appears_whole_and_once() {
    for files in [&FILES, &WITHOUT_SIZE] {
        let root = TempDir::new().unwrap();
        let server = server(&[Does::Sends]);
        let folder = get(&root, files, &server.address).unwrap();
        assert_eq!(fs::read(folder.join(NAME)).unwrap(), CONTENT);
        assert_eq!(
            fs::read_to_string(folder.join("classes.txt")).unwrap(),
            "a\nb\n"
        );
        assert_eq!(get(&root, files, &server.address).unwrap(), folder);
        assert_eq!(*server.asked.lock().unwrap(), [0]);
        let left: Vec<String> = fs::read_dir(root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".part"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn what_broke_off_goes_on_where_it_stopped() {
    for files in [&FILES, &WITHOUT_SIZE] {
        let root = TempDir::new().unwrap();
        let server = server(&[Does::BreaksOff(10), Does::Sends]);
        let error = get(&root, files, &server.address).unwrap_err().to_string();
        assert!(error.contains("the same command goes on"), "{error}");
        assert!(error.contains(NAME), "{error}");
        let folder = get(&root, files, &server.address).unwrap();
        assert_eq!(fs::read(folder.join(NAME)).unwrap(), CONTENT);
        assert_eq!(*server.asked.lock().unwrap(), [0, 10]);
    }
}

#[test]
fn what_is_whole_and_was_not_checked_yet_is_not_sent_again() {
    let root = TempDir::new().unwrap();
    let staging = root.path().join(".things.part");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!("{NAME}.part")), CONTENT).unwrap();
    // Without a size the server is asked, and says that there is nothing more.
    let server = server(&[Does::Sends]);
    get(&root, &WITHOUT_SIZE, &server.address).unwrap();
    assert_eq!(*server.asked.lock().unwrap(), [CONTENT.len()]);
}

#[test]
fn another_file_is_refused_and_removed() {
    for (files, kind) in [(&FILES, "SHA-256"), (&WITHOUT_SIZE, "MD5")] {
        let root = TempDir::new().unwrap();
        let server = server(&[Does::SendsOther, Does::Sends]);
        let error = get(&root, files, &server.address).unwrap_err().to_string();
        assert!(error.contains(kind), "{error}");
        assert!(error.contains("It was removed"), "{error}");
        assert!(!root.path().join("things").exists());
        // From the beginning, not after what was wrong.
        get(&root, files, &server.address).unwrap();
        assert_eq!(*server.asked.lock().unwrap(), [0, 0]);
    }
}

#[test]
fn a_server_that_refuses_or_is_not_there_is_named_with_what_to_do() {
    let root = TempDir::new().unwrap();
    let server = server(&[Does::Answers(404)]);
    let error = get(&root, &FILES, &server.address).unwrap_err();
    assert!(matches!(error, DownloadError::Server { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("the server answers 404"), "{text}");
    assert!(text.contains("--from URL"), "{text}");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = get(&root, &FILES, &address).unwrap_err();
    assert!(
        matches!(error, DownloadError::Unreachable { .. }),
        "{error}"
    );
    let text = error.to_string();
    for part in ["offline", "https_proxy", "things", &address] {
        assert!(text.contains(part), "{text}");
    }

    let nothing = Path::new("no-such-curl");
    let error = download(&FILES).get_into(root.path(), nothing, None, &mut |_| {});
    let text = error.unwrap_err().to_string();
    assert!(text.contains("need the program curl"), "{text}");
    assert!(
        text.contains("http://127.0.0.1:1/nowhere/things.txt"),
        "{text}"
    );
}

#[test]
fn one_process_downloads_at_a_time() {
    let root = TempDir::new().unwrap();
    let lock = File::create(root.path().join(".things.lock")).unwrap();
    lock.lock().unwrap();
    let error = get(&root, &FILES, "http://127.0.0.1:1").unwrap_err();
    assert!(matches!(error, DownloadError::Running("things")), "{error}");
}

#[test]
fn only_the_files_of_the_dataset_are_taken_from_an_archive() {
    static MEMBERS: [&str; 2] = ["a.txt", "b.txt"];
    let of = |name: &'static str| Remote {
        name,
        bytes: None,
        checksum: Checksum::Md5(""),
        keep: Keep::Members("folder", &MEMBERS),
    };
    let entries = [
        ("folder/a.txt", "A"),
        ("folder/c.txt", "C"),
        ("folder/b.txt", "B"),
        ("b.txt", "not this one"),
    ];
    let root = TempDir::new().unwrap();
    let zip = root.path().join("x.zip");
    let mut writer = zip::ZipWriter::new(File::create(&zip).unwrap());
    for (name, text) in entries {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    let tar = root.path().join("x.tar.gz");
    let gzip = flate2::write::GzEncoder::new(File::create(&tar).unwrap(), Default::default());
    let mut writer = tar::Builder::new(gzip);
    for (name, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        writer
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    writer.into_inner().unwrap().finish().unwrap();
    for (packed, name) in [(&zip, "x.zip"), (&tar, "x.tar.gz")] {
        let ready = TempDir::new().unwrap();
        unpack::keep(packed, &of(name), ready.path()).unwrap();
        let text = |name: &str| fs::read_to_string(ready.path().join(name)).ok();
        assert_eq!(text("a.txt").as_deref(), Some("A"));
        assert_eq!(text("b.txt").as_deref(), Some("B"));
        assert_eq!(text("c.txt"), None);
    }
}

#[test]
fn bzip2_is_unpacked() {
    let root = TempDir::new().unwrap();
    let packed = root.path().join("x.bz2");
    let mut encoder = bzip2::write::BzEncoder::new(
        File::create(&packed).unwrap(),
        bzip2::Compression::default(),
    );
    encoder.write_all(CONTENT).unwrap();
    encoder.finish().unwrap();
    let file = Remote {
        name: "x.bz2",
        bytes: None,
        checksum: Checksum::Md5(""),
        keep: Keep::Bzip2("train.libsvm"),
    };
    unpack::keep(&packed, &file, root.path()).unwrap();
    assert_eq!(fs::read(root.path().join("train.libsvm")).unwrap(), CONTENT);
}

#[test]
fn every_download_is_described_and_named_once() {
    let mut names: Vec<&str> = crate::builtins().iter().map(|it| it.name).collect();
    for download in downloads() {
        assert!(!names.contains(&download.name));
        names.push(download.name);
        let texts = [
            download.title,
            download.summary,
            download.source,
            download.licence,
        ];
        assert!(texts.iter().all(|text| !text.is_empty()));
        for (file, address) in download.files.iter().zip(download.addresses(None)) {
            assert!(address.starts_with("http") && address.ends_with(file.name));
            let digits = match file.checksum {
                Checksum::Sha256(sum) => (sum, 64),
                Checksum::Md5(sum) => (sum, 32),
            };
            assert_eq!(digits.0.len(), digits.1, "{}", file.name);
            assert!(digits.0.chars().all(|c| c.is_ascii_hexdigit()));
        }
    }
}
