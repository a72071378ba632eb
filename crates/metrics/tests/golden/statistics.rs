//! Intervals and tests against scipy, statsmodels, mlxtend, MLstatkit, scikit-posthocs and
//! baycomp, and against published examples. `make_statistics.py` made the values.

use bakeoff_core::Probabilities;
use bakeoff_metrics::{
    Agreement, Confidence, JointCorrectness, Pair, Predictions,
    statistics::{
        AucDifference, Friedman, ResampledT, SwapTest, holm, mid_p, studentized_range_cdf,
        studentized_range_quantile,
    },
};
use serde_json::Value;

use crate::{all_same, defined, hex_probabilities, read, same};

const TOLERANCE: f64 = 1e-9;

fn golden(of: &str) -> Vec<Value> {
    let cases = read("statistics.json")[of].take();
    let Value::Array(cases) = cases else {
        panic!("no golden values of {of}")
    };
    assert!(!cases.is_empty());
    cases
}

fn two_counts(case: &Value) -> (u64, u64) {
    (
        case["n"][0].as_u64().unwrap(),
        case["n"][1].as_u64().unwrap(),
    )
}

#[test]
fn mid_p_intervals() {
    for case in golden("mid_p") {
        let (successes, trials) = two_counts(&case);
        let level = Confidence::new(case["level"].as_f64().unwrap()).unwrap();
        let found = mid_p(successes, trials, level);
        let what = format!("mid-p {successes}/{trials}");
        all_same(
            &what,
            &[Some(found.low), Some(found.high)],
            &case["interval"],
            TOLERANCE,
        );
    }
}

#[test]
fn mcnemar() {
    for (of, tolerance) in [("mcnemar", TOLERANCE), ("published_mcnemar", 5e-5)] {
        for case in golden(of) {
            let (first, second) = two_counts(&case);
            let test = |first: u64, second: u64| {
                let apart = [vec![1; first as usize], vec![-1; second as usize]];
                SwapTest::of_differences(&apart.concat(), 1)
            };
            let found = test(first, second);
            let what = format!("McNemar {first} {second}");
            same(&what, Some(found.exact_p), &case["exact"], tolerance);
            same(&what, Some(found.mid_p), &case["mid"], tolerance);
            assert_eq!(found.mid_p, test(second, first).mid_p);
        }
    }
}

fn same_difference(what: &str, found: Option<AucDifference>, golden: &Value) {
    let Some(found) = found else {
        assert!(golden.is_null(), "{what}: none, golden {golden}");
        return;
    };
    assert!(!golden.is_null(), "{what}: {found:?}, golden has none");
    let areas = [Some(found.first), Some(found.second)];
    all_same(what, &areas, &golden["areas"], TOLERANCE);
    same(
        what,
        Some(found.standard_error),
        &golden["error"],
        TOLERANCE,
    );
    same(what, found.z, &golden["z"], TOLERANCE);
    same(what, found.p, &golden["p"], TOLERANCE);
    assert!((found.difference - (found.first - found.second)).abs() < TOLERANCE);
}

#[test]
fn two_models_on_the_same_samples() {
    for case in golden("comparisons") {
        let name = case["name"].as_str().unwrap();
        let classes = case["classes"].as_u64().unwrap() as usize;
        let labels: Vec<u16> = defined(&case["labels"]).iter().map(|&v| v as u16).collect();
        let probabilities = |of: &str| -> Probabilities { hex_probabilities(classes, &case[of]) };
        let (first, second) = (probabilities("first"), probabilities("second"));
        let first = Predictions::new(&labels, &first).unwrap();
        let second = Predictions::new(&labels, &second).unwrap();
        let pair = Pair::new(&first, &second).unwrap();

        let JointCorrectness {
            both,
            only_first,
            only_second,
            neither,
        } = pair.joint_correctness();
        let counts = [both, only_first, only_second, neither].map(|n| Some(n as f64));
        all_same(name, &counts, &case["joint"], 0.0);

        for class in 0..classes {
            let what = format!("DeLong {name} class {class}");
            same_difference(&what, pair.delong(class), &case["delong"][class]);
        }
        let what = format!("DeLong {name} macro");
        same_difference(&what, pair.delong_macro(), &case["macro"]);

        let agreement = Agreement::new(&[&first, &second]).unwrap();
        let oracle = Some(agreement.oracle_accuracy());
        same(
            &format!("{name} oracle"),
            oracle,
            &case["oracle"],
            TOLERANCE,
        );
        let missed = agreement.missed_by_all().into_iter();
        let missed: Vec<_> = missed.map(|sample| Some(sample as f64)).collect();
        all_same(
            &format!("{name} missed"),
            &missed,
            &case["missed_by_all"],
            0.0,
        );
        let vote = Some(agreement.soft_vote_accuracy().unwrap());
        same(
            &format!("{name} soft vote"),
            vote,
            &case["soft_vote"],
            TOLERANCE,
        );
    }
}

/// Answers of two classes: `right` of the fits are right about each sample.
fn fits(count: u64, right: &[f64]) -> Vec<Probabilities> {
    (0..count)
        .map(|fit| {
            let rows = right.iter().flat_map(|&right| {
                let hit = fit < right as u64;
                if hit { [1.0, 0.0] } else { [0.0, 1.0] }
            });
            Probabilities::new(2, rows.collect()).unwrap()
        })
        .collect()
}

