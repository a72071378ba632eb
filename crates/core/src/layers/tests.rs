use super::*;

fn ramp(len: usize, step: f32) -> Vec<f32> {
    // Neither symmetric nor periodic in any of the sizes below.
    (0..len)
        .map(|i| ((i * 7 + 3) % 11) as f32 * step - 5.0 * step)
        .collect()
}

/// Every kind of layer, two channels, a picture that is not square, zeros on one side only.
fn network() -> Layers {
    let layers = vec![
        Layer::Conv(ConvLayer {
            filters: 3,
            kernel: [2, 3],
            stride: [1, 2],
            pad: [1, 0, 0, 2],
            weights: ramp(3 * 2 * 2 * 3, 0.05),
            bias: vec![0.1, -0.2, 0.3],
        }),
        Layer::Relu,
        Layer::MaxPool(MaxPoolLayer {
            size: [2, 2],
            stride: [1, 2],
        }),
        Layer::Dense(DenseLayer {
            weights: ramp(3 * 4 * 2 * 4, 0.04),
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
    let answer = layers.forward(&[1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
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
    let pool = Layer::MaxPool(MaxPoolLayer {
        size: [2, 2],
        stride: [2, 2],
    });
    let dense = Layer::Dense(DenseLayer {
        weights: vec![1.0, 0.0],
        bias: vec![0.0, 0.0],
    });
    let layers = Layers::new(ImageShape::new(1, 3, 3), 1.0, vec![pool, dense]).unwrap();
    let answer = layers.forward(&[1, 2, 30, 8, 5, 6, 70, 80, 90]).unwrap();
    assert_eq!(answer.layers[0].values, [8.0]);
}

#[test]
fn the_gradient_is_the_slope_of_the_log_probability() {
    for temperature in [1.0, 2.5] {
        let layers = network().with_temperature(temperature).unwrap();
        let start = layers.forward(&picture()).unwrap().input;
        for class in 0..layers.classes() {
            let gradient = layers.input_gradient(&picture(), class).unwrap();
            assert!(gradient.iter().any(|slope| slope.abs() > 1e-3));
            for (pixel, slope) in gradient.iter().enumerate() {
                let at = |delta: f32| {
                    let mut input = start.clone();
                    input[pixel] += delta;
                    f64::from(layers.forward_scaled(input).probabilities[class]).ln()
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
fn what_does_not_fit_is_refused_by_place() {
    let good = network();
    for index in 0..good.layers().len() {
        let mut layers = good.layers().to_vec();
        match &mut layers[index] {
            Layer::Conv(conv) => conv.kernel = [2, 4],
            Layer::MaxPool(pool) => pool.size = [6, 1],
            Layer::Dense(dense) => dense.weights[0] = f32::NAN,
            Layer::Relu => continue,
        }
        assert!(
            matches!(
                Layers::new(good.input(), good.scale(), layers),
                Err(LayersError::Layer { index: found, .. }) if found == index
            ),
            "layer {index}"
        );
    }
    let headless = good.layers()[..5].to_vec();
    assert!(matches!(
        Layers::new(good.input(), good.scale(), headless),
        Err(LayersError::Whole(_))
    ));
    assert!(good.clone().with_temperature(0.0).is_err());
    assert!(matches!(
        good.forward(&[0; 3]),
        Err(LayersError::Picture { got: 3, .. })
    ));
    assert!(matches!(
        good.input_gradient(&picture(), 3),
        Err(LayersError::Class { class: 3, .. })
    ));
}
