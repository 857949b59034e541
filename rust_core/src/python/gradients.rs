//! Gradient embeddings.

use super::arrays::{Column, HeldBlocks, HeldVectors, Matrix, RawBlock};
use super::engine::{CancelFlag, Columns, Engine, columns, flag, head};
use crate::kernels::Start;
use pyo3::prelude::*;

#[pyfunction]
#[pyo3(signature = (engine, blocks, weights, bias, anchors, k, seed, origin_anchor, cancel=None))]
#[expect(clippy::too_many_arguments, reason = "the signature is Python's")]
#[expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]
pub(super) fn badge<'py>(
    py: Python<'py>,
    engine: &Engine,
    blocks: Vec<RawBlock<'py>>,
    weights: Matrix<'py, f32>,
    bias: Column<'py, f32>,
    anchors: &Bound<'py, PyAny>,
    k: usize,
    seed: u64,
    origin_anchor: bool,
    cancel: Option<&CancelFlag>,
) -> PyResult<Columns<'py>> {
    let (guard, held) = (HeldBlocks::new(blocks)?, HeldVectors::new("f32", anchors)?);
    let (blocks, model, cancel) = (guard.borrow()?, head(&weights, &bias)?, flag(cancel));
    let start = Start {
        anchors: held.borrow()?,
        origin: origin_anchor,
    };
    let ranked = py.detach(|| engine.0.badge(&blocks, &model, start, k, seed, &cancel))?;
    Ok(columns(py, ranked))
}
