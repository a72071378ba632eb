//! Exact nearest neighbours of rows of bytes or of floating-point numbers.

use bakeoff_knn::{ByteIndex, Float, FloatIndex, Neighbour};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2,
    PyUntypedArrayMethods, ndarray::Array2,
};
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{pool, refused};

enum Index {
    Bytes(ByteIndex),
    Single(FloatIndex<f32>),
    Double(FloatIndex<f64>),
}

/// Rows prepared for the search: a two-dimensional array of uint8, float32 or float64.
#[pyclass(frozen, module = "bakeoff._native")]
pub(crate) struct Neighbours {
    index: Index,
}

/// The numbers of an array, row after row: copied, because models outlive arrays.
pub(crate) fn values<T: Element + Copy>(rows: &PyReadonlyArray2<'_, T>) -> Vec<T> {
    match rows.as_slice() {
        // Numbers in Fortran's order are a slice, too.
        Ok(values) if rows.is_c_contiguous() => values.to_vec(),
        _ => rows.as_array().iter().copied().collect(),
    }
}

fn floats<T: Element + Float>(rows: &PyReadonlyArray2<'_, T>) -> PyResult<FloatIndex<T>> {
    let (values, columns) = (values(rows), rows.shape()[1]);
    let py = rows.py();
    py.detach(|| pool(0)?.install(|| FloatIndex::new(values, columns).map_err(refused)))
}

type Answer<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<i64>>);

/// Distances and places as arrays of a row for each query.
fn arrays<'py>(py: Python<'py>, found: &[Neighbour], k: usize) -> PyResult<Answer<'py>> {
    let shape = (found.len().checked_div(k).unwrap_or(0), k);
    let distances = found.iter().map(|one| one.distance).collect();
    let indices = found.iter().map(|one| one.index as i64).collect();
    let distances = Array2::from_shape_vec(shape, distances).map_err(refused)?;
    let indices = Array2::from_shape_vec(shape, indices).map_err(refused)?;
    Ok((distances.into_pyarray(py), indices.into_pyarray(py)))
}

#[pymethods]
impl Neighbours {
    #[new]
    fn new(rows: &Bound<'_, PyAny>) -> PyResult<Self> {
        let index = if let Ok(rows) = rows.extract::<PyReadonlyArray2<'_, u8>>() {
            let (values, columns) = (values(&rows), rows.shape()[1]);
            let build = || ByteIndex::new(&values, columns).map_err(refused);
            Index::Bytes(rows.py().detach(|| pool(0)?.install(build))?)
        } else if let Ok(rows) = rows.extract::<PyReadonlyArray2<'_, f32>>() {
            Index::Single(floats(&rows)?)
        } else if let Ok(rows) = rows.extract::<PyReadonlyArray2<'_, f64>>() {
            Index::Double(floats(&rows)?)
        } else {
            return Err(PyTypeError::new_err(
                "rows must be a two-dimensional array of uint8, float32 or float64",
            ));
        };
        Ok(Self { index })
    }

    /// Distances (float64) and places (int64) of the `k` nearest rows of each query, which has the type of the rows.
    fn search<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        k: usize,
        threads: usize,
    ) -> PyResult<Answer<'py>> {
        let pool = pool(threads)?;
        let (columns, rows) = match &self.index {
            Index::Bytes(index) => (index.columns(), index.len()),
            Index::Single(index) => (index.columns(), index.len()),
            Index::Double(index) => (index.columns(), index.len()),
        };
        let check = |shape: &[usize]| match shape[1] == columns {
            true => Ok(()),
            false => Err(refused(format!(
                "queries have {} columns, the rows have {columns}",
                shape[1]
            ))),
        };
        let found = match &self.index {
            Index::Bytes(index) => {
                let queries: PyReadonlyArray2<'_, u8> = queries.extract()?;
                check(queries.shape())?;
                let values = values(&queries);
                py.detach(|| pool.install(|| index.nearest(&values, k)))
            }
            Index::Single(index) => {
                let queries: PyReadonlyArray2<'_, f32> = queries.extract()?;
                check(queries.shape())?;
                let values = values(&queries);
                py.detach(|| pool.install(|| index.nearest(&values, k)))
            }
            Index::Double(index) => {
                let queries: PyReadonlyArray2<'_, f64> = queries.extract()?;
                check(queries.shape())?;
                let values = values(&queries);
                py.detach(|| pool.install(|| index.nearest(&values, k)))
            }
        };
        arrays(py, &found.map_err(refused)?, k.min(rows))
    }
}

/// A column of labels, for other modules.
pub(crate) fn labels(labels: &Bound<'_, PyArray1<u16>>) -> Vec<u16> {
    labels
        .to_vec()
        .unwrap_or_else(|_| labels.to_owned_array().to_vec())
}
