//! Greedy coverage.
#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "pyo3 extracts owned borrows; the signatures are Python's"
)]

use super::arrays::{Column, Matrix, array, column, matrix, shape};
use super::engine::{CancelFlag, Engine, flag};
use crate::kernels::{Picks, Rows, Similarity};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pub(super) type Picked<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f32>>);

pub(super) fn picked(py: Python<'_>, picks: Picks) -> Picked<'_> {
    (array(py, picks.index), array(py, picks.gain))
}

#[pyfunction]
#[pyo3(signature = (engine, candidates, rows, weights, covered, kernel, scale, k, cancel=None))]
pub(super) fn herd<'py>(
    py: Python<'py>,
    engine: &Engine,
    candidates: Matrix<'py, f32>,
    rows: Matrix<'py, f32>,
    weights: Column<'py, f32>,
    covered: Column<'py, f32>,
    kernel: &str,
    scale: f64,
    k: usize,
    cancel: Option<&CancelFlag>,
) -> PyResult<Picked<'py>> {
    let ((_, dim), (count, rows_dim)) = (shape(&candidates), shape(&rows));
    let (weights, covered) = (column(&weights)?, column(&covered)?);
    if rows_dim != dim || count != weights.len() {
        return Err(PyValueError::new_err(
            "rows: another dimension than candidates, or another length than weights",
        ));
    }
    let ground = Rows {
        values: matrix(&rows)?,
        weights,
        covered,
    };
    let (candidates, cancel) = (matrix(&candidates)?, flag(cancel));
    let similarity = Similarity::by_name(kernel, scale)?;
    let picks = py.detach(|| {
        engine
            .0
            .herd(candidates, ground, dim, similarity, k, &cancel)
    })?;
    Ok(picked(py, picks))
}
