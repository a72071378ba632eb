//! Shapes, names and refusals.

use super::*;

const GREY28: ImageShape = ImageShape::new(1, 28, 28);

fn conv(filters: usize, size: usize, stride: usize, padding: Padding) -> Step {
    Step::Conv {
        filters,
        kernel: [size, size],
        stride,
        padding,
    }
}

const POOL: Step = Step::MaxPool { size: 2, stride: 2 };

fn keras_example(norm: Option<NormPlace>) -> Blueprint {
    Blueprint {
        steps: vec![
            conv(32, 3, 1, Padding::Valid),
            POOL,
            conv(64, 3, 1, Padding::Valid),
            POOL,
            Step::Dropout { rate: 0.5 },
            Step::Dense { units: 128 },
        ],
        norm,
    }
}

#[test]
fn shapes_are_those_of_the_keras_example() -> Result<(), NetworkError> {
    let network = Network::new(&keras_example(None), GREY28, 10)?;
    let sides: Vec<_> = network
        .layers()
        .iter()
        .filter_map(|layer| match layer {
            Layer::Conv(conv) => Some(conv.output.height),
            Layer::MaxPool(pool) => Some(pool.output.width),
            _ => None,
        })
        .collect();
    assert_eq!(sides, [26, 13, 11, 5]);
    // Counted by hand: 320 + 18,496 + 1,600·128 + 128 + 1,290.
    assert_eq!(network.trained_values(), 225_034);
    Ok(())
}

#[test]
fn batch_norm_replaces_the_bias() -> Result<(), NetworkError> {
    let network = Network::new(&keras_example(Some(NormPlace::BeforePool)), GREY28, 10)?;
    let names: Vec<_> = network.tensors().into_iter().map(|t| t.name).collect();
    assert_eq!(
        names,
        [
            "conv1.weight",
            "conv1.norm.weight",
            "conv1.norm.bias",
            "conv1.norm.running_mean",
            "conv1.norm.running_var",
            "conv2.weight",
            "conv2.norm.weight",
            "conv2.norm.bias",
            "conv2.norm.running_mean",
            "conv2.norm.running_var",
            "dense1.weight",
            "dense1.norm.weight",
            "dense1.norm.bias",
            "dense1.norm.running_mean",
            "dense1.norm.running_var",
            "output.weight",
            "output.bias",
        ]
    );
    assert_eq!(network.trained_values(), 225_034 + 32 + 64 + 128);
    Ok(())
}

#[test]
fn same_padding_keeps_the_size_and_puts_odd_zeros_last() -> Result<(), NetworkError> {
    let one = |step| {
        let blueprint = Blueprint {
            steps: vec![step],
            norm: None,
        };
        Network::new(&blueprint, ImageShape::new(3, 9, 12), 2).map(|network| {
            match network.layers().first() {
                Some(Layer::Conv(conv)) => (conv.output, conv.pad),
                _ => (ImageShape::new(0, 0, 0), [0; 4]),
            }
        })
    };
    let same = Padding::Same;
    assert_eq!(
        one(conv(4, 3, 1, same))?,
        (ImageShape::new(4, 9, 12), [1, 1, 1, 1])
    );
    assert_eq!(
        one(conv(4, 4, 1, same))?,
        (ImageShape::new(4, 9, 12), [1, 1, 2, 2])
    );
    assert_eq!(
        one(conv(4, 3, 2, same))?,
        (ImageShape::new(4, 5, 6), [1, 0, 1, 1])
    );
    Ok(())
}