#[test]
fn paired_randomisation_tests() {
    for case in golden("swap") {
        let counts = defined(&case["fits"]);
        let (first, second) = (defined(&case["first"]), defined(&case["second"]));
        let labels = vec![0; first.len()];
        let first = fits(counts[0] as u64, &first);
        let second = fits(counts[1] as u64, &second);
        let first: Vec<_> = first
            .iter()
            .map(|p| Predictions::new(&labels, p).unwrap())
            .collect();
        let second: Vec<_> = second
            .iter()
            .map(|p| Predictions::new(&labels, p).unwrap())
            .collect();
        let first: Vec<&Predictions<'_>> = first.iter().collect();
        let second: Vec<&Predictions<'_>> = second.iter().collect();
        let found = SwapTest::new(&first, &second).unwrap();
        let what = |name: &str| format!("swap {counts:?} {name}");
        same(
            &what("difference"),
            Some(found.difference),
            &case["difference"],
            TOLERANCE,
        );
        same(
            &what("exact"),
            Some(found.exact_p),
            &case["exact"],
            TOLERANCE,
        );
        same(&what("mid"), Some(found.mid_p), &case["mid"], TOLERANCE);
        let turned = SwapTest::new(&second, &first).unwrap();
        assert_eq!(turned.mid_p, found.mid_p);
        assert_eq!(turned.difference, -found.difference);
    }
}

#[test]
fn corrected_resampled_t_tests() {
    for case in golden("resampled_t") {
        let differences = defined(&case["differences"]);
        let split = defined(&case["split"]);
        let found = ResampledT::new(&differences, split[0] as usize, split[1] as usize).unwrap();
        let what = |name: &str| format!("resampled t of {} {name}", differences.len());
        same(&what("mean"), Some(found.mean), &case["mean"], TOLERANCE);
        same(
            &what("error"),
            Some(found.standard_error),
            &case["error"],
            TOLERANCE,
        );
        same(&what("t"), found.t, &case["t"], TOLERANCE);
        same(&what("p"), found.p, &case["p"], TOLERANCE);
        let interval = found.interval(Confidence::P95);
        let ends = [Some(interval.low), Some(interval.high)];
        all_same(&what("interval"), &ends, &case["interval"], TOLERANCE);
        let practical = found.practical(case["rope"].as_f64().unwrap());
        let shares = [
            practical.first_lower,
            practical.equivalent,
            practical.first_higher,
        ];
        all_same(
            &what("practical"),
            &shares.map(Some),
            &case["practical"],
            TOLERANCE,
        );
    }
}

#[test]
fn holm_correction() {
    for case in golden("holm") {
        let found: Vec<_> = holm(&defined(&case["p"])).into_iter().map(Some).collect();
        all_same("Holm", &found, &case["adjusted"], TOLERANCE);
    }
}

#[test]
fn friedman_and_nemenyi() {
    for case in golden("friedman") {
        let scores: Vec<Vec<f64>> = case["scores"]
            .as_array()
            .unwrap()
            .iter()
            .map(defined)
            .collect();
        let found = Friedman::new(&scores, true).unwrap();
        let what = |name: &str| format!("Friedman {}×{} {name}", scores.len(), scores[0].len());
        let ranks: Vec<_> = found.mean_ranks.iter().copied().map(Some).collect();
        all_same(&what("ranks"), &ranks, &case["mean_ranks"], TOLERANCE);
        same(
            &what("chi²"),
            found.chi_squared,
            &case["chi_squared"],
            TOLERANCE,
        );
        same(&what("p"), Some(found.p), &case["p"], TOLERANCE);
        same(&what("F"), found.f, &case["f"], TOLERANCE);
        same(&what("F p"), Some(found.f_p), &case["f_p"], TOLERANCE);
        let nemenyi = found.nemenyi(Confidence::P95);
        same(
            &what("critical difference"),
            Some(nemenyi.critical_difference),
            &case["critical_difference"],
            TOLERANCE,
        );
        let p: Vec<_> = nemenyi.p.iter().copied().map(Some).collect();
        all_same(&what("Nemenyi"), &p, &case["nemenyi"], TOLERANCE);
        // Reversed scores where lower is better are the same.
        let negated: Vec<Vec<f64>> = scores
            .iter()
            .map(|row| row.iter().map(|s| -s).collect())
            .collect();
        assert_eq!(Friedman::new(&negated, false).unwrap(), found);
    }
}

#[test]
fn studentized_range() {
    for case in golden("studentized_range") {
        let groups = case["groups"].as_u64().unwrap() as u32;
        let q = case["q"].as_f64().unwrap();
        let found = studentized_range_cdf(q, groups);
        let what = format!("studentized range {q} of {groups}");
        same(&what, Some(found), &case["cdf"], TOLERANCE);
        if found > 1e-6 && found < 1.0 - 1e-6 {
            let back = studentized_range_quantile(found, groups);
            assert!((back - q).abs() < 1e-6, "{what}: back {back}");
        }
    }
    for (groups, published) in (2_u32..).zip(golden("published_nemenyi")) {
        let found = studentized_range_quantile(0.95, groups) / std::f64::consts::SQRT_2;
        same(&format!("Demšar {groups}"), Some(found), &published, 6e-4);
    }
}
