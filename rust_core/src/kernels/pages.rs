//! Large pages for large tables: with small ones the first touch of a gigabyte costs a second.

use std::alloc::{Layout, alloc_zeroed};
#[cfg(target_os = "linux")]
use std::ffi::{c_int, c_void};
use std::ptr::slice_from_raw_parts_mut;

#[cfg(target_os = "linux")]
const PAGE: usize = 4096;
#[cfg(target_os = "linux")]
const HUGE: c_int = 14;

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
}

/// Zeros in large pages, or none where memory is not to be had: a plain vector would end the
/// process. Memory that is fresh from the system is not touched.
#[expect(clippy::cast_ptr_alignment, reason = "the layout is that of floats")]
pub(crate) fn large_zeros(len: usize) -> Option<Vec<f32>> {
    let layout = Layout::array::<f32>(len).ok().filter(|it| it.size() > 0)?;
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc_zeroed(layout) }.cast::<f32>();
    if start.is_null() {
        return None;
    }
    // SAFETY: allocated just now, with the layout of so many floats, and nobody else knows it;
    // all bits zero are zeros.
    let mut values = unsafe { Box::from_raw(slice_from_raw_parts_mut(start, len)) }.into_vec();
    in_large_pages(&mut values);
    Some(values)
}

/// Ask for large pages where the system gives them on demand. Only a hint: nothing depends on it,
/// and a refusal is not an error.
#[cfg(target_os = "linux")]
fn in_large_pages(values: &mut [f32]) {
    let from = values.as_mut_ptr().cast::<u8>();
    let skip = from.align_offset(PAGE);
    let bytes = size_of_val(values).saturating_sub(skip) / PAGE * PAGE;
    // SAFETY: whole pages inside memory that is borrowed mutably; this advice leaves what they
    // hold as it is.
    unsafe { madvise(from.wrapping_add(skip).cast(), bytes, HUGE) };
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
fn in_large_pages(_: &mut [f32]) {}
