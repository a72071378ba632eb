//! Fewer points for the same drawn line.
//!
//! Ramer–Douglas–Peucker: D. Douglas and T. Peucker, "Algorithms for the reduction of
//! the number of points required to represent a digitized line or its caricature",
//! Cartographica 10 (1973). Sampling a curve at equal steps was rejected: it cuts the
//! corner of a good model's ROC curve, which is the only part worth looking at.

/// The points to keep of those at these places.
pub(crate) fn simplified<P: Copy>(
    points: &[P],
    place: impl Fn(&P) -> (f64, f64),
    tolerance: f64,
) -> Vec<P> {
    let places: Vec<(f64, f64)> = points.iter().map(place).collect();
    let kept = simplify(&places, tolerance).into_iter();
    kept.map(|index| points[index]).collect()
}

/// Indices of the points to keep, ascending: both ends, and enough of the others for
/// every point to lie within `tolerance` of the line through those that are kept. With a
/// tolerance that is not a number everything is kept.
fn simplify(points: &[(f64, f64)], tolerance: f64) -> Vec<usize> {
    let Some(last) = points.len().checked_sub(1) else {
        return Vec::new();
    };
    let mut kept = vec![false; points.len()];
    kept[0] = true;
    kept[last] = true;
    // Sections whose ends are kept and whose inside is still to be looked at; a stack of
    // its own, because a curve may have more corners than the call stack has room for.
    let mut sections = vec![(0, last)];
    while let Some((start, end)) = sections.pop() {
        let mut farthest = (0.0, None);
        for index in start + 1..end {
            let distance = squared_distance(points[index], points[start], points[end]);
            if farthest.1.is_none() || distance > farthest.0 {
                farthest = (distance, Some(index));
            }
        }
        let (distance, Some(index)) = farthest else {
            continue;
        };
        if distance.sqrt() <= tolerance.max(0.0) && !tolerance.is_nan() {
            continue;
        }
        kept[index] = true;
        sections.push((start, index));
        sections.push((index, end));
    }
    (0..points.len()).filter(|&index| kept[index]).collect()
}

/// Squared distance of a point from the segment between two others. From the segment,
/// not from the line through it: beyond its ends nothing is drawn.
fn squared_distance(point: (f64, f64), start: (f64, f64), end: (f64, f64)) -> f64 {
    let along = (end.0 - start.0, end.1 - start.1);
    let to = (point.0 - start.0, point.1 - start.1);
    let length = along.0 * along.0 + along.1 * along.1;
    let share = if length > 0.0 {
        ((to.0 * along.0 + to.1 * along.1) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let off = (to.0 - share * along.0, to.1 - share * along.1);
    off.0 * off.0 + off.1 * off.1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn corners_stay_and_straight_parts_go() {
        let points = [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)];
        assert_eq!(simplify(&points, 0.0), [0, 2, 4]);
        assert_eq!(simplify(&points, 2.0), [0, 4]);
        assert_eq!(simplify(&points, f64::NAN), [0, 1, 2, 3, 4]);
        assert_eq!(simplify(&[], 0.1), [0; 0]);
        assert_eq!(simplify(&points[..1], 0.1), [0]);
    }

    proptest! {
        #[test]
        fn nothing_left_out_is_farther_than_the_tolerance(
            points in prop::collection::vec((0.0..1.0, 0.0..1.0), 1..60),
            tolerance in 0.0..0.5,
        ) {
            let kept = simplify(&points, tolerance);
            for (index, &point) in points.iter().enumerate() {
                let nearest = kept
                    .windows(2)
                    .map(|pair| squared_distance(point, points[pair[0]], points[pair[1]]).sqrt())
                    .fold(if kept.contains(&index) { 0.0 } else { f64::INFINITY }, f64::min);
                prop_assert!(nearest <= tolerance + 1e-12);
            }
        }
    }
}
