use super::*;

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
        Layer::Add { from: 2 },
        Layer::AveragePool(PoolLayer {
            size: [1, 1],
            stride: [1, 1],
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

#[test]
fn what_does_not_fit_is_refused_by_place() {
    let good = network();
    for index in 0..good.layers().len() {
        let mut layers = good.layers().to_vec();
        match &mut layers[index] {
            Layer::Conv(conv) => conv.kernel = [2, 4],
            Layer::MaxPool(pool) | Layer::AveragePool(pool) => pool.size = [6, 1],
            Layer::Add { from } => *from = 1,
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
    let mut late = good.layers().to_vec();
    late.insert(8, Layer::Add { from: 6 });
    assert!(matches!(
        Layers::new(good.input(), good.scale(), late),
        Err(LayersError::Layer { index: 7, .. } | LayersError::Layer { index: 8, .. })
    ));
    let headless = good.layers()[..7].to_vec();
    assert!(matches!(
        Layers::new(good.input(), good.scale(), headless),
        Err(LayersError::Whole(_))
    ));
    assert!(good.clone().with_temperature(0.0).is_err());
}
