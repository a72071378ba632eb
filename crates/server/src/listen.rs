//! Accepting connections: a limited number at a time, each with a limit on how long its
//! head may take, and a graceful shutdown.
//!
//! `axum::serve` is a few lines shorter and has none of these limits: one client that
//! opens connections and sends nothing would use up all there are.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{Limits, metrics::Metrics, write_timeout::WriteTimeout};

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
    metrics: Arc<Metrics>,
    mut stop: watch::Receiver<bool>,
) {
    let most = limits.connections.clamp(1, Semaphore::MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(most));
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = stopped(&mut stop) => break,
        };
        // The semaphore is never closed.
        let Ok(slot) = slot else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        // Answers are small and wanted at once. A connection that fails here fails below too.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let mut connection_stop = stop.clone();
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            metrics.connections.inc();
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head_time)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(
                    TokioIo::new(WriteTimeout::new(stream, limits.write_time)),
                    service,
                );
            tokio::pin!(connection);
            // The client sees what is wrong with its connection.
            let ended = tokio::select! {
                _ = connection.as_mut() => true,
                () = stopped(&mut connection_stop) => false,
            };
            if !ended {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
            metrics.connections.dec();
            drop(slot);
        });
    }
    drop(listener);
    // All slots are free when the last connection has ended.
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let _ = timeout(limits.shutdown_time, slots.acquire_many(all)).await;
}
