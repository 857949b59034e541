//! Borrowed `NumPy` arrays as the slices that kernels take.

use crate::kernels::{Block, Ids, Index, Values, Vectors};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pub(super) type Column<'py, T> = PyReadonlyArray1<'py, T>;
pub(super) type Matrix<'py, T> = PyReadonlyArray2<'py, T>;

/// The elements of a contiguous array.
pub(super) fn column<'a, T: Element>(array: &'a Column<'_, T>) -> PyResult<&'a [T]> {
    aligned::<T>(array.data_address())?;
    Ok(array.as_slice()?)
}

/// The elements of a C-contiguous matrix, row after row.
pub(super) fn matrix<'a, T: Element>(array: &'a Matrix<'_, T>) -> PyResult<&'a [T]> {
    aligned::<T>(array.data_address())?;
    if !array.is_c_contiguous() {
        return Err(PyValueError::new_err("matrix: not C-contiguous"));
    }
    Ok(array.as_slice()?)
}

/// Rows and columns.
pub(super) fn shape<T: Element>(array: &Matrix<'_, T>) -> (usize, usize) {
    match *array.shape() {
        [rows, columns] => (rows, columns),
        // The type says two dimensions.
        _ => (0, 0),
    }
}

trait DataAddress {
    fn data_address(&self) -> usize;
}

impl<T: Element, D: numpy::ndarray::Dimension> DataAddress for numpy::PyReadonlyArray<'_, T, D> {
    fn data_address(&self) -> usize {
        numpy::PyArrayMethods::data(&**self).addr()
    }
}

fn aligned<T>(address: usize) -> PyResult<()> {
    if address.is_multiple_of(align_of::<T>()) {
        Ok(())
    } else {
        Err(PyValueError::new_err("array: data is not aligned"))
    }
}

/// `(kind, values)` with kind `f32`, `f16` or `bf16`; the 16-bit formats come as bits.
pub(super) enum HeldVectors<'py> {
    F32(Matrix<'py, f32>),
    F16(Matrix<'py, u16>),
    Bf16(Matrix<'py, u16>),
}

impl<'py> HeldVectors<'py> {
    pub(super) fn new(kind: &str, values: &Bound<'py, PyAny>) -> PyResult<Self> {
        match kind {
            "f32" => Ok(Self::F32(values.extract()?)),
            "f16" => Ok(Self::F16(values.extract()?)),
            "bf16" => Ok(Self::Bf16(values.extract()?)),
            _ => Err(PyValueError::new_err("kind: expected f32, f16 or bf16")),
        }
    }

    pub(super) fn borrow(&self) -> PyResult<Vectors<'_>> {
        let (values, (rows, dim)) = match self {
            Self::F32(held) => (Values::F32(matrix(held)?), shape(held)),
            Self::F16(held) => (Values::F16(matrix(held)?), shape(held)),
            Self::Bf16(held) => (Values::Bf16(matrix(held)?), shape(held)),
        };
        Ok(Vectors::new(values, rows, dim)?)
    }
}

/// The arrays of one block as Python passes them: kind, values, hashes, excluded bits.
pub(super) type RawBlock<'py> = (String, Bound<'py, PyAny>, Column<'py, u64>, Column<'py, u8>);

pub(super) struct HeldBlocks<'py>(Vec<(HeldVectors<'py>, Column<'py, u64>, Column<'py, u8>)>);

impl<'py> HeldBlocks<'py> {
    pub(super) fn new(raw: Vec<RawBlock<'py>>) -> PyResult<Self> {
        raw.into_iter()
            .map(|(kind, values, hash, excluded)| {
                Ok((HeldVectors::new(&kind, &values)?, hash, excluded))
            })
            .collect::<PyResult<_>>()
            .map(Self)
    }

    pub(super) fn borrow(&self) -> PyResult<Vec<Block<'_>>> {
        self.0
            .iter()
            .map(|(vectors, hash, excluded)| {
                let block = Block::new(vectors.borrow()?, column(hash)?, column(excluded)?);
                Ok(block?)
            })
            .collect()
    }
}

/// The arrays of an id index: hashes, order, bytes, offsets.
pub(super) type RawIndex<'py> = (
    Column<'py, u64>,
    Column<'py, u32>,
    Column<'py, u8>,
    Column<'py, i64>,
);

pub(super) fn index<'a>((hash, order, bytes, offsets): &'a RawIndex<'_>) -> PyResult<Index<'a>> {
    let ids = Ids::new(column(bytes)?, column(offsets)?)?;
    Ok(Index::new(column(hash)?, column(order)?, ids)?)
}

pub(super) fn array<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    values.into_pyarray(py)
}

pub(super) fn array_2d<T: Element>(
    py: Python<'_>,
    values: Vec<T>,
    rows: usize,
    columns: usize,
) -> PyResult<Bound<'_, PyArray2<T>>> {
    numpy::PyArrayMethods::reshape(&values.into_pyarray(py), [rows, columns])
}
