//! Agreement of predicted and actual classes beyond what chance would give.

use crate::ConfusionMatrix;

impl ConfusionMatrix {
    /// Matthews correlation of actual and predicted class for K classes, from -1 to 1.
    ///
    /// `None` where all samples are of one class or all are predicted as one
    /// (scikit-learn says 0). J. Gorodkin, "Comparing two K-category assignments by a
    /// K-category correlation coefficient", Computational Biology and Chemistry 28 (2004).
    pub fn matthews_correlation(&self) -> Option<f64> {
        let total = i128::from(self.total());
        let (mut both, mut actual, mut predicted) = (0, 0, 0);
        let (rows, columns) = self.margins();
        for (row, column) in rows.into_iter().zip(columns) {
            let (row, column) = (i128::from(row), i128::from(column));
            both += row * column;
            actual += row * row;
            predicted += column * column;
        }
        let covariance = i128::from(self.correct()) * total - both;
        let variances = (total * total - actual) as f64 * (total * total - predicted) as f64;
        (variances > 0.0).then(|| covariance as f64 / variances.sqrt())
    }

    /// Cohen's kappa: the share of correct predictions beyond chance, of what chance leaves.
    ///
    /// `None` where all samples are of one class and predicted as it.
    /// J. Cohen, "A coefficient of agreement for nominal scales", Educational and
    /// Psychological Measurement 20 (1960).
    pub fn cohen_kappa(&self) -> Option<f64> {
        let total = i128::from(self.total());
        let (rows, columns) = self.margins();
        let by_chance: i128 = rows
            .into_iter()
            .zip(columns)
            .map(|(row, column)| i128::from(row) * i128::from(column))
            .sum();
        let left = total * total - by_chance;
        let beyond = i128::from(self.correct()) * total - by_chance;
        (left > 0).then(|| beyond as f64 / left as f64)
    }
}
