//! Rows of vectors in any of three formats, seen as tiles of f32.

use super::aligned::{Aligned, padded};
use super::error::same_length;
use super::half::{bf16_to_f32, f16_to_f32};
use super::head::Ahead;
use super::simd::{Kernel, Level, Simd};
use super::{Error, Result};

/// Rows per tile: one lane each in the widest register.
pub(crate) const TILE_ROWS: usize = 16;

/// The numbers themselves, row after row.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// IEEE single precision.
    F32(&'a [f32]),
    /// IEEE half precision, as bits.
    F16(&'a [u16]),
    /// bfloat16, as bits.
    Bf16(&'a [u16]),
}

/// `rows` vectors of `dim` values.
#[derive(Debug, Clone, Copy)]
pub struct Vectors<'a> {
    values: Values<'a>,
    rows: usize,
    dim: usize,
}

impl<'a> Vectors<'a> {
    /// Check that the shape fits the values.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if it does not.
    pub fn new(values: Values<'a>, rows: usize, dim: usize) -> Result<Self> {
        let got = match values {
            Values::F32(v) => v.len(),
            Values::F16(v) | Values::Bf16(v) => v.len(),
        };
        let expected = rows.checked_mul(dim).ok_or(Error::OutOfRange {
            what: "vectors' shape",
            position: 0,
        })?;
        same_length("values in vectors", expected, got)?;
        Ok(Self { values, rows, dim })
    }

    /// The numbers, row after row.
    #[must_use]
    pub fn values(&self) -> Values<'a> {
        self.values
    }

    /// How many vectors.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values per vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Rows `start..start + count`.
    pub(crate) fn part(&self, start: usize, count: usize) -> Self {
        let span = start * self.dim..(start + count) * self.dim;
        let values = match self.values {
            Values::F32(v) => Values::F32(&v[span]),
            Values::F16(v) => Values::F16(&v[span]),
            Values::Bf16(v) => Values::Bf16(&v[span]),
        };
        Self {
            values,
            rows: count,
            dim: self.dim,
        }
    }

    pub(crate) fn bytes_per_row(&self) -> usize {
        match self.values {
            Values::F32(_) => self.dim * 4,
            Values::F16(_) | Values::Bf16(_) => self.dim * 2,
        }
    }

    /// Where the tile that starts at `row` lies in memory, be it inside or past the end.
    #[inline(always)]
    pub(crate) fn ahead(&self, row: usize) -> Ahead {
        let start: *const u8 = match self.values {
            Values::F32(v) => v.as_ptr().cast(),
            Values::F16(v) | Values::Bf16(v) => v.as_ptr().cast(),
        };
        let bytes = self.bytes_per_row();
        Ahead {
            from: start.wrapping_add(row * bytes),
            lines: (TILE_ROWS * bytes).div_ceil(64),
        }
    }

    /// Row `row` as f32 into the front of `out`, whose length is at least `dim`.
    pub(crate) fn copy_row(&self, row: usize, out: &mut [f32]) {
        let span = row * self.dim..(row + 1) * self.dim;
        let out = &mut out[..self.dim];
        match self.values {
            Values::F32(v) => out.copy_from_slice(&v[span]),
            Values::F16(v) => widen(&v[span], out, f16_to_f32),
            Values::Bf16(v) => widen(&v[span], out, bf16_to_f32),
        }
    }

    /// Row `row` as f32 into `out`, padded with zeros.
    #[inline(always)]
    pub(crate) fn widen_row<S: Simd>(&self, s: S, row: usize, out: &mut [f32]) {
        let span = row * self.dim..(row + 1) * self.dim;
        let (out, padding) = out.split_at_mut(self.dim);
        match self.values {
            Values::F32(v) => out.copy_from_slice(&v[span]),
            Values::F16(v) => widen_f16(s, &v[span], out),
            Values::Bf16(v) => widen_bf16(s, &v[span], out),
        }
        padding.fill(0.0);
    }

    /// Rows `start..start + count` (at most 16), padded with zeros to a multiple of 16 values:
    /// in place where they are that already, else in `scratch`.
    #[inline(always)]
    pub(crate) fn tile<'t, S: Simd>(
        &self,
        s: S,
        start: usize,
        count: usize,
        scratch: &'t mut Aligned,
    ) -> Tile<'t>
    where
        'a: 't,
    {
        let wide = padded(self.dim);
        let span = start * self.dim..(start + count) * self.dim;
        if let Values::F32(v) = self.values
            && wide == self.dim
        {
            return Tile::new(&v[span], wide, count);
        }
        scratch.grow(TILE_ROWS * wide);
        let out = &mut scratch.as_mut_slice()[..count * wide];
        match self.values {
            Values::F32(v) => copy_rows(&v[span], self.dim, out, wide, |from, to| {
                to.copy_from_slice(from);
            }),
            Values::F16(v) => copy_rows(&v[span], self.dim, out, wide, |from, to| {
                widen_f16(s, from, to);
            }),
            Values::Bf16(v) => copy_rows(&v[span], self.dim, out, wide, |from, to| {
                widen_bf16(s, from, to);
            }),
        }
        Tile::new(&scratch.as_slice()[..count * wide], wide, count)
    }

    /// The first row that holds a NaN or an infinity.
    #[must_use]
    pub fn first_nonfinite(&self, level: Level) -> Option<usize> {
        if self.dim == 0 {
            return None;
        }
        let position = match self.values {
            Values::F32(v) => level.run(FirstNonFinite(v, |x: f32| {
                (x.to_bits() & 0x7fff_ffff).wrapping_add(0x0080_0000) >> 31
            })),
            Values::F16(v) => level.run(FirstNonFinite(v, |x: u16| {
                u32::from((x & 0x7fff).wrapping_add(0x0400) >> 15)
            })),
            Values::Bf16(v) => level.run(FirstNonFinite(v, |x: u16| {
                u32::from((x & 0x7fff).wrapping_add(0x0080) >> 15)
            })),
        };
        position.map(|position| position / self.dim)
    }
}

