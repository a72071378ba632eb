//! Accepting connections: a limited number at a time, each with a limit on how long its
//! head may take, and a graceful shutdown.
//!
//! `axum::serve` is a few lines shorter and has none of these limits: one client that
//! opens connections and sends nothing would use up all there are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use crate::{
    Limits,
    arriving::Arriving,
    linger::Linger,
    places::{Place, Places},
    write_timeout::WriteTimeout,
};

/// A request's head is at most this large.
const HEAD_BYTES: usize = 64 << 10;

/// How long to wait after a failed accept, most often when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until `stop` is true, or its sender is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves until `stop` is true, then lets requests in progress end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Places::new(limits.connections);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let place = tokio::select! {
            place = places.take() => place,
            () = stopped(&mut stop) => break,
        };
        tokio::spawn(connection(
            stream,
            place,
            router.clone(),
            limits,
            stop.clone(),
        ));
    }
    drop(listener);
    // All places are free when the last connection has ended.
    let _ = timeout(limits.shutdown_time, places.all_free()).await;
}

/// Answers the requests of one connection.
async fn connection(
    stream: TcpStream,
    place: Place,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small and wanted at once. A connection that fails here fails below too.
    let _ = stream.set_nodelay(true);
    let hurry = Arc::new(AtomicBool::new(false));
    let stream = Linger::new(stream, limits.upload_time, Arc::clone(&hurry));
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write_time));
    let place = &place;
    let service = service_fn(|request: Request<Incoming>| {
        let router = router.clone();
        let watch = place.watch();
        async move {
            watch.waits_for_client(false);
            let arriving = |body| axum::body::Body::new(Arriving::new(body, watch.clone()));
            let answer = router.oneshot(request.map(arriving)).await;
            watch.waits_for_client(true);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    // The client sees what is wrong with its connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = place.has_to_leave() => return,
        () = stopped(&mut stop) => {}
    }
    hurry.store(true, Ordering::Relaxed);
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
