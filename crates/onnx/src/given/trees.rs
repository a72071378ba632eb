//! Trees as ONNX's own operators: all trees of all images take a step down at once, and leaves are
//! their own children ("TreeTraversal" of Nakandala et al., OSDI 2020, "A tensor compiler for unified
//! machine learning prediction serving").

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bounds::MOST_VALUES,
    written::{Written, attribute, classes, floats, int, text},
};
use crate::schema::Node;

/// Classes times trees: the runtime has the scores of every tree at once, for 16 images.
const MOST_SCORES: usize = MOST_VALUES / 16;

/// Nodes of all trees, one after the other.
struct Forest {
    feature: Vec<i64>,
    threshold: Vec<f32>,
    /// Where to go if the comparison holds, and if not.
    children: [Vec<i64>; 2],
    /// Of a leaf, a score for each class.
    scores: Vec<f32>,
    roots: Vec<i64>,
    depth: usize,
}

fn ints(node: &Node, name: &str) -> Vec<i64> {
    attribute(node, name)
        .map(|it| it.ints.clone())
        .unwrap_or_default()
}

/// The comparison that all inner nodes make, as an operator.
fn comparison(node: &Node) -> Result<&'static str, String> {
    let modes = attribute(node, "nodes_modes");
    let modes = modes.map(|it| it.strings.as_slice()).unwrap_or_default();
    let mut inner = modes.iter().filter(|mode| mode.as_slice() != b"LEAF");
    let first = inner.next().map_or(&b"BRANCH_LEQ"[..], Vec::as_slice);
    if inner.any(|mode| mode != first) {
        return Err("trees with comparisons of several kinds are not supported".into());
    }
    match first {
        b"BRANCH_LEQ" => Ok("LessOrEqual"),
        b"BRANCH_LT" => Ok("Less"),
        b"BRANCH_GTE" => Ok("GreaterOrEqual"),
        b"BRANCH_GT" => Ok("Greater"),
        other => Err(format!(
            "comparison {} is not supported",
            String::from_utf8_lossy(other)
        )),
    }
}

impl Forest {
    fn new(node: &Node, classes: usize) -> Result<Self, String> {
        let damaged = || "its lists contradict each other; the file is damaged".to_owned();
        let (trees, ids) = (ints(node, "nodes_treeids"), ints(node, "nodes_nodeids"));
        let count = trees.len();
        let modes = attribute(node, "nodes_modes").map(|it| it.strings.as_slice());
        let modes = modes.unwrap_or_default();
        let scores = count.saturating_mul(classes);
        if scores > MOST_VALUES {
            return Err(too_many(count, "nodes of trees", classes, MOST_VALUES));
        }
        let mut forest = Self {
            feature: ints(node, "nodes_featureids"),
            threshold: floats(node, "nodes_values"),
            children: [
                ints(node, "nodes_truenodeids"),
                ints(node, "nodes_falsenodeids"),
            ],
            scores: vec![0.0; scores],
            roots: Vec::new(),
            depth: 0,
        };
        let lengths = [
            ids.len(),
            modes.len(),
            forest.feature.len(),
            forest.threshold.len(),
            forest.children[0].len(),
            forest.children[1].len(),
        ];
        if count == 0 || lengths.iter().any(|&length| length != count) {
            return Err(damaged());
        }
        let places: BTreeMap<(i64, i64), usize> = trees
            .iter()
            .copied()
            .zip(ids.iter().copied())
            .zip(0..)
            .collect();
        let mut is_child = vec![false; count];
        for at in 0..count {
            let is_leaf = modes[at] == b"LEAF";
            for children in &mut forest.children {
                let child = match is_leaf {
                    true => at,
                    false => *places.get(&(trees[at], children[at])).ok_or_else(damaged)?,
                };
                children[at] = child as i64;
                if !is_leaf {
                    // A tree: no node has two parents, and so there is no way round in a circle.
                    is_child[child] = true;
                }
            }
            if is_leaf {
                forest.feature[at] = 0;
            }
        }
        forest.roots = (0..count)
            .filter(|&at| !is_child[at])
            .map(|at| at as i64)
            .collect();
        let trees_there = forest.roots.len();
        if trees_there.saturating_mul(classes) > MOST_SCORES {
            return Err(too_many(trees_there, "trees", classes, MOST_SCORES));
        }
        forest.depth = depth(&forest).ok_or_else(damaged)?;
        let [of_trees, of_nodes, of_classes] =
            ["class_treeids", "class_nodeids", "class_ids"].map(|name| ints(node, name));
        let weights = floats(node, "class_weights");
        let lengths = [of_trees.len(), of_nodes.len(), of_classes.len()];
        if lengths != [weights.len(); 3] {
            return Err(damaged());
        }
        let scored = of_trees.into_iter().zip(of_nodes);
        let scored = scored.zip(of_classes).zip(weights);
        for ((place, class), weight) in scored {
            let at = places.get(&place).ok_or_else(damaged)?;
            let class = usize::try_from(class).ok().filter(|&class| class < classes);
            let class = class.ok_or_else(damaged)?;
            forest.scores[at * classes + class] += weight;
        }
        Ok(forest)
    }
}

