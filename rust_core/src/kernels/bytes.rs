//! Products of bytes: rows side by side, four values to a lane, in the order of [`super::panel`].
//!
//! They are whole numbers, hence the same on every processor. AVX-512 VNNI does four times as
//! many a second as products in single precision; the portable way is for processors without
//! vector instructions that we know of. Elsewhere there is nothing to gain.

use super::panel::ABREAST;
use super::simd::Level;
#[cfg(target_arch = "x86_64")]
use super::simd::vnni::Vnni;
use super::vectors::TILE_ROWS;

/// Values of a row that share a lane.
pub(crate) const FOLD: usize = 4;
/// Values per row at most, so that no sum of products leaves 32 bits.
pub(crate) const MOST: usize = 1 << 15;

/// Four values of each of sixteen rows, raised by [`RAISED`].
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Step(pub(crate) [u8; FOLD * TILE_ROWS]);

/// What is added to the values of rows, which the instruction wants without a sign.
pub(crate) const RAISED: i32 = 128;

/// Four values of each of `ABREAST` candidates.
pub(crate) type With = [i8; FOLD * ABREAST];

/// A way to multiply.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bytes {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Vnni(Vnni),
}

impl Bytes {
    /// The way that beats single precision at this level, if there is one.
    pub(crate) fn of(level: Level) -> Option<Self> {
        match level {
            Level::Scalar(_) => Some(Self::Portable),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => None,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => Vnni::detect().map(Self::Vnni),
        }
    }

    /// Products of `P` times sixteen rows with `ABREAST` candidates, of which `sums` are the sums
    /// of values: for each sixteen rows 16 numbers per candidate.
    ///
    /// All have as many steps as the candidates, and `out` has room.
    pub(crate) fn products<const P: usize>(
        self,
        rows: [&[Step]; P],
        with: &[With],
        sums: &[i32; ABREAST],
        out: [&mut [f32]; P],
    ) {
        match self {
            Self::Portable => portable(rows, with, sums, out),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(token) => token.products(rows, with, sums, out),
        }
    }
}

fn portable<const P: usize>(
    rows: [&[Step]; P],
    with: &[With],
    sums: &[i32; ABREAST],
    out: [&mut [f32]; P],
) {
    for (rows, out) in rows.into_iter().zip(out) {
        for (candidate, out) in out.chunks_exact_mut(TILE_ROWS).take(ABREAST).enumerate() {
            let mut totals = [-RAISED * sums[candidate]; TILE_ROWS];
            for (Step(values), with) in rows.iter().zip(with) {
                let with = &with[candidate * FOLD..(candidate + 1) * FOLD];
                for (total, values) in totals.iter_mut().zip(values.chunks_exact(FOLD)) {
                    for (&x, &y) in values.iter().zip(with) {
                        *total += i32::from(x) * i32::from(y);
                    }
                }
            }
            for (out, total) in out.iter_mut().zip(totals) {
                *out = total as f32;
            }
        }
    }
}
