//! One vocabulary of vector operations, three instruction sets, one choice at run time.
//!
//! A kernel is written once, generic over [`Simd`]; [`Level::run`] enters it through a function
//! compiled for the instruction set, into which everything marked `inline(always)` is folded.
//! Tokens such as `Avx2` can only be had where the processor has the instructions, which is what
//! makes their methods sound.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod math;
mod scalar;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vnni;

use super::{Error, Result};
pub(crate) use scalar::Scalar;

/// Operations on a register of f32 lanes. Every lane is independent of the others.
pub trait Simd: Copy + Send + Sync {
    /// The register.
    type V: Copy;
    /// Lanes per register; divides 16.
    const LANES: usize;
    /// Classes per register tile of four rows, as the number of registers allows.
    const TILE: usize;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// Lanes from memory, at any alignment.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reading `LANES` floats.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// Lanes to memory, at any alignment.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writing `LANES` floats.
    unsafe fn store(self, to: *mut f32, v: Self::V);
    /// Lanes from IEEE half precision.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reading `LANES` values of 16 bits.
    unsafe fn load_f16(self, from: *const u16) -> Self::V;
    /// Lanes from bfloat16.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reading `LANES` values of 16 bits.
    unsafe fn load_bf16(self, from: *const u16) -> Self::V;
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`, rounded once where the hardware can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger one; `b` where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller one; `b` where either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `x` where `a > b`, else `y`.
    fn select_gt(self, a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// The lanes where `a > b`, the first one lowest.
    fn mask_gt(self, a: Self::V, b: Self::V) -> u32;
    /// The nearest whole number, for `|x| < 2^22`.
    fn round(self, x: Self::V) -> Self::V;
    /// `2^n` for whole `n` in `[-126, 127]`.
    fn pow2(self, n: Self::V) -> Self::V;
    /// `(m, e)` with `x = m 2^e` and `m` in `[1, 2)`, for positive normal `x`.
    fn split(self, x: Self::V) -> (Self::V, Self::V);
    /// The sum over the lanes of each of four registers, always in the same order.
    fn sums(self, v: [Self::V; 4]) -> [f32; 4];
    /// Ask for the cache line at `from` early; any address will do.
    fn prefetch(self, from: *const u8);
    /// Run `kernel` as a function of its own: a loop that needs every register should not share
    /// them with the code around it.
    fn call<K: Kernel>(self, kernel: K) -> K::Output;
}

/// A computation that is compiled once per instruction set. `run` must be `inline(always)`.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Do it.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set that this processor has.
#[derive(Debug, Clone, Copy)]
pub enum Level {
    /// Whatever the compiler may assume everywhere.
    Scalar(Scalar),
    /// AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    /// AVX-512 F, with everything of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Level {
    /// The fastest there is.
    #[must_use]
    pub fn detect() -> Self {
        let all = Self::all();
        all.last().copied().unwrap_or(Self::Scalar(Scalar))
    }

    /// Every one there is, slowest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let portable = std::iter::once(Self::Scalar(Scalar));
        #[cfg(target_arch = "x86_64")]
        let found = portable
            .chain(avx2::Avx2::detect().map(Self::Avx2))
            .chain(avx512::Avx512::detect().map(Self::Avx512));
        #[cfg(not(target_arch = "x86_64"))]
        let found = portable;
        found.collect()
    }

    /// `auto`, or one by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] if there is no such level, or this processor does not have it.
    pub fn by_name(name: &str) -> Result<Self> {
        if name == "auto" {
            return Ok(Self::detect());
        }
        let found = Self::all().into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| Error::Unknown {
            what: "simd level on this processor",
            name: name.to_owned(),
            known: "auto, scalar, avx2, avx512",
        })
    }

    /// How it is called in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }

    /// Run `kernel`, compiled for this instruction set.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Scalar(token) => kernel.run(token),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(token) => token.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(token) => token.enter(kernel),
        }
    }
}
