//! A straight line through points, by least squares.

/// `y = middle + slope * (x - mean)`.
pub(crate) struct Line {
    mean: f64,
    middle: f64,
    slope: f64,
}

impl Line {
    /// The line through points `[x, y]`; level where they have one `x`, `None` of no points.
    pub(crate) fn through(points: &[[f64; 2]]) -> Option<Self> {
        let count = points.len() as f64;
        let average = |of: usize| points.iter().map(|point| point[of]).sum::<f64>() / count;
        let [mean, middle] = [average(0), average(1)];
        let spread: f64 = points.iter().map(|point| (point[0] - mean).powi(2)).sum();
        let both: f64 = points
            .iter()
            .map(|point| (point[0] - mean) * (point[1] - middle))
            .sum();
        let slope = if spread > 0.0 { both / spread } else { 0.0 };
        (!points.is_empty()).then_some(Self {
            mean,
            middle,
            slope,
        })
    }

    pub(crate) fn at(&self, x: f64) -> f64 {
        self.middle + self.slope * (x - self.mean)
    }
}
