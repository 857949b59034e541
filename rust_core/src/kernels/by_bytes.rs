//! Lower bounds of distances by products of bytes: looser than those of
//! [`super::product::Packed::lower`], and had for a fraction of the time where many centres are
//! compared with the same rows.

use super::aligned::Aligned;
use super::bytes::Bytes;
use super::nearest::TASK_ROWS;
use super::panel::ABREAST;
use super::product::{Packed, tile_norms};
use super::simd::{Kernel, Level, Simd};
use super::sketch::{Flock, Sketches, rounding, way};
use super::vectors::{TILE_ROWS, Tile, Vectors};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;
use std::ops::Range;

/// Below this many centres it is not worth it to make bytes of the rows.
const WORTH: usize = 24;

/// Centres as bytes.
#[derive(Debug)]
pub(crate) struct ByBytes {
    way: Bytes,
    flock: Flock,
    /// The share of the squared lengths that rounding leaves.
    keep: f32,
}

impl ByBytes {
    /// None where products of bytes are no faster.
    pub(crate) fn new(centres: &Packed<'_>, level: Level) -> Option<Self> {
        let wide = centres.wide();
        let way = way(level, wide)?;
        let rows = (0..centres.rows()).map(|row| (centres.row(row), centres.norm(row)));
        Some(Self {
            way,
            flock: Flock::new(rows, wide, level),
            keep: 1.0 - 4.0 * rounding(wide),
        })
    }

    /// Of the 16 rows of sketches from `start` the squared distances to centres `span`, which
    /// begins with a multiple of `ABREAST`: lower bounds, at least 0 and never above what
    /// [`super::product::squared`] computes, 16 values per centre. `out` has room for a multiple
    /// of `ABREAST`.
    #[inline(always)]
    pub(crate) fn lower<S: Simd>(
        &self,
        s: S,
        rows: &Sketches,
        start: usize,
        span: Range<usize>,
        out: &mut [f32],
    ) {
        for first in span.clone().step_by(ABREAST) {
            let few = self.flock.few(first);
            let out = &mut out[(first - span.start) * TILE_ROWS..][..ABREAST * TILE_ROWS];
            let panel = [rows.panel(start)];
            self.way.products(panel, few.with, few.sums, [&mut *out]);
            for (near, out) in few.near.iter().zip(out.chunks_exact_mut(TILE_ROWS)) {
                let (scale, norm) = (s.splat(2.0 * near.scale), s.splat(near.norm));
                let (length, error) = (s.splat(-2.0 * near.length), s.splat(-2.0 * near.error));
                for (lane, out) in out.chunks_exact_mut(S::LANES).enumerate() {
                    let from = start + lane * S::LANES;
                    let both = s.add(load(s, &rows.norm[from..]), norm);
                    let lost = s.mul(load(s, &rows.reach[from..]), error);
                    let lost = s.fma(load(s, &rows.error[from..]), length, lost);
                    let product = s.mul(load(s, &rows.scale[from..]), scale);
                    let product = s.mul(product, load(s, out));
                    let low = s.fma(both, s.splat(self.keep), lost);
                    let low = s.max(s.sub(low, product), s.splat(0.0));
                    // SAFETY: the chunk has exactly `LANES` floats.
                    unsafe { s.store(out.as_mut_ptr(), low) };
                }
            }
        }
    }
}

/// The first lanes.
#[inline(always)]
fn load<S: Simd>(s: S, from: &[f32]) -> S::V {
    let from = &from[..S::LANES];
    // SAFETY: the slice has `LANES` floats.
    unsafe { s.load(from.as_ptr()) }
}

/// The squared lengths of the rows of a tile.
struct Norms<'a>(Tile<'a>);

impl Kernel for Norms<'_> {
    type Output = [f32; TILE_ROWS];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        tile_norms(s, &self.0)
    }
}

/// Some rows as a tile.
struct AsTile<'a, 't>(&'a Vectors<'a>, Range<usize>, &'t mut Aligned);

impl<'a: 't, 't> Kernel for AsTile<'a, 't> {
    type Output = Tile<'t>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Tile<'t> {
        self.0.tile(s, self.1.start, self.1.len(), self.2)
    }
}

/// Rows `span` of the vectors as bytes.
pub(crate) fn sketches_of(vectors: &Vectors<'_>, span: Range<usize>, level: Level) -> Sketches {
    let mut found = Sketches::empty(span.len(), super::aligned::padded(vectors.dim()));
    let mut scratch = Aligned::default();
    for start in span.clone().step_by(TILE_ROWS) {
        let part = start..span.end.min(start + TILE_ROWS);
        let count = part.len();
        let tile = level.run(AsTile(vectors, part, &mut scratch));
        let norms = level.run(Norms(tile));
        for (row, norm) in norms.into_iter().enumerate().take(count) {
            found.set(start - span.start + row, tile.row(row), norm, level);
        }
    }
    found
}

impl Engine {
    /// Bytes of all rows, by tasks of `TASK_ROWS`, where so many centres make it worth it: a
    /// quarter of the memory of single precision.
    pub(crate) fn sketched(
        &self,
        vectors: &Vectors<'_>,
        centres: usize,
        cancel: &Cancel,
    ) -> Result<Option<Vec<Sketches>>> {
        if centres < WORTH || way(self.level(), vectors.dim()).is_none() {
            return Ok(None);
        }
        let starts: Vec<usize> = (0..vectors.rows()).step_by(TASK_ROWS).collect();
        let tasks = starts.into_par_iter().map(|start| {
            cancel.check()?;
            let span = start..vectors.rows().min(start + TASK_ROWS);
            Ok(sketches_of(vectors, span, self.level()))
        });
        self.install(|| tasks.collect::<Result<Vec<_>>>()).map(Some)
    }

    /// The centres as bytes, if they are worth it.
    pub(crate) fn by_bytes(&self, centres: &Packed<'_>) -> Option<ByBytes> {
        let worth = centres.rows() >= WORTH;
        worth.then(|| ByBytes::new(centres, self.level())).flatten()
    }
}
