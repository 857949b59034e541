//! The glue between Python and the kernels: borrow arrays, release the GIL, call, map the error.
//! No loops over numbers here.

mod arrays;
mod clustering;
mod coverage;
mod design;
mod engine;
mod functions;
mod gradients;
mod nearness;

use crate::kernels::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

create_exception!(
    _native,
    Cancelled,
    PyException,
    "A kernel stopped because its cancel flag was set."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled => Cancelled::new_err(error.to_string()),
            other => PyValueError::new_err(other.to_string()),
        }
    }
}

/// Kernels of the numeric core; `alservice.core` is the typed door to them.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::Cancelled;
    #[pymodule_export]
    use super::clustering::{
        k_means, k_means_plus_plus, nearest_centres, nearest_within, neighbours,
    };
    #[pymodule_export]
    use super::coverage::herd;
    #[pymodule_export]
    use super::design::{bait, max_det, outer_sum};
    #[pymodule_export]
    use super::engine::{CancelFlag, Engine};
    #[pymodule_export]
    use super::functions::{
        bf16_from_f32, build_info, common_ids, crc32c, f32_from_bf16, find_ids, first_nonfinite,
        hash_ids, keyed_hash, repeated_ids, sort_hashes,
    };
    #[pymodule_export]
    use super::gradients::badge;
    #[pymodule_export]
    use super::nearness::NearestState;
}
