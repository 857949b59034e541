//! The nearest of some centres to each of many rows, exactly.

use super::aligned::Aligned;
use super::by_bytes::{ByBytes, sketches_of};
use super::error::{same_length, zeros};
use super::product::{BLOCK_ROWS, Packed, squared, tile_norms};
use super::simd::{Kernel, Simd};
use super::sketch::Sketches;
use super::vectors::{TILE_ROWS, Tile, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// Rows per task: what is read of the centres serves all of them.
pub(crate) const TASK_ROWS: usize = 8 * TILE_ROWS;

/// Which centre is nearest to each row, and the squared distance to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nearest {
    /// The lowest of the nearest centres.
    pub index: Vec<i32>,
    /// Squared Euclidean distance to it.
    pub squared: Vec<f32>,
}

/// Scratch of a worker: a widened tile and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) tile: Aligned,
    pub(crate) lower: Aligned,
}

impl Scratch {
    /// Room for bounds of a tile to a block of centres.
    pub(crate) fn sized(&mut self) -> &mut Self {
        self.lower.grow(BLOCK_ROWS * TILE_ROWS);
        self
    }
}

/// The squared distance of two rows.
pub(crate) struct Pair<'a>(
    pub(crate) &'a Vectors<'a>,
    pub(crate) usize,
    pub(crate) usize,
);

impl Kernel for Pair<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (mut a, mut b) = (Scratch::default(), Scratch::default());
        let a = self.0.tile(s, self.1, 1, &mut a.tile);
        let b = self.0.tile(s, self.2, 1, &mut b.tile);
        squared(s, a.row(0), b.row(0))
    }
}

struct Task<'a, 'c> {
    vectors: &'a Vectors<'a>,
    start: usize,
    centres: &'a Packed<'c>,
    /// The centres and the rows of the task as bytes.
    bytes: Option<(&'a ByBytes, &'a Sketches)>,
    index: &'a mut [i32],
    squared: &'a mut [f32],
    scratch: &'a mut Scratch,
    cancel: &'a Cancel,
}

impl Kernel for Task<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let Scratch { tile, lower } = self.scratch.sized();
        let lower = lower.as_mut_slice();
        for span in self.centres.blocks() {
            let rows = self.index.chunks_mut(TILE_ROWS);
            let rows = rows.zip(self.squared.chunks_mut(TILE_ROWS)).enumerate();
            for (at, (index, squared)) in rows {
                self.cancel.check()?;
                let start = self.start + at * TILE_ROWS;
                let tile = self.vectors.tile(s, start, index.len(), tile);
                if let Some((centres, rows)) = self.bytes {
                    centres.lower(s, rows, at * TILE_ROWS, span.clone(), lower);
                } else {
                    let norms = tile_norms(s, &tile);
                    self.centres.lower(s, &tile, &norms, span.clone(), lower);
                }
                let bounds = &lower[..span.len() * TILE_ROWS];
                let two = TwoLowest::of(bounds);
                let seen = Seen {
                    tile: &tile,
                    centres: self.centres,
                    first: span.start,
                    bounds,
                };
                for (row, (index, squared)) in index.iter_mut().zip(squared).enumerate() {
                    seen.nearer(s, row, &two, index, squared);
                }
            }
        }
        Ok(())
    }
}

/// Per row of a tile the lowest bound, where it is, and the second lowest.
struct TwoLowest {
    lowest: [f32; TILE_ROWS],
    place: [u32; TILE_ROWS],
    second: [f32; TILE_ROWS],
}

impl TwoLowest {
    #[inline(always)]
    fn of(bounds: &[f32]) -> Self {
        let mut lowest = [f32::INFINITY; TILE_ROWS];
        let mut second = [f32::INFINITY; TILE_ROWS];
        let mut place = [0; TILE_ROWS];
        for (at, bounds) in (0..).zip(bounds.chunks_exact(TILE_ROWS)) {
            for row in 0..TILE_ROWS {
                let (x, low) = (bounds[row], lowest[row]);
                let higher = if x < low { low } else { x };
                place[row] = if x < low { at } else { place[row] };
                lowest[row] = if x < low { x } else { low };
                second[row] = if higher < second[row] {
                    higher
                } else {
                    second[row]
                };
            }
        }
        Self {
            lowest,
            place,
            second,
        }
    }
}

/// Bounds of a tile's rows to the centres of a block.
struct Seen<'a, 'c> {
    tile: &'a Tile<'a>,
    centres: &'a Packed<'c>,
    first: usize,
    bounds: &'a [f32],
}

