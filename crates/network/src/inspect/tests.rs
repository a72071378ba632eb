use bakeoff_core::{ConvLayer, DenseLayer, ImageShape, Layer, Layers, LayersError, PoolLayer};

use super::{forward, forward::forward_scaled, input_gradient};

fn ramp(len: usize, step: f32) -> Vec<f32> {
    // Neither symmetric nor periodic in any of the sizes below.
    (0..len)
        .map(|i| ((i * 7 + 3) % 11) as f32 * step - 5.0 * step)
        .collect()
}

/// Every kind of layer, two channels, an image that is not square, zeros on one side only.
fn network() -> Layers {
    let layers = vec![
        Layer::Conv(ConvLayer {
            filters: 3,
            groups: 1,
            kernel: [2, 3],
            stride: [1, 2],
            pad: [1, 0, 0, 2],
            weights: ramp(3 * 2 * 2 * 3, 0.05),
            bias: vec![0.1, -0.2, 0.3],
        }),
        Layer::Relu,
        Layer::MaxPool(PoolLayer {
            size: [2, 2],
            stride: [1, 2],
        }),
        // Of different slopes: the sum and what is added.
        Layer::AveragePool(PoolLayer {
            size: [1, 1],
            stride: [1, 1],
        }),
        Layer::Conv(ConvLayer {
            filters: 3,
            groups: 3,
            kernel: [1, 3],
            stride: [1, 1],
            pad: [0, 1, 0, 1],
            weights: ramp(3 * 3, 0.07),
            bias: vec![0.1, 0.3, 0.2],
        }),
        Layer::Relu,
        Layer::Add { from: 2 },
        Layer::AveragePool(PoolLayer {
            size: [2, 1],
            stride: [1, 1],
        }),
        Layer::Dense(DenseLayer {
            weights: ramp(3 * 3 * 2 * 4, 0.04),
            bias: vec![0.0, 0.2, -0.1, 0.4],
        }),
        Layer::Relu,
        Layer::Dense(DenseLayer {
            weights: ramp(3 * 4, 0.3),
            bias: vec![0.1, 0.0, -0.3],
        }),
    ];
    Layers::new(ImageShape::new(2, 5, 7), 1.0 / 255.0, layers).unwrap()
}

fn picture() -> Vec<u8> {
    (0..70).map(|i| (i * 37 + 11) as u8).collect()
}

#[test]
fn a_window_is_a_sum_of_products_over_its_place() {
    // 1×3×3 counted from 1 to 9, one filter of 2×2 counted from 1 to 4.
    let conv = Layer::Conv(ConvLayer {
        filters: 1,
        groups: 1,
        kernel: [2, 2],
        stride: [1, 1],
        pad: [0, 0, 1, 0],
        weights: vec![1.0, 2.0, 3.0, 4.0],
        bias: vec![0.5],
    });
    let dense = Layer::Dense(DenseLayer {
        weights: vec![0.0; 12],
        bias: vec![0.0, 1.0],
    });
    let layers = Layers::new(ImageShape::new(1, 3, 3), 1.0, vec![conv, dense]).unwrap();
    let answer = forward(&layers, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    assert_eq!(answer.layers[0].shape, ImageShape::new(1, 3, 2));
    // 1·1 + 2·2 + 4·3 + 5·4 = 37, and so on; the last row sees zeros below.
    assert_eq!(
        answer.layers[0].values,
        [37.5, 47.5, 67.5, 77.5, 23.5, 26.5]
    );
    let e = std::f32::consts::E;
    assert!((answer.probabilities[1] - e / (1.0 + e)).abs() < 1e-6);
}

#[test]
fn windows_that_fill_no_whole_place_are_dropped() {
    let pool = Layer::MaxPool(PoolLayer {
        size: [2, 2],
        stride: [2, 2],
    });
    let dense = Layer::Dense(DenseLayer {
        weights: vec![1.0, 0.0],
        bias: vec![0.0, 0.0],
    });
    let layers = Layers::new(ImageShape::new(1, 3, 3), 1.0, vec![pool, dense]).unwrap();
    let answer = forward(&layers, &[1, 2, 30, 8, 5, 6, 70, 80, 90]).unwrap();
    assert_eq!(answer.layers[0].values, [8.0]);
}

#[test]
fn the_gradient_is_the_slope_of_the_log_probability() {
    for temperature in [1.0, 2.5] {
        let layers = network().with_temperature(temperature).unwrap();
        let start = forward(&layers, &picture()).unwrap().input;
        for class in 0..layers.classes() {
            let gradient = input_gradient(&layers, &picture(), class).unwrap();
            assert!(gradient.iter().any(|slope| slope.abs() > 1e-3));
            for (pixel, slope) in gradient.iter().enumerate() {
                let at = |delta: f32| {
                    let mut input = start.clone();
                    input[pixel] += delta;
                    f64::from(forward_scaled(&layers, input).probabilities[class]).ln()
                };
                let step = 1e-3;
                let expected = (at(step) - at(-step)) / (2.0 * f64::from(step));
                assert!(
                    (f64::from(*slope) - expected).abs() < 1e-3,
                    "pixel {pixel}, class {class}: {slope} is not {expected}"
                );
            }
        }
    }
}

#[test]
fn another_length_and_an_unknown_class_are_refused() {
    let good = network();
    assert!(matches!(
        forward(&good, &[0; 3]),
        Err(LayersError::Picture { got: 3, .. })
    ));
    assert!(matches!(
        input_gradient(&good, &picture(), 3),
        Err(LayersError::Class { class: 3, .. })
    ));
}
