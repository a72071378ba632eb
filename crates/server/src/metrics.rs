//! What the server counts, in the text form that Prometheus reads.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Metric, Registry, Unit},
};

/// The content type of [`Metrics::text`].
pub(crate) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    /// The pattern of the address, never the address itself: a client must not be able to
    /// create any number of label values.
    route: String,
    method: &'static str,
    status: u16,
}

type Label = [(&'static str, String); 1];

/// The bucket bounds of a histogram.
#[derive(Clone)]
struct Bounds(&'static [f64]);

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

const REQUEST_SECONDS: Bounds = Bounds(&[
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
]);
const MODEL_SECONDS: Bounds = Bounds(&[
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 1e-1,
]);

/// A new metric, of which the registry keeps a handle.
fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// The counters.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<Label, Histogram, Bounds>,
    model_seconds: Family<Label, Histogram, Bounds>,
    /// Jobs that wait for a thread.
    pub(crate) queued: Gauge,
    /// Jobs that were refused because the queue was full.
    pub(crate) refused: Counter,
    /// Jobs whose client was gone before they started.
    pub(crate) abandoned: Counter,
    /// Models that answer.
    pub(crate) models: Gauge,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Corrections kept since the start.
    pub(crate) corrections: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("bakeoff");
        let to = &mut registry;
        let requests = registered(to, "http_requests", "Requests answered");
        let request_seconds = Family::new_with_constructor(REQUEST_SECONDS);
        to.register_with_unit(
            "http_request",
            "Time from a request's head to its answer",
            Unit::Seconds,
            request_seconds.clone(),
        );
        let model_seconds = Family::new_with_constructor(MODEL_SECONDS);
        to.register_with_unit(
            "model_answer",
            "Time in which a model answered one image",
            Unit::Seconds,
            model_seconds.clone(),
        );
        Self {
            requests,
            request_seconds,
            model_seconds,
            queued: registered(to, "queued_jobs", "Jobs that wait for a thread"),
            refused: registered(
                to,
                "refused_jobs",
                "Jobs refused because the queue was full",
            ),
            abandoned: registered(
                to,
                "abandoned_jobs",
                "Jobs dropped because the client was gone",
            ),
            models: registered(to, "models", "Models that answer"),
            connections: registered(to, "connections", "Open connections"),
            corrections: registered(to, "corrections", "Corrections kept since the start"),
            registry,
        }
    }

    /// Counts an answered request.
    pub(crate) fn request(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        self.requests
            .get_or_create(&RequestLabels {
                route: route.to_owned(),
                method,
                status,
            })
            .inc();
        self.request_seconds
            .get_or_create(&[("route", route.to_owned())])
            .observe(took.as_secs_f64());
    }

    /// Counts a model's answer.
    pub(crate) fn answer(&self, model: &str, took: Duration) {
        self.model_seconds
            .get_or_create(&[("model", model.to_owned())])
            .observe(took.as_secs_f64());
    }

    /// Everything, in OpenMetrics' text form.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}
