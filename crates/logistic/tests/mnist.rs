//! The default engine on the real MNIST.

mod support;

use serde_json::json;
use support::{fit, recipe};

#[test]
fn mnist_is_learned_to_convergence() {
    let mnist = bakeoff_data::open("mnist").unwrap();
    let fitted = fit(&*recipe("native", &json!({})), mnist.train()).unwrap();
    let summary = fitted.summary();
    assert_eq!(summary.converged, Some(true));
    // Plain L-BFGS takes 264 iterations, and its loss is then 0.23279.
    assert!(summary.steps < 50, "{} iterations", summary.steps);
    assert!(summary.final_loss.unwrap() < 0.2330);
    let answers = fitted.model.predict_proba(mnist.test().images()).unwrap();
    let predicted = answers.predicted();
    let right = predicted
        .iter()
        .zip(mnist.test().labels())
        .filter(|(a, b)| a == b)
        .count();
    // scikit-learn gets 9257 to 9263 right.
    assert!((9250..=9275).contains(&right), "{right} of 10,000");
}
