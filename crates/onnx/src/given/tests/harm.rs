//! Small files that ask for much, made on purpose.

use super::*;

fn numbers(name: &str, numbers: &[i64]) -> Tensor {
    Tensor {
        name: name.into(),
        dims: vec![numbers.len() as i64],
        data_type: INT64,
        int64_data: numbers.to_vec(),
        ..Tensor::default()
    }
}

fn one_float(name: &str, number: f32) -> Tensor {
    Tensor {
        name: name.into(),
        data_type: FLOAT,
        float_data: vec![number],
        ..Tensor::default()
    }
}

fn said(nodes: Vec<Node>, tensors: Vec<Tensor>) -> String {
    let graph = graph(value("x", &[4]), nodes, tensors);
    ask(&model(graph, 18).encode_to_vec(), &[0; 8]).unwrap_err()
}

/// A chain of nodes from `v0` on; the last one gives `out`.
fn chain(length: usize) -> Vec<Node> {
    let name = |at: usize| match at == length {
        true => "out".to_owned(),
        false => format!("v{at}"),
    };
    let each = (0..length).map(|at| Node {
        input: vec![name(at)],
        output: vec![name(at + 1)],
        ..node("Relu", &[])
    });
    each.collect()
}

fn inner(name: &str, nodes: Vec<Node>) -> Attribute {
    Attribute {
        name: name.into(),
        g: Some(Graph {
            node: nodes,
            name: "inner".into(),
            output: vec![value("out", &[4])],
            ..Graph::default()
        }),
        r#type: 5,
        ..Attribute::default()
    }
}

#[test]
fn sizes_that_a_constant_states_in_any_form_are_checked() {
    let stated = |attribute: Attribute| {
        let constant = Node {
            output: vec!["s".into()],
            attribute: vec![attribute],
            ..node("Constant", &[])
        };
        said(vec![constant, node("Expand", &["x", "s"])], vec![])
    };
    let tensor = Attribute {
        name: "value".into(),
        t: Some(numbers("s", &[1 << 40, 4])),
        r#type: 4,
        ..Attribute::default()
    };
    let one = Attribute {
        name: "value_int".into(),
        i: Some(1 << 40),
        r#type: 2,
        ..Attribute::default()
    };
    for attribute in [tensor, one, ints("value_ints", &[1 << 40, 4])] {
        let name = attribute.name.clone();
        let found = stated(attribute);
        assert!(found.contains("at most 134217728"), "{name}: {found}");
    }
    for operator in ["Tile", "OneHot", "TopK"] {
        let found = said(
            vec![node(operator, &["x", "s"])],
            vec![numbers("s", &[1 << 20])],
        );
        assert!(
            found.contains("times its input, and at most 65536"),
            "{found}"
        );
    }
    let many = said(
        vec![node("Expand", &["x", "s"])],
        vec![numbers("s", &[1; 100])],
    );
    assert!(many.contains("more than 64 numbers"), "{many}");
    let steps = said(
        vec![node("Range", &["a", "b", "c"])],
        vec![
            one_float("a", 0.0),
            one_float("b", 1.0),
            one_float("c", 1e-12),
        ],
    );
    assert!(steps.contains("at most 134217728"), "{steps}");
}

#[test]
fn what_is_checked_is_what_the_runtime_sees() {
    // The inner graph has a value of its own of the constant's name.
    let own = Node {
        output: vec!["n".into()],
        ..node("Relu", &["x"])
    };
    let mut either = node("If", &["c"]);
    either.attribute = vec![inner(
        "then_branch",
        vec![own, node("Loop", &["n", "", "x"])],
    )];
    let found = said(vec![either], vec![numbers("n", &[3])]);
    assert!(found.contains("may never end"), "{found}");
    let mut pad = node("Pad", &["x"]);
    pad.attribute = vec![ints("pads", &[0, 0]), ints("pads", &[1 << 40, 0])];
    let found = said(vec![pad], vec![]);
    assert!(found.contains("`pads` twice"), "{found}");
}

#[test]
fn chains_in_inner_graphs_and_through_them_are_chains() {
    let long = |nodes| {
        let mut either = node("If", &["c"]);
        either.attribute = vec![inner("then_branch", nodes), inner("else_branch", vec![])];
        said(vec![either], vec![])
    };
    assert!(long(chain(5_000)).contains("5000 operators"));
    let mut turned = chain(5_000);
    turned.reverse();
    assert!(long(turned).contains("before one that it needs"));
    let through = (0..5_000).map(|at| Node {
        attribute: vec![inner(
            "then_branch",
            vec![node("Relu", &[&format!("v{at}")])],
        )],
        output: vec![format!("v{}", at + 1)],
        ..node("If", &["c"])
    });
    assert!(said(through.collect(), vec![]).contains("5000 operators"));
}

