//! How long it takes from records to a page with all its charts: four models on 10,000
//! test images, and a run that answers every question. `cargo bench -p bakeoff-report`.

#![allow(missing_docs, reason = "criterion's macros")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use bakeoff_report::{Options, render};
use criterion::{Criterion, criterion_group, criterion_main};

fn pages(c: &mut Criterion) {
    let mut group = c.benchmark_group("render");
    group.sample_size(10);
    for (name, run) in [
        ("4 models x 10000 images", common::four_families(10_000)),
        ("every section, 2000 images", common::everything(2_000)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| render(black_box(&run), &Options::default()).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
