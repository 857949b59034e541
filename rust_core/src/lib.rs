//! The numeric core of alservice.
//!
//! `kernels` is plain Rust over slices: no Python, no I/O, no panics. `python` (feature
//! `python`) is the only module that knows about `NumPy` and the GIL.

pub mod kernels;
#[cfg(feature = "python")]
mod python;
