//! Connections: how many, how long they may dawdle, and how they end.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use axum::{
    Router,
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{Limits, listen::serve};

/// More than fits the buffers of two sockets.
const LARGE: usize = 64 << 20;

struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

async fn listening(limits: Limits) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/", get(async || "here")).route(
        "/slow",
        get(async || {
            tokio::time::sleep(Duration::from_millis(400)).await;
            "late"
        }),
    );
    let router = router.route("/take", post(async |body: String| body));
    let router = router.route("/large", get(async || vec![b'x'; LARGE]));
    let (stop, told) = watch::channel(false);
    let served = tokio::spawn(serve(listener, router, limits, told));
    Listening {
        address,
        stop,
        served,
    }
}

/// Sends something and reads until the other side closes, or for a second.
fn exchange(address: SocketAddr, sent: &str) -> (String, Duration) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).expect("connected");
    let timeout = Some(Duration::from_secs(5));
    stream.set_read_timeout(timeout).expect("a timeout");
    stream.write_all(sent.as_bytes()).expect("sent");
    let mut read = String::new();
    let _ = stream.read_to_string(&mut read);
    (read, start.elapsed())
}

async fn ask(address: SocketAddr, sent: &'static str) -> (String, Duration) {
    tokio::task::spawn_blocking(move || exchange(address, sent))
        .await
        .expect("joined")
}

const CLOSING: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_do_not_come_are_not_waited_for() {
    let limits = Limits {
        head_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let listening = listening(limits).await;
    for dawdling in ["", "GET / HTT", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let (answer, took) = ask(listening.address, dawdling).await;
        assert!(!answer.contains("here"), "{answer}");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
    let (answer, _) = ask(listening.address, CLOSING).await;
    assert!(answer.ends_with("here"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_are_at_work_than_allowed_and_the_rest_wait() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let listening = listening(limits).await;
    let slow = "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let at_work = [(), ()].map(|()| tokio::spawn(ask(listening.address, slow)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (answer, took) = ask(listening.address, CLOSING).await;
    assert!(answer.ends_with("here"), "{answer}");
    assert!(took > Duration::from_millis(150), "{took:?}");
    for asked in at_work {
        let (answer, _) = asked.await.expect("joined");
        assert!(answer.ends_with("late"), "{answer}");
    }
}

/// All places are taken by clients that do as little as they can for as long as they may.
async fn in_spite_of<'a>(dawdlers: impl Iterator<Item = &'a str>) {
    let long = Duration::from_secs(60);
    let limits = Limits {
        connections: 8,
        head_time: long,
        write_time: long,
        ..Limits::default()
    };
    let listening = listening(limits).await;
    let mut dawdling: Vec<TcpStream> = Vec::new();
    for sent in dawdlers {
        let mut stream = TcpStream::connect(listening.address).expect("connected");
        stream.write_all(sent.as_bytes()).expect("sent");
        dawdling.push(stream);
    }
    let (told, asked) = std::sync::mpsc::channel::<()>();
    let trickle = std::thread::spawn(move || {
        // A byte now and then, so that no time without any is reached.
        while asked.recv_timeout(Duration::from_millis(50)).is_err() {
            for stream in &mut dawdling {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(1)));
                let _ = stream.read(&mut [0]);
            }
        }
    });
    let (answer, took) = ask(listening.address, CLOSING).await;
    assert!(answer.ends_with("here"), "{answer}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    told.send(()).expect("it trickles");
    trickle.join().expect("it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_keep_nobody_out() {
    in_spite_of(
        ["", "GET / HTT", "GET / HTTP/1.1\r\nHost: x\r\n"]
            .into_iter()
            .cycle()
            .take(12),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_taken_in_slowly_keep_nobody_out() {
    let large = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    in_spite_of(std::iter::repeat_n(large, 8)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_come_slowly_keep_nobody_out() {
    let [known, chunked] = ["Content-Length: 1000", "Transfer-Encoding: chunked"]
        .map(|framing| format!("POST /take HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n1"));
    in_spite_of([&*known, &*chunked].into_iter().cycle().take(12)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let listening = listening(Limits::default()).await;
    let sent = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGE}\r\n\r\n{}",
        "x".repeat(LARGE / 4)
    );
    for _ in 0..5 {
        let sent = sent.clone();
        let address = listening.address;
        let asked = tokio::task::spawn_blocking(move || exchange(address, &sent));
        let (answer, took) = asked.await.expect("joined");
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_progress_is_finished_and_idle_connections_are_closed() {
    let listening = listening(Limits::default()).await;
    let idle = TcpStream::connect(listening.address).expect("connected");
    let slow = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
    let asked = tokio::spawn(ask(listening.address, slow));
    tokio::time::sleep(Duration::from_millis(150)).await;
    listening.stop.send(true).expect("it serves");
    let start = Instant::now();
    listening.served.await.expect("it ends");
    assert!(start.elapsed() < Duration::from_secs(4));
    let (answer, _) = asked.await.expect("joined");
    assert!(answer.ends_with("late"), "{answer}");
    assert!(TcpStream::connect(listening.address).is_err(), "still open");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_taken_in_are_given_up() {
    let limits = Limits {
        connections: 1,
        write_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let listening = listening(limits).await;
    let mut greedy = TcpStream::connect(listening.address).expect("connected");
    greedy
        .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("sent");
    // It reads nothing, and has the only place.
    let (answer, _) = ask(listening.address, CLOSING).await;
    assert!(answer.ends_with("here"), "{answer}");
    drop(greedy);
}