/// Up to 16 rows of f32, each padded to `wide` values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tile<'t> {
    rows: &'t [f32],
    wide: usize,
    count: usize,
}

impl<'t> Tile<'t> {
    pub(crate) fn new(rows: &'t [f32], wide: usize, count: usize) -> Self {
        Self { rows, wide, count }
    }

    /// Values per padded row.
    #[inline(always)]
    pub(crate) fn wide(&self) -> usize {
        self.wide
    }

    /// Row `row`; past the end the last one again, so that a short tile needs no other code.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &'t [f32] {
        let at = row.min(self.count - 1) * self.wide;
        &self.rows[at..at + self.wide]
    }

    /// Rows `first..first + 4`.
    #[inline(always)]
    pub(crate) fn four(&self, first: usize) -> [&'t [f32]; 4] {
        [first, first + 1, first + 2, first + 3].map(|row| self.row(row))
    }
}

fn widen(from: &[u16], to: &mut [f32], one: impl Fn(u16) -> f32) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = one(from);
    }
}

#[inline(always)]
fn copy_rows<T>(
    from: &[T],
    dim: usize,
    to: &mut [f32],
    wide: usize,
    copy: impl Fn(&[T], &mut [f32]),
) {
    if dim == 0 {
        return;
    }
    for (from, to) in from.chunks_exact(dim).zip(to.chunks_exact_mut(wide)) {
        let (row, padding) = to.split_at_mut(dim);
        copy(from, row);
        padding.fill(0.0);
    }
}

#[inline(always)]
fn widen_f16<S: Simd>(s: S, from: &[u16], to: &mut [f32]) {
    let mut from = from.chunks_exact(S::LANES);
    let mut to = to.chunks_exact_mut(S::LANES);
    for (from, to) in from.by_ref().zip(to.by_ref()) {
        // SAFETY: both chunks hold exactly `LANES` values.
        unsafe { s.store(to.as_mut_ptr(), s.load_f16(from.as_ptr())) }
    }
    widen(from.remainder(), to.into_remainder(), f16_to_f32);
}

#[inline(always)]
fn widen_bf16<S: Simd>(s: S, from: &[u16], to: &mut [f32]) {
    let mut from = from.chunks_exact(S::LANES);
    let mut to = to.chunks_exact_mut(S::LANES);
    for (from, to) in from.by_ref().zip(to.by_ref()) {
        // SAFETY: both chunks hold exactly `LANES` values.
        unsafe { s.store(to.as_mut_ptr(), s.load_bf16(from.as_ptr())) }
    }
    widen(from.remainder(), to.into_remainder(), bf16_to_f32);
}

/// The position of the first value that `bad` maps to 1 rather than 0.
struct FirstNonFinite<'a, T, F>(&'a [T], F);

impl<T: Copy, F: Fn(T) -> u32> Kernel for FirstNonFinite<'_, T, F> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Option<usize> {
        let Self(values, bad) = self;
        // Blocks without a branch inside vectorise; only a block with a hit is looked at again.
        for (index, block) in values.chunks(4096).enumerate() {
            if block.iter().fold(0, |any, &x| any | bad(x)) != 0 {
                let within = block.iter().position(|&x| bad(x) != 0)?;
                return Some(index * 4096 + within);
            }
        }
        None
    }
}
