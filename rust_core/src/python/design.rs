//! Experimental design.
#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "pyo3 extracts owned borrows; the signatures are Python's"
)]

use super::arrays::{Column, Matrix, array, array_2d, column, matrix, shape};
use super::coverage::{Picked, picked};
use super::engine::{CancelFlag, Engine, flag};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

#[pyfunction]
#[pyo3(signature = (engine, vectors, weights, cancel=None))]
pub(super) fn outer_sum<'py>(
    py: Python<'py>,
    engine: &Engine,
    vectors: Matrix<'py, f32>,
    weights: Column<'py, f32>,
    cancel: Option<&CancelFlag>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (_, dim) = shape(&vectors);
    let (values, weights, cancel) = (matrix(&vectors)?, column(&weights)?, flag(cancel));
    let sum = py.detach(|| engine.0.outer_sum(values, weights, dim, &cancel))?;
    array_2d(py, sum, dim, dim)
}

#[pyfunction]
#[pyo3(signature = (engine, vectors, weights, inverse, k, cancel=None))]
pub(super) fn max_det<'py>(
    py: Python<'py>,
    engine: &Engine,
    vectors: Matrix<'py, f32>,
    weights: Column<'py, f32>,
    inverse: Matrix<'py, f64>,
    k: usize,
    cancel: Option<&CancelFlag>,
) -> PyResult<Picked<'py>> {
    let (_, dim) = shape(&vectors);
    let (values, weights, cancel) = (matrix(&vectors)?, column(&weights)?, flag(cancel));
    let inverse = matrix(&inverse)?;
    let picks = py.detach(|| engine.0.max_det(values, weights, inverse, dim, k, &cancel))?;
    Ok(picked(py, picks))
}

#[pyfunction]
#[pyo3(signature = (engine, vectors, weights, inverse, fisher, k, over, cancel=None))]
pub(super) fn bait<'py>(
    py: Python<'py>,
    engine: &Engine,
    vectors: Matrix<'py, f32>,
    weights: Column<'py, f32>,
    inverse: Matrix<'py, f64>,
    fisher: Matrix<'py, f64>,
    k: usize,
    over: usize,
    cancel: Option<&CancelFlag>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (_, dim) = shape(&vectors);
    let (values, weights, cancel) = (matrix(&vectors)?, column(&weights)?, flag(cancel));
    let (inverse, fisher) = (matrix(&inverse)?, matrix(&fisher)?);
    let picks = py.detach(|| {
        let asked = (k, over);
        engine
            .0
            .bait(values, weights, inverse, fisher, dim, asked, &cancel)
    })?;
    Ok(array(py, picks))
}