#[test]
fn operators_have_a_number_wherever_they_are() {
    let parallel = |count: usize| {
        let each = (0..count).map(|at| Node {
            output: vec![format!("v{at}")],
            ..node("Relu", &["x"])
        });
        each.collect::<Vec<Node>>()
    };
    let found = said(parallel(10_001), vec![]);
    assert!(
        found.contains("10001 operators, and at most 10000"),
        "{found}"
    );
    let either = (0..2).map(|at| Node {
        output: vec![format!("v{at}")],
        attribute: vec![inner("then_branch", parallel(5_000))],
        ..node("If", &["c"])
    });
    assert!(said(either.collect(), vec![]).contains("10002 operators"));
}

/// The attributes of one tree whose every second node is a leaf.
fn deep(depth: i64, classes: usize) -> Vec<Attribute> {
    let nodes: Vec<i64> = (0..=2 * depth).collect();
    let is_leaf = |at: i64| at % 2 == 1 || at == 2 * depth;
    let modes: Vec<&str> = nodes
        .iter()
        .map(|&at| if is_leaf(at) { "LEAF" } else { "BRANCH_LEQ" })
        .collect();
    let zeros = vec![0; nodes.len()];
    let child = |step: i64| {
        let of = nodes
            .iter()
            .map(|&at| if is_leaf(at) { 0 } else { at + step });
        of.collect::<Vec<i64>>()
    };
    vec![
        ints("classlabels_int64s", &vec![0; classes]),
        ints("nodes_treeids", &zeros),
        ints("nodes_nodeids", &nodes),
        ints("nodes_featureids", &zeros),
        floats("nodes_values", &vec![5.0; nodes.len()]),
        texts("nodes_modes", &modes),
        ints("nodes_truenodeids", &child(1)),
        ints("nodes_falsenodeids", &child(2)),
        ints("class_treeids", &[0]),
        ints("class_nodeids", &[1]),
        ints("class_ids", &[0]),
        floats("class_weights", &[1.0]),
    ]
}

#[test]
fn trees_are_as_deep_as_the_runtime_can_follow_and_their_scores_have_a_bound() {
    let ask_tree = |attributes| {
        let bytes = classical(vec![("TreeEnsembleClassifier", attributes)]);
        ask(&bytes, &[0; 8])
    };
    assert_eq!(ask_tree(deep(300, 3)).unwrap(), [1., 0., 0., 1., 0., 0.]);
    let found = ask_tree(deep(1_200, 3)).unwrap_err();
    assert!(found.contains("operators of which each needs"), "{found}");
    let found = ask_tree(deep(5_000, 60_000)).unwrap_err();
    assert!(
        found.contains("10001 nodes of trees for 60000 classes"),
        "{found}"
    );
    let mut torn = deep(3, 3);
    torn.pop();
    torn.push(floats("class_weights", &[]));
    assert!(
        ask_tree(torn)
            .unwrap_err()
            .contains("contradict each other")
    );
}

/// What is read of a second file is what is asked for, and no more than a file can have.
#[test]
fn tensors_that_share_a_second_file_cost_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    // Sparse: it takes no room.
    let data = fs::File::create(folder.path().join("m.data")).unwrap();
    data.set_len(1 << 30).unwrap();
    let outside = |at: usize, length: &str| Tensor {
        name: format!("w{at}"),
        data_location: Some(EXTERNAL),
        data_type: FLOAT,
        dims: vec![4],
        external_data: [("location", "m.data"), ("length", length)]
            .map(|(key, value)| StringStringEntry {
                key: key.into(),
                value: value.into(),
            })
            .into(),
        ..Tensor::default()
    };
    let read = |count: usize, length: &str| {
        let tensors = (0..count).map(|at| outside(at, length)).collect();
        let graph = graph(value("x", &[4]), vec![node("Relu", &["x"])], tensors);
        let path = folder.path().join("m.onnx");
        fs::write(&path, model(graph, 18).encode_to_vec()).unwrap();
        file::read(&path)
    };
    // Each of these read a gigabyte.
    assert!(read(300, "16").unwrap().len() < 100_000);
    let found = read(4, "134217728").unwrap_err();
    assert!(found.contains("should have 16 bytes"), "{found}");
}
