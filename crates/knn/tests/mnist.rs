//! The default engine on the whole of MNIST.

use std::ops::ControlFlow;

use bakeoff_core::{FitContext, Settings};
use bakeoff_knn::FAMILY;

#[test]
fn three_neighbours_know_97_percent_of_the_test_digits() {
    let mnist = bakeoff_data::open("mnist").expect("MNIST is built in");
    let spec = FAMILY.resolve(None, &Settings::new()).expect("defaults");
    let mut ctx = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    let classifier = FAMILY.build(&spec).expect("a recipe");
    let model = classifier.fit(mnist.train(), &mut ctx).expect("a fit");
    assert_eq!(model.parameters(), 60_000 * 784);
    let answer = model
        .predict_proba(mnist.test().images())
        .expect("probabilities");
    let predicted = answer.predicted();
    let pairs = predicted.iter().zip(mnist.test().labels());
    let right = pairs
        .filter(|(predicted, label)| predicted == label)
        .count();
    // scikit-learn gets 9,705 right with the same rule for ties between classes.
    assert_eq!(right, 9_705);
}
