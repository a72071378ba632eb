//! The local web page and its JSON API.
//!
//! [`Server::bind`] reads the saved models and listens; [`Server::run`] answers until
//! the process is asked to end. The page is static files, compiled in; everything it
//! shows comes from the API, which programs may use as well.
//!
//! The path of a request: `listen` (connections) → `origin_check` → `api` → `request` (the
//! body, within limits) → `workers` (a thread that computes) → `answer` (asks the models,
//! by `bakeoff_ask`) → JSON, or a `problem`.
//!
//! Rejected: a front-end framework (the page is a few hundred lines of script that need
//! no build); templates on the server (the page would need two ways to show an answer);
//! a web socket for live answers (one request in flight at a time does the same, and
//! works through any proxy).

mod answer;
mod api;
mod app;
mod arriving;
mod assets;
mod correction_scan;
mod correction_table;
mod corrections;
mod error;
mod examples;
mod folders;
mod limits;
mod linger;
mod listen;
mod models;
mod numbers;
mod origin_check;
mod places;
mod problem;
mod reports;
mod request;
mod router;
#[cfg(test)]
mod tests;
mod training;
mod verdict;
mod workers;
mod write_timeout;

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bakeoff_ask::Unreadable;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

pub use error::ServerError;
pub use limits::Limits;
pub use training::{FirstTraining, ReportFn};

use crate::{
    app::App, corrections::Corrections, models::ModelFolder, origin_check::Hosts, reports::Reports,
    request::BodyMemory, training::Training, workers::Workers,
};

/// What to serve, and where.
pub struct Config {
    /// The name or address to listen on.
    pub host: String,
    /// The port; 0 for any free one.
    pub port: u16,
    /// Whether other machines may connect.
    pub allow_remote: bool,
    /// The folder of saved models.
    pub models: PathBuf,
    /// The folder of runs.
    pub reports: PathBuf,
    /// The folder of personal datasets.
    pub corrections: PathBuf,
    /// The style sheet with the colours that the page shares with the reports.
    pub colours: String,
    /// What to train where there are no saved models.
    pub first_training: Option<FirstTraining>,
    /// The limits.
    pub limits: Limits,
}

/// A server that listens and does not answer yet.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    limits: Limits,
}

/// How often the folder of models is read again.
const REFRESH_EVERY: Duration = Duration::from_secs(3);

impl Server {
    /// Reads the saved models, listens, and starts to train where there are none.
    ///
    /// # Errors
    /// When the host is not of this machine, or other machines can reach it and
    /// `allow_remote` is not set; when the port is taken; when the folder of models cannot be
    /// read. A model that cannot be read is no error.
    pub fn bind(config: Config) -> Result<Self, ServerError> {
        let address = address(&config)?;
        let limits = config.limits;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("http")
            .enable_all()
            .build()?;
        let bound = |source| ServerError::Bind { address, source };
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        let models = Arc::new(ModelFolder::new(&config.models));
        models.refresh()?;
        let found = models.models();
        let no_models = found.ready.is_empty() && found.unreadable.is_empty();
        let training = match config.first_training.filter(|_| no_models) {
            Some(first) => Training::start(
                first,
                config.models,
                config.reports.clone(),
                Arc::clone(&models),
            )?,
            None => Training::default(),
        };
        let app = Arc::new(App {
            hosts: Hosts::new(&config.host, address.ip()),
            models,
            workers: Workers::start(limits.threads, limits.queue)?,
            bodies: BodyMemory::new(limits),
            corrections: Corrections::new(config.corrections),
            examples: Arc::default(),
            reports: Reports {
                folder: config.reports,
            },
            training,
            colours: config.colours,
            started: Instant::now(),
        });
        Ok(Self {
            runtime,
            listener,
            address,
            app,
            limits,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        self.url_at(ip)
    }

    fn url_at(&self, ip: IpAddr) -> String {
        format!("http://{}/", SocketAddr::new(ip, self.address.port()))
    }

    /// Where other machines find it, if they may and this machine has an address.
    pub fn remote_url(&self) -> Option<String> {
        let ip = match self.address.ip() {
            ip if ip.is_loopback() => return None,
            ip if ip.is_unspecified() => network_address().ok()?,
            ip => ip,
        };
        Some(self.url_at(ip))
    }

    /// Whether it trains a first set of models.
    pub fn trains(&self) -> bool {
        self.app.training.exists()
    }

    /// The names of the models that answer now, the best test accuracy first.
    pub fn models(&self) -> Vec<String> {
        let models = self.app.models.models();
        models.ready.iter().map(|it| it.name().to_owned()).collect()
    }

    /// The models that cannot be read, with the reasons.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        self.app.models.models().unreadable.clone()
    }

    /// Answers until the process is asked to end (Ctrl-C or SIGTERM), then lets
    /// requests in progress end and stops what it trains.
    ///
    /// # Errors
    /// When the system does not let it wait for signals.
    pub fn run(self) -> Result<(), ServerError> {
        let signal = {
            let _inside = self.runtime.enter();
            shutdown_signal()?
        };
        self.run_until(signal);
        Ok(())
    }

    fn run_until(self, end: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let router = router::router(Arc::clone(&self.app));
        self.runtime.block_on(async {
            let models = Arc::clone(&self.app.models);
            let refreshing = tokio::spawn(async move {
                loop {
                    tokio::time::sleep(REFRESH_EVERY).await;
                    let models = Arc::clone(&models);
                    // What cannot be read now may be readable next time.
                    let _ = tokio::task::spawn_blocking(move || models.refresh()).await;
                }
            });
            let served = tokio::spawn(listen::serve(self.listener, router, self.limits, stopped));
            end.await;
            let training = self.app.training.stop();
            // There is a receiver for as long as it serves.
            let _ = stop.send(true);
            let _ = served.await;
            refreshing.abort();
            if let Some(training) = training {
                let ended = tokio::task::spawn_blocking(move || training.join());
                let _ = tokio::time::timeout(self.limits.shutdown_time, ended).await;
            }
        });
        self.runtime.shutdown_background();
    }
}

/// The address of this machine on its network: the one it would send from. Nothing is
/// sent; 192.0.2.1 is for documentation only (RFC 5737).
fn network_address() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    Ok(socket.local_addr()?.ip())
}

/// The address to listen on.
fn address(config: &Config) -> Result<SocketAddr, ServerError> {
    let host = config.host.as_str();
    let wrong = |reason: String| ServerError::Host {
        host: host.to_owned(),
        reason,
    };
    let address = (origin_check::unbracketed(host), config.port)
        .to_socket_addrs()
        .map_err(|error| wrong(error.to_string()))?
        // `localhost` may be both; prefer IPv4.
        .min_by_key(SocketAddr::is_ipv6)
        .ok_or_else(|| wrong("it has no address".into()))?;
    if !address.ip().is_loopback() && !config.allow_remote {
        return Err(ServerError::Remote {
            host: host.to_owned(),
        });
    }
    Ok(address)
}

#[cfg(unix)]
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
