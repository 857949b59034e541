//! `CancelFlag` and `Engine` as Python classes.

use super::arrays::{
    Column, HeldBlocks, HeldVectors, Matrix, RawBlock, array, array_2d, column, matrix, shape,
};
use super::nearness::NearestState;
use crate::kernels::{self, Cancel, Head, Level, Measure, Ranked};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

/// Set from any thread, it ends the kernels that were given it.
#[pyclass(frozen, module = "alservice.core._native")]
#[derive(Default)]
pub(super) struct CancelFlag(Cancel);

#[pymethods]
impl CancelFlag {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Ask every kernel that was given this flag to stop.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether `cancel` was called.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

pub(super) type Columns<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f32>>,
);

pub(super) fn columns(py: Python<'_>, ranked: Ranked) -> Columns<'_> {
    (
        array(py, ranked.block),
        array(py, ranked.row),
        array(py, ranked.score),
    )
}

pub(super) fn flag(cancel: Option<&CancelFlag>) -> Cancel {
    cancel.map(|flag| flag.0.clone()).unwrap_or_default()
}

pub(super) fn head(weights: &Matrix<'_, f32>, bias: &Column<'_, f32>) -> PyResult<Head> {
    let (_, dim) = shape(weights);
    Ok(Head::new(matrix(weights)?, column(bias)?, dim)?)
}

/// A thread pool and an instruction set.
#[pyclass(frozen, module = "alservice.core._native")]
pub(super) struct Engine(pub(super) kernels::Engine);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (threads, simd="auto"))]
    fn new(threads: usize, simd: &str) -> PyResult<Self> {
        Ok(Self(kernels::Engine::new(threads, Level::by_name(simd)?)?))
    }

    /// Threads in the pool.
    #[getter]
    fn threads(&self) -> usize {
        self.0.threads()
    }

    /// The instruction set in use.
    #[getter]
    fn simd(&self) -> &'static str {
        self.0.level().name()
    }

    #[pyo3(signature = (blocks, weights, bias, measure, k, seed, cancel=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature is Python's")]
    #[expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]
    fn score_top_k<'py>(
        &self,
        py: Python<'py>,
        blocks: Vec<RawBlock<'py>>,
        weights: Matrix<'py, f32>,
        bias: Column<'py, f32>,
        measure: &str,
        k: usize,
        seed: u64,
        cancel: Option<&CancelFlag>,
    ) -> PyResult<Columns<'py>> {
        let guard = HeldBlocks::new(blocks)?;
        let (blocks, head) = (guard.borrow()?, head(&weights, &bias)?);
        let (measure, cancel) = (Measure::by_name(measure)?, flag(cancel));
        let ranked = py.detach(|| {
            self.0
                .score_top_k(&blocks, &head, measure, k, seed, &cancel)
        })?;
        Ok(columns(py, ranked))
    }

    #[pyo3(signature = (blocks, k, seed, cancel=None))]
    fn random_top_k<'py>(
        &self,
        py: Python<'py>,
        blocks: Vec<RawBlock<'py>>,
        k: usize,
        seed: u64,
        cancel: Option<&CancelFlag>,
    ) -> PyResult<Columns<'py>> {
        let guard = HeldBlocks::new(blocks)?;
        let (blocks, cancel) = (guard.borrow()?, flag(cancel));
        let ranked = py.detach(|| self.0.random_top_k(&blocks, k, seed, &cancel))?;
        Ok(columns(py, ranked))
    }

    #[pyo3(signature = (scores, blocks, k, seed, cancel=None))]
    #[expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]
    fn top_k<'py>(
        &self,
        py: Python<'py>,
        scores: Vec<Column<'py, f32>>,
        blocks: Vec<RawBlock<'py>>,
        k: usize,
        seed: u64,
        cancel: Option<&CancelFlag>,
    ) -> PyResult<Columns<'py>> {
        let guard = HeldBlocks::new(blocks)?;
        let (blocks, cancel) = (guard.borrow()?, flag(cancel));
        let scores = scores.iter().map(column).collect::<PyResult<Vec<_>>>()?;
        let ranked = py.detach(|| self.0.top_k(&scores, &blocks, k, seed, &cancel))?;
        Ok(columns(py, ranked))
    }

    #[pyo3(signature = (blocks, kind, anchors, k, seed, cancel=None, state=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature is Python's")]
    fn k_center<'py>(
        &self,
        py: Python<'py>,
        blocks: Vec<RawBlock<'py>>,
        kind: &str,
        anchors: &Bound<'py, PyAny>,
        k: usize,
        seed: u64,
        cancel: Option<&CancelFlag>,
        state: Option<&NearestState>,
    ) -> PyResult<Columns<'py>> {
        let (guard, anchors) = (HeldBlocks::new(blocks)?, HeldVectors::new(kind, anchors)?);
        let (blocks, anchors, cancel) = (guard.borrow()?, anchors.borrow()?, flag(cancel));
        let ranked = py.detach(|| {
            let mut held = state.map(NearestState::hold);
            let state = held.as_deref_mut();
            self.0.k_center(&blocks, &anchors, k, seed, state, &cancel)
        })?;
        Ok(columns(py, ranked))
    }

    #[expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]
    fn measure_scores<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        vectors: &Bound<'py, PyAny>,
        weights: Matrix<'py, f32>,
        bias: Column<'py, f32>,
        measure: &str,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let guard = HeldVectors::new(kind, vectors)?;
        let (vectors, head) = (guard.borrow()?, head(&weights, &bias)?);
        let measure = Measure::by_name(measure)?;
        let scores = py.detach(|| self.0.measure_scores(&vectors, &head, measure))?;
        Ok(array(py, scores))
    }

    #[expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        vectors: &Bound<'py, PyAny>,
        weights: Matrix<'py, f32>,
        bias: Column<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let guard = HeldVectors::new(kind, vectors)?;
        let (vectors, head) = (guard.borrow()?, head(&weights, &bias)?);
        let values = py.detach(|| self.0.probabilities(&vectors, &head))?;
        array_2d(py, values, vectors.rows(), head.classes())
    }

    #[expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]
    fn gather<'py>(
        &self,
        py: Python<'py>,
        blocks: Vec<RawBlock<'py>>,
        block_idx: Column<'py, i64>,
        row_idx: Column<'py, i64>,
        dim: usize,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let guard = HeldBlocks::new(blocks)?;
        let blocks = guard.borrow()?;
        let (block_idx, row_idx) = (column(&block_idx)?, column(&row_idx)?);
        let values = py.detach(|| self.0.gather(&blocks, block_idx, row_idx, dim))?;
        array_2d(py, values, block_idx.len(), dim)
    }

    fn sum<'py>(&self, py: Python<'py>, kind: &str, vectors: &Bound<'py, PyAny>) -> PyResult<f64> {
        let guard = HeldVectors::new(kind, vectors)?;
        let vectors = guard.borrow()?;
        Ok(py.detach(|| self.0.sum(&vectors)))
    }
}