#[test]
fn the_layer_that_does_not_fit_is_named() {
    let refuse = |steps: Vec<Step>, shape| {
        let blueprint = Blueprint { steps, norm: None };
        Network::new(&blueprint, shape, 2).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let valid = Padding::Valid;
    let small = refuse(
        vec![conv(2, 3, 1, valid), POOL, conv(2, 3, 1, valid)],
        ImageShape::new(1, 6, 9),
    );
    assert!(
        small.contains("layer 3 (conv 2 3x3)") && small.contains("gets 2×3"),
        "{small}"
    );
    let order = refuse(vec![Step::Dense { units: 3 }, POOL], GREY28);
    assert!(order.contains("layer 2 (max-pool 2)"), "{order}");
    let same = Padding::Same;
    let start = || vec![conv(4, 3, 1, valid), Step::Skip];
    for (rest, words) in [
        (vec![], "layer 2 (skip) has no add after it"),
        (
            vec![Step::Add, Step::Add],
            "layer 4 (add) has no skip before it",
        ),
        (
            vec![conv(5, 3, 1, same), Step::Add],
            "layer 4 (add) adds the 4×26×26 of layer 2 to 5×26×26",
        ),
        (
            vec![conv(4, 3, 1, valid), Step::Add],
            "layer 4 (add) adds the 4×26×26 of layer 2 to 4×24×24",
        ),
        (
            vec![Step::Dropout { rate: 0.5 }, Step::Add],
            "layer 2 (skip) is followed by dropout",
        ),
        (
            vec![Step::Dense { units: 3 }, Step::Add],
            "layer 4 (add) comes after a dense layer",
        ),
    ] {
        let said = refuse([start(), rest].concat(), GREY28);
        assert!(said.contains(words), "{said}");
    }
    for first in [vec![], vec![Step::Dropout { rate: 0.5 }]] {
        let said = refuse([first, vec![Step::Skip, Step::Add]].concat(), GREY28);
        assert!(
            said.contains("(skip) needs a convolution or a pool"),
            "{said}"
        );
    }
    let large = refuse(
        vec![Step::Dense {
            units: usize::MAX / 2,
        }],
        GREY28,
    );
    assert!(large.contains("more than"), "{large}");
    assert!(refuse(vec![conv(0, 3, 1, valid)], GREY28).contains("no meaning"));
    assert!(refuse(vec![conv(1, 3, 0, valid)], GREY28).contains("no meaning"));
    assert!(refuse(vec![Step::Dropout { rate: 1.0 }], GREY28).contains("no meaning"));
}

#[test]
fn connections_may_be_nested_and_all_is_one_value_for_each_channel() -> Result<(), NetworkError> {
    let same = |filters| conv(filters, 3, 1, Padding::Same);
    let all = Step::AveragePool {
        size: None,
        stride: 1,
    };
    let blueprint = Blueprint {
        steps: vec![
            same(4),
            Step::Skip,
            same(6),
            Step::Skip,
            same(6),
            Step::Add,
            same(4),
            Step::Add,
            all,
        ],
        norm: None,
    };
    let network = Network::new(&blueprint, ImageShape::new(1, 9, 7), 3)?;
    let Some(Layer::AveragePool(pool)) = network.layers().get(8) else {
        panic!("{network:?}");
    };
    assert_eq!((pool.size, pool.output), ([9, 7], ImageShape::new(4, 1, 1)));
    let output = network.tensors().into_iter().rev().nth(1);
    assert_eq!(output.map(|tensor| tensor.shape), Some(vec![3, 4]));
    Ok(())
}

#[test]
fn a_network_without_hidden_layers_is_softmax_regression() -> Result<(), NetworkError> {
    let blueprint = Blueprint {
        steps: vec![],
        norm: None,
    };
    let network = Network::new(&blueprint, GREY28, 10)?;
    assert_eq!(network.trained_values(), 7850);
    Ok(())
}

#[test]
fn batch_norm_after_the_pool_has_no_factor() -> Result<(), NetworkError> {
    let network = Network::new(&keras_example(Some(NormPlace::AfterPool)), GREY28, 10)?;
    let names: Vec<String> = network.tensors().into_iter().map(|t| t.name).collect();
    let first = [
        "conv1.weight",
        "conv1.norm.bias",
        "conv1.norm.running_mean",
        "conv1.norm.running_var",
    ];
    assert_eq!(names[..4], first);
    assert_eq!(names.last().map(String::as_str), Some("output.bias"));
    Ok(())
}
