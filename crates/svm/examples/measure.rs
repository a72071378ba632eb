//! Fits on the first images of MNIST and tells times: `measure N SETTINGS-AS-JSON [ENGINE]`.
use std::{ops::ControlFlow, time::Instant};

use bakeoff_core::{FitContext, FitEvent, Samples, Settings};
use bakeoff_svm::FAMILY;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let train: usize = args[1].parse().unwrap();
    let settings: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&args[2]).unwrap();
    let validation = args.get(4).is_some();
    let mnist = bakeoff_data::open("mnist").unwrap();
    let take =
        |samples: &Samples, from: usize, to: usize| samples.select(&(from..to).collect::<Vec<_>>());
    let part = take(mnist.train(), 0, train);
    let test = match validation {
        true => take(mnist.train(), 54_000, 60_000),
        false => mnist.test().clone(),
    };
    let given: Settings = settings.into_iter().collect();
    let spec = FAMILY.resolve(args.get(3).map(|s| &s[..]), &given).unwrap();
    let mut last = None;
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |event| {
            if let FitEvent::Finished(summary) = event {
                last = Some(summary.clone());
            }
            ControlFlow::Continue(())
        },
    };
    let start = Instant::now();
    let model = FAMILY.build(&spec).unwrap().fit(&part, &mut ctx).unwrap();
    let fit = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let answer = model.predict_proba(test.images()).unwrap();
    let predict = start.elapsed().as_secs_f64();
    let labels = test.labels();
    let right = answer
        .predicted()
        .iter()
        .zip(labels)
        .filter(|(a, b)| a == b)
        .count();
    let mut loss = 0.0;
    let mut bins = vec![(0.0, 0.0, 0.0); 15];
    for (row, &label) in answer.rows().zip(labels) {
        loss -= f64::from(row[usize::from(label)]).max(1e-15).ln();
        let best = row.iter().copied().fold(0.0, f32::max);
        let bin = &mut bins[((best * 15.0) as usize).min(14)];
        bin.0 += 1.0;
        bin.1 += f64::from(best);
        let correct = row.iter().position(|&p| p == best) == Some(usize::from(label));
        bin.2 += f64::from(u8::from(correct));
    }
    let ece: f64 = bins
        .iter()
        .map(|(_, sure, right)| (sure - right).abs())
        .sum::<f64>()
        / labels.len() as f64;
    println!(
        "{train} {} {:?}: fit {fit:.2} s, predict {predict:.3} s, accuracy {:.4}, log loss {:.4}, ECE {:.4}, parameters {}, {last:?}",
        args[2],
        args.get(3),
        right as f64 / labels.len() as f64,
        loss / labels.len() as f64,
        ece,
        model.parameters()
    );
}
