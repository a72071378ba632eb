//! The settings of the family. What an engine supports stands in [`crate::engines`].

use std::num::NonZeroUsize;

use bakeoff_core::SettingKind;

bakeoff_core::settings! {
    /// The settings of the family.
    pub(crate) struct KnnSettings {
        k: NonZeroUsize = 3, SettingKind::Int { min: 1, max: i64::MAX },
            "how many neighbours vote; at most the number of training images";
        weights: Weights = "uniform", Weights::KIND,
            "one vote each, or 1/distance each (neighbours at distance 0 share all votes)";
        smoothing: f64 = 0.0, SettingKind::Float { min: 0.0, max: 1000.0 },
            "votes that every class has before its neighbours vote, so that no probability is 0; it \
             changes no prediction with uniform weights (1 is Laplace's rule)";
        ties (default): Ties = "lowest-class", Ties::KIND,
            "which of several classes with as many votes is the prediction: the first one, or that of the nearest neighbour";
        metric: Metric = "l2", Metric::KIND,
            "Euclidean, Manhattan or cosine distance between pixels";
        tangent (default): usize = 0, SettingKind::Int { min: 0, max: 1 << 20 },
            "so many of the nearest images are compared again by tangent distance, which small shifts, turns and \
             stretches do not change; 0: none";
        index: IndexKind = "linear", IndexKind::KIND,
            "how the training images are arranged for the search; neighbours are the same, \
             only time differs";
    }
}

bakeoff_core::choices! {
    /// How the distance between two images is measured. Pixels count as whole numbers from
    /// 0 to 255.
    pub(crate) enum Metric {
        /// Euclidean: the square root of the sum of squared differences.
        L2 = "l2",
        /// Manhattan: the sum of absolute differences.
        L1 = "l1",
        /// One minus the cosine of the angle between the images as vectors. A black image
        /// has no angle; its distance to any other image is 1, as in scikit-learn.
        Cosine = "cosine",
    }
}

bakeoff_core::choices! {
    /// How much the vote of a neighbour counts.
    pub(crate) enum Weights {
        /// One vote each.
        Uniform = "uniform",
        /// 1/distance. If there are neighbours at distance 0, they share all votes.
        Distance = "distance",
    }
}

bakeoff_core::choices! {
    /// Which class is predicted where several have as many votes.
    #[derive(Default)]
    pub(crate) enum Ties {
        /// The first of them, as in scikit-learn.
        #[default]
        LowestClass = "lowest-class",
        /// The one that the nearest of their neighbours belongs to.
        Nearest = "nearest",
    }
}

bakeoff_core::choices! {
    /// How the training images are arranged for the search.
    pub(crate) enum IndexKind {
        /// In a list: the distance to every training image counts.
        Linear = "linear",
        /// A tree of boxes.
        KdTree = "kd-tree",
        /// A tree of balls.
        BallTree = "ball-tree",
        /// A cover tree.
        CoverTree = "cover-tree",
    }
}
