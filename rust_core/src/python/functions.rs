//! The functions that need no pool.
#![expect(clippy::needless_pass_by_value, reason = "pyo3 extracts owned borrows")]

use super::arrays::{Column, HeldVectors, RawIndex, array, array_2d, column, index};
use crate::kernels::{self, Ids, Level};
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;
use std::collections::BTreeMap;

#[pyfunction]
pub(super) fn bf16_from_f32<'py>(
    py: Python<'py>,
    values: Column<'py, f32>,
) -> PyResult<Bound<'py, PyArray1<u16>>> {
    let values = column(&values)?;
    let narrow = py.detach(|| values.iter().map(|&x| kernels::f32_to_bf16(x)).collect());
    Ok(array(py, narrow))
}

#[pyfunction]
pub(super) fn f32_from_bf16<'py>(
    py: Python<'py>,
    values: Column<'py, u16>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let values = column(&values)?;
    let wide = py.detach(|| values.iter().map(|&x| kernels::bf16_to_f32(x)).collect());
    Ok(array(py, wide))
}

#[pyfunction]
pub(super) fn first_nonfinite<'py>(
    py: Python<'py>,
    kind: &str,
    vectors: &Bound<'py, PyAny>,
) -> PyResult<i64> {
    let held = HeldVectors::new(kind, vectors)?;
    let vectors = held.borrow()?;
    let found = py.detach(|| vectors.first_nonfinite(Level::detect()));
    Ok(found.map_or(-1, |row| i64::try_from(row).unwrap_or(i64::MAX)))
}

#[pyfunction]
pub(super) fn crc32c(py: Python<'_>, data: Column<'_, u8>, initial: u32) -> PyResult<u32> {
    let data = column(&data)?;
    Ok(py.detach(|| ::crc32c::crc32c_append(initial, data)))
}

#[pyfunction]
pub(super) fn hash_ids<'py>(
    py: Python<'py>,
    id_bytes: Column<'py, u8>,
    offsets: Column<'py, i64>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let ids = Ids::new(column(&id_bytes)?, column(&offsets)?)?;
    Ok(array(py, py.detach(|| kernels::hash_ids(&ids))?))
}

#[pyfunction]
pub(super) fn keyed_hash<'py>(
    py: Python<'py>,
    id_hash: Column<'py, u64>,
    key: u64,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let hashes = column(&id_hash)?;
    let keyed = py.detach(|| {
        hashes
            .iter()
            .map(|&hash| kernels::keyed_hash(hash, key))
            .collect()
    });
    Ok(array(py, keyed))
}

#[pyfunction]
pub(super) fn sort_hashes<'py>(
    py: Python<'py>,
    id_hash: Column<'py, u64>,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    let hashes = column(&id_hash)?;
    let order = py.detach(|| kernels::sort_hashes(hashes))?;
    Ok(array(py, order))
}

#[pyfunction]
pub(super) fn find_ids<'py>(
    py: Python<'py>,
    within: RawIndex<'py>,
    query_hash: Column<'py, u64>,
    query_bytes: Column<'py, u8>,
    query_offsets: Column<'py, i64>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let within = index(&within)?;
    let asked = Ids::new(column(&query_bytes)?, column(&query_offsets)?)?;
    let hashes = column(&query_hash)?;
    let rows = py.detach(|| kernels::find_ids(&within, hashes, &asked))?;
    Ok(array(py, rows))
}

#[pyfunction]
pub(super) fn common_ids<'py>(
    py: Python<'py>,
    a: RawIndex<'py>,
    b: RawIndex<'py>,
) -> PyResult<Bound<'py, PyArray2<i64>>> {
    let (a, b) = (index(&a)?, index(&b)?);
    let pairs = py.detach(|| kernels::common_ids(&a, &b))?;
    let rows = pairs.len();
    array_2d(py, pairs.into_flattened(), rows, 2)
}

#[pyfunction]
pub(super) fn repeated_ids<'py>(
    py: Python<'py>,
    within: RawIndex<'py>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let within = index(&within)?;
    Ok(array(py, py.detach(|| kernels::repeated_ids(&within))?))
}

#[pyfunction]
pub(super) fn build_info() -> BTreeMap<&'static str, &'static str> {
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    BTreeMap::from([
        ("version", env!("CARGO_PKG_VERSION")),
        ("profile", profile),
        ("simd", Level::detect().name()),
        ("target", std::env::consts::ARCH),
    ])
}
