//! What `k_center` keeps from one round to the next.

use super::arrays::HeldVectors;
use crate::kernels::Nearness;
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Distances of rows to labelled ones, as far as anybody asked for them.
#[pyclass(frozen, module = "alservice.core._native")]
pub(super) struct NearestState(Mutex<Nearness>);

impl NearestState {
    /// Wait for whoever uses it. What a kernel left behind when it failed is still true.
    pub(super) fn hold(&self) -> MutexGuard<'_, Nearness> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl NearestState {
    #[new]
    fn new(dim: usize) -> Self {
        Self(Mutex::new(Nearness::new(dim)))
    }

    /// Anchors so far.
    #[getter]
    fn anchors(&self, py: Python<'_>) -> usize {
        py.detach(|| self.hold().centres())
    }

    fn advance(&self, py: Python<'_>, kind: &str, anchors: &Bound<'_, PyAny>) -> PyResult<()> {
        let held = HeldVectors::new(kind, anchors)?;
        let anchors = held.borrow()?;
        Ok(py.detach(|| self.hold().advance(&anchors))?)
    }
}
