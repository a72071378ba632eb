//! The numbers of tensors in a file.

use crate::schema::{DOUBLE, EXTERNAL, FLOAT, FLOAT16, Graph, INT64, Tensor, UINT8};

/// Bytes that a value of a type takes; `None` for types whose size in a file is not checked.
fn bytes_of(data_type: i32) -> Option<usize> {
    match data_type {
        FLOAT | 6 | 12 => Some(4),
        UINT8 | 3 | 9 => Some(1),
        4 | 5 | FLOAT16 | 16 => Some(2),
        INT64 | DOUBLE | 13 => Some(8),
        _ => None,
    }
}

/// The number of values of a tensor; `None` where there cannot be as many.
pub(crate) fn elements(tensor: &Tensor) -> Option<usize> {
    tensor.dims.iter().try_fold(1_usize, |product, &length| {
        product.checked_mul(usize::try_from(length).ok()?)
    })
}

/// The bytes of a tensor's values in another file; `None` for lengths or types that have none.
pub(crate) fn bytes(tensor: &Tensor) -> Option<u64> {
    let bytes = elements(tensor)?.checked_mul(bytes_of(tensor.data_type)?)?;
    u64::try_from(bytes).ok()
}

/// No tensor is larger than its values, so that a small file cannot ask for much memory; those of inner
/// graphs and of constants among them.
pub(crate) fn check(graph: &Graph) -> Result<(), String> {
    if !graph.sparse_initializer.is_empty() {
        return Err("has sparse tensors; export it with dense ones".into());
    }
    graph.initializer.iter().try_for_each(check_one)?;
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        let tensors = attribute.t.iter().chain(&attribute.tensors);
        tensors.into_iter().try_for_each(check_one)?;
        let graphs = attribute.g.iter().chain(&attribute.graphs);
        graphs.into_iter().try_for_each(check)?;
    }
    Ok(())
}

fn check_one(tensor: &Tensor) -> Result<(), String> {
    let named = |why: &str| format!("tensor `{}` {why}", tensor.name.escape_debug());
    if tensor.data_location == Some(EXTERNAL) {
        return Err(named("has its values in another file"));
    }
    let count = elements(tensor).ok_or_else(|| named("has lengths that are no lengths"))?;
    let raw = match (tensor.raw_data.is_empty(), bytes_of(tensor.data_type)) {
        (true, _) => None,
        (false, Some(size)) => Some(tensor.raw_data.len() / size),
        (false, None) => return Ok(()),
    };
    let listed = [
        tensor.float_data.len(),
        tensor.int32_data.len(),
        tensor.int64_data.len(),
        tensor.double_data.len(),
        tensor.uint64_data.len(),
        tensor.string_data.len(),
    ];
    let there = raw.unwrap_or_else(|| listed.into_iter().max().unwrap_or_default());
    match there == count {
        true => Ok(()),
        false => Err(named(&format!(
            "should have {count} values and has {there}; the file is damaged"
        ))),
    }
}

/// A small tensor's values; none of other types than sizes have.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (numbers, _) = bytes.as_chunks::<N>();
        numbers.iter().map(|&bytes| number(bytes)).collect()
    }
    let raw = &tensor.raw_data[..];
    match (tensor.data_type, raw.is_empty()) {
        (INT64, false) => each(raw, |bytes| i64::from_le_bytes(bytes) as f64),
        (INT64, true) => tensor.int64_data.iter().map(|&it| it as f64).collect(),
        (6, false) => each(raw, |bytes| i32::from_le_bytes(bytes).into()),
        (6, true) => tensor.int32_data.iter().map(|&it| it.into()).collect(),
        (FLOAT, false) => each(raw, |bytes| f32::from_le_bytes(bytes).into()),
        (FLOAT, true) => tensor.float_data.iter().map(|&it| it.into()).collect(),
        _ => Vec::new(),
    }
}