fn too_many(count: usize, what: &str, classes: usize, most: usize) -> String {
    format!("it has {count} {what} for {classes} classes, and their product may be {most} at most")
}

/// The longest way from a root to a leaf; `None` where a way never ends.
fn depth(forest: &Forest) -> Option<usize> {
    let mut level: Vec<usize> = forest.roots.iter().map(|&root| root as usize).collect();
    let mut seen = level.len();
    let mut depth = 0;
    loop {
        let mut below = Vec::new();
        for at in level {
            let children = forest
                .children
                .each_ref()
                .map(|children| children[at] as usize);
            below.extend(children.into_iter().filter(|&child| child != at));
        }
        if below.is_empty() {
            return (seen == forest.feature.len()).then_some(depth);
        }
        seen += below.len();
        if seen > forest.feature.len() {
            return None;
        }
        depth += 1;
        level = below;
    }
}

/// Scores of a forest.
pub(crate) fn classifier(
    node: &Node,
    input: &str,
    written: &mut Written,
) -> Result<String, String> {
    let classes = classes(node);
    let ids: BTreeSet<i64> = ints(node, "class_ids").into_iter().collect();
    let is_one_score = classes == 2 && ids.len() == 1;
    let step = comparison(node)?;
    let forest = Forest::new(node, classes)?;
    let count = forest.feature.len();
    let feature = written.ints(&[count], forest.feature);
    let threshold = written.floats(&[count], forest.threshold);
    let [yes, no] = forest
        .children
        .map(|children| written.ints(&[count], children));
    let scores = written.floats(&[count, classes], forest.scores);
    // All images at the roots: the number of images is that of the input's rows.
    let trees = forest.roots.len();
    let roots = written.ints(&[1, trees], forest.roots);
    let shape = written.node("Shape", &[input], Vec::new());
    let first = written.ints(&[1], vec![0]);
    let images = written.node("Gather", &[&shape, &first], vec![int("axis", 0)]);
    let trees = written.ints(&[1], vec![trees as i64]);
    let all = written.node("Concat", &[&images, &trees], vec![int("axis", 0)]);
    let mut at = written.node("Expand", &[&roots, &all], Vec::new());
    for _ in 0..forest.depth {
        let column = written.node("Gather", &[&feature, &at], vec![int("axis", 0)]);
        let value = written.node("GatherElements", &[input, &column], vec![int("axis", 1)]);
        let bound = written.node("Gather", &[&threshold, &at], vec![int("axis", 0)]);
        let holds = written.node(step, &[&value, &bound], Vec::new());
        let then = written.node("Gather", &[&yes, &at], vec![int("axis", 0)]);
        let otherwise = written.node("Gather", &[&no, &at], vec![int("axis", 0)]);
        at = written.node("Where", &[&holds, &then, &otherwise], Vec::new());
    }
    let of_trees = written.node("Gather", &[&scores, &at], vec![int("axis", 0)]);
    let axes = written.ints(&[1], vec![1]);
    let mut sum = written.node("ReduceSum", &[&of_trees, &axes], vec![int("keepdims", 0)]);
    let base = floats(node, "base_values");
    if is_one_score {
        let column = written.ints(&[1], ids.into_iter().collect());
        let score = written.node("Gather", &[&sum, &column], vec![int("axis", 1)]);
        return of_two(node, &score, base, written);
    }
    if !base.is_empty() {
        let base = written.floats(&[base.len()], base);
        sum = written.node("Add", &[&sum, &base], Vec::new());
    }
    written.transformed(node, &sum)
}

/// One score for two classes is about the second: what the sigmoid is of, or where all weights are positive
/// its probability, as ONNX Runtime has it.
fn of_two(
    node: &Node,
    score: &str,
    base: Vec<f32>,
    written: &mut Written,
) -> Result<String, String> {
    let mut score = score.to_owned();
    match base.len() {
        0 => {}
        1 => {
            let base = written.floats(&[1], base);
            score = written.node("Add", &[&score, &base], Vec::new());
        }
        bases => {
            return Err(format!(
                "{bases} base values for one score are not supported"
            ));
        }
    }
    let is_positive = floats(node, "class_weights")
        .iter()
        .all(|&weight| weight >= 0.0);
    let second = match (is_positive, text(node, "post_transform").as_deref()) {
        (true, None | Some("" | "NONE")) => score,
        (_, Some("LOGISTIC")) => written.node("Sigmoid", &[&score], Vec::new()),
        (_, other) => {
            return Err(format!(
                "one score for two classes with post_transform {} is not supported",
                other.unwrap_or("NONE")
            ));
        }
    };
    let one = written.floats(&[], vec![1.0]);
    let first = written.node("Sub", &[&one, &second], Vec::new());
    Ok(written.node("Concat", &[&first, &second], vec![int("axis", 1)]))
}
