//! Clusters and neighbours.
#![expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]

use super::arrays::{Column, HeldVectors, Matrix, array, array_2d, column, matrix, shape};
use super::engine::{CancelFlag, Engine, flag};
use crate::kernels::{Groups, Nearest, Values, Vectors};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

type Columns<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<f32>>);

fn columns(py: Python<'_>, found: Nearest) -> Columns<'_> {
    (array(py, found.index), array(py, found.squared))
}

fn vectors<'a>(held: &'a Matrix<'_, f32>) -> PyResult<Vectors<'a>> {
    let (rows, dim) = shape(held);
    Ok(Vectors::new(Values::F32(matrix(held)?), rows, dim)?)
}

fn weights<'a>(held: Option<&'a Column<'_, f32>>) -> PyResult<Option<&'a [f32]>> {
    held.map(column).transpose()
}

#[pyfunction]
#[pyo3(signature = (engine, kind, vectors, centres, cancel=None))]
pub(super) fn nearest_centres<'py>(
    py: Python<'py>,
    engine: &Engine,
    kind: &str,
    vectors: &Bound<'py, PyAny>,
    centres: Matrix<'py, f32>,
    cancel: Option<&CancelFlag>,
) -> PyResult<Columns<'py>> {
    let held = HeldVectors::new(kind, vectors)?;
    let (vectors, centres, cancel) = (held.borrow()?, self::vectors(&centres)?, flag(cancel));
    let found = py.detach(|| engine.0.nearest_centres(&vectors, &centres, &cancel))?;
    Ok(columns(py, found))
}

type Clusters<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<f32>>,
);

#[pyfunction]
#[pyo3(signature = (engine, vectors, weights, k, seed, iterations, cancel=None))]
#[expect(clippy::too_many_arguments, reason = "the signature is Python's")]
pub(super) fn k_means<'py>(
    py: Python<'py>,
    engine: &Engine,
    vectors: Matrix<'py, f32>,
    weights: Option<Column<'py, f32>>,
    k: usize,
    seed: u64,
    iterations: usize,
    cancel: Option<&CancelFlag>,
) -> PyResult<Clusters<'py>> {
    let (rows, weights) = (self::vectors(&vectors)?, self::weights(weights.as_ref())?);
    let cancel = flag(cancel);
    let found = py.detach(|| {
        let engine = &engine.0;
        engine.k_means(&rows, weights, k, seed, iterations, &cancel)
    })?;
    let centres = array_2d(py, found.centres, k, rows.dim())?;
    let (index, squared) = columns(py, found.nearest);
    Ok((centres, index, squared))
}

type Draws<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f32>>);

#[pyfunction]
#[pyo3(signature = (engine, vectors, weights, anchors, k, seed, cancel=None))]
#[expect(clippy::too_many_arguments, reason = "the signature is Python's")]
pub(super) fn k_means_plus_plus<'py>(
    py: Python<'py>,
    engine: &Engine,
    vectors: Matrix<'py, f32>,
    weights: Option<Column<'py, f32>>,
    anchors: Matrix<'py, f32>,
    k: usize,
    seed: u64,
    cancel: Option<&CancelFlag>,
) -> PyResult<Draws<'py>> {
    let (rows, anchors) = (self::vectors(&vectors)?, self::vectors(&anchors)?);
    let (weights, cancel) = (self::weights(weights.as_ref())?, flag(cancel));
    let seeds = py.detach(|| {
        let engine = &engine.0;
        engine.k_means_plus_plus(&rows, weights, &anchors, k, seed, &cancel)
    })?;
    Ok((array(py, seeds.index), array(py, seeds.probability)))
}

type Matrices<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f32>>);

#[pyfunction]
#[pyo3(signature = (engine, queries, base, k, cancel=None))]
pub(super) fn neighbours<'py>(
    py: Python<'py>,
    engine: &Engine,
    queries: Matrix<'py, f32>,
    base: Matrix<'py, f32>,
    k: usize,
    cancel: Option<&CancelFlag>,
) -> PyResult<Matrices<'py>> {
    let (queries, base, cancel) = (vectors(&queries)?, vectors(&base)?, flag(cancel));
    let found = py.detach(|| engine.0.neighbours(&queries, &base, k, &cancel))?;
    let index = array_2d(py, found.index, queries.rows(), k)?;
    Ok((index, array_2d(py, found.squared, queries.rows(), k)?))
}

#[pyfunction]
#[pyo3(signature = (engine, vectors, members, sizes, k, cancel=None))]
pub(super) fn nearest_within<'py>(
    py: Python<'py>,
    engine: &Engine,
    vectors: Matrix<'py, f32>,
    members: Column<'py, i64>,
    sizes: Column<'py, i64>,
    k: usize,
    cancel: Option<&CancelFlag>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (vectors, cancel) = (self::vectors(&vectors)?, flag(cancel));
    let (members, sizes) = (column(&members)?, column(&sizes)?);
    let groups = Groups { members, sizes };
    let squared = py.detach(|| engine.0.nearest_within(&vectors, groups, k, &cancel))?;
    array_2d(py, squared, members.len(), k)
}