impl Seen<'_, '_> {
    /// Improve on the nearest centre so far of a row.
    #[inline(always)]
    fn nearer<S: Simd>(&self, s: S, row: usize, two: &TwoLowest, index: &mut i32, best: &mut f32) {
        // Centres of earlier blocks win ties.
        if two.lowest[row] >= *best {
            return;
        }
        let place = two.place[row] as usize;
        self.offer(s, row, place, index, best);
        if two.second[row] > *best {
            return;
        }
        for other in 0..self.bounds.len() / TILE_ROWS {
            if self.bounds[other * TILE_ROWS + row] <= *best && other != place {
                self.offer(s, row, other, index, best);
            }
        }
    }

    /// Not a closure: those are compiled for the baseline of the target.
    #[inline(always)]
    fn offer<S: Simd>(&self, s: S, row: usize, place: usize, index: &mut i32, best: &mut f32) {
        let centre = self.first + place;
        let gap = squared(s, self.tile.row(row), self.centres.row(centre));
        if gap < *best || gap <= *best && (centre as i32) < *index {
            (*best, *index) = (gap, centre as i32);
        }
    }
}

impl Engine {
    /// The nearest centre of every row; of equally near ones the first.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] without centres, for rows without values or if dimensions differ;
    /// [`Error::NotFinite`] if a centre or a row is not finite; [`Error::Cancelled`].
    pub fn nearest_centres(
        &self,
        vectors: &Vectors<'_>,
        centres: &Vectors<'_>,
        cancel: &Cancel,
    ) -> Result<Nearest> {
        same_length("dimension of the centres", vectors.dim(), centres.dim())?;
        let packed = Packed::new("centres (row)", centres, self.level())?;
        self.check_finite("vectors (row)", vectors, cancel)?;
        self.nearest(vectors, None, &packed, cancel)
    }

    /// As above, for rows known to be finite, of which there may be bytes, by tasks.
    pub(crate) fn nearest(
        &self,
        vectors: &Vectors<'_>,
        sketches: Option<&[Sketches]>,
        centres: &Packed<'_>,
        cancel: &Cancel,
    ) -> Result<Nearest> {
        at_least("centres, at least", 1, centres.rows())?;
        let mut found = Nearest {
            index: vec![0; vectors.rows()],
            squared: zeros(vectors.rows())?,
        };
        found.squared.fill(f32::INFINITY);
        let by_bytes = self.by_bytes(centres);
        let index = found.index.par_chunks_mut(TASK_ROWS);
        let tasks = index.zip(found.squared.par_chunks_mut(TASK_ROWS));
        let work = |scratch: &mut Scratch,
                    (at, (index, squared)): (usize, (&mut [i32], &mut [f32]))| {
            let (start, end) = (at * TASK_ROWS, at * TASK_ROWS + index.len());
            let mut own = None;
            let bytes = by_bytes.as_ref().map(|centres| {
                let make = || sketches_of(vectors, start..end, self.level());
                let known = sketches.and_then(|sketches| sketches.get(at));
                (centres, known.unwrap_or_else(|| own.insert(make())))
            });
            self.level().run(Task {
                vectors,
                start,
                centres,
                bytes,
                index,
                squared,
                scratch,
                cancel,
            })
        };
        self.install(|| tasks.enumerate().try_for_each_init(Scratch::default, work))?;
        Ok(found)
    }

    /// One pass over the values.
    pub(crate) fn check_finite(
        &self,
        what: &'static str,
        vectors: &Vectors<'_>,
        cancel: &Cancel,
    ) -> Result<()> {
        let rows = super::block::rows_per_chunk(vectors, 1);
        let starts: Vec<usize> = (0..vectors.rows()).step_by(rows).collect();
        let bad = self.install(|| {
            let found = starts.par_iter().map(|&start| {
                cancel.check()?;
                let part = vectors.part(start, rows.min(vectors.rows() - start));
                Ok(part.first_nonfinite(self.level()).map(|row| start + row))
            });
            found.collect::<Result<Vec<_>>>()
        })?;
        match bad.into_iter().flatten().next() {
            Some(position) => Err(Error::NotFinite { what, position }),
            None => Ok(()),
        }
    }
}

/// `Ok` if there are as many as are needed.
pub(crate) fn at_least(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if got >= expected {
        return Ok(());
    }
    Err(Error::Shape {
        what,
        expected,
        got,
    })
}
