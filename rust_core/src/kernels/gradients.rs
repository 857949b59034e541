//! Gradient embeddings that are never made: for a linear head with softmax and the most probable
//! class taken for the label, the gradient of the loss is `(p - e) x~'` with `x~ = [x; 1]`, so that
//! norms and products come from the factors `q = p - e` and `x~` alone (Zhang et al., `LabelBench`,
//! 2023, appendix D).

use super::aligned::Aligned;
use super::block::Chunk;
use super::error::zeros;
use super::head::Head;
use super::measure::softmax;
use super::product::tile_norms;
use super::simd::{Kernel, Simd};
use super::vectors::TILE_ROWS;
use super::{Cancel, Result};

/// The squared distance of a row that must not be picked, or was.
pub(crate) const CLOSED: f32 = -1.0;

/// A row that was picked, or an anchor.
#[derive(Debug, Default)]
pub(crate) struct Centre {
    pub(crate) factor: Vec<f32>,
    pub(crate) vector: Aligned,
    /// `|x~|`
    pub(crate) root: f32,
    /// `|q|^2 |x~|^2`
    pub(crate) norm: f32,
}

/// The factors of a chunk's rows, tile by tile, and how far each row is from the centres.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) chunk: Chunk<'a>,
    pub(super) classes: usize,
    /// Per tile, class by class, 16 values each.
    pub(super) factors: Vec<f32>,
    /// `|x~|`, padded to whole tiles, as are the next two.
    pub(super) roots: Vec<f32>,
    /// Squared norms of the gradients.
    pub(crate) norms: Vec<f32>,
    /// Squared distance to the nearest centre.
    pub(crate) nearest: Vec<f32>,
}

impl<'a> Part<'a> {
    pub(crate) fn new(chunk: Chunk<'a>, classes: usize) -> Result<Self> {
        let rows = chunk.len.next_multiple_of(TILE_ROWS);
        Ok(Self {
            chunk,
            classes,
            factors: zeros(rows.saturating_mul(classes))?,
            roots: zeros(rows)?,
            norms: zeros(rows)?,
            nearest: zeros(rows)?,
        })
    }

    /// Row `row` of the chunk as a centre.
    pub(crate) fn centre(&self, row: usize) -> Centre {
        let tile = &self.factors[row / TILE_ROWS * TILE_ROWS * self.classes..];
        let factor = tile.iter().skip(row % TILE_ROWS).step_by(TILE_ROWS);
        let vectors = &self.chunk.of.vectors;
        let mut vector = Aligned::zeros(vectors.dim());
        vectors.copy_row(self.chunk.start + row, vector.as_mut_slice());
        Centre {
            factor: factor.take(self.classes).copied().collect(),
            vector,
            root: self.roots[row],
            norm: self.norms[row],
        }
    }
}

/// Fill in the factors and norms. Open rows are as far away as `origin` says: their norm, which is
/// the distance to a gradient of zero, or infinitely far.
pub(crate) struct Prepare<'a, 'p> {
    pub(crate) part: &'a mut Part<'p>,
    pub(crate) head: &'a Head,
    pub(crate) origin: bool,
    pub(crate) scratch: &'a mut Aligned,
    pub(crate) cancel: &'a Cancel,
}

impl Kernel for Prepare<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let Self { part, head, .. } = self;
        let (start, end) = (part.chunk.start, part.chunk.start + part.chunk.len);
        let (vectors, classes) = (&part.chunk.of.vectors, part.classes);
        for first in (start..end).step_by(TILE_ROWS) {
            self.cancel.check()?;
            let at = first - start;
            let count = TILE_ROWS.min(end - first);
            let tile = vectors.tile(s, first, count, self.scratch);
            let factors = &mut part.factors[at * classes..(at + TILE_ROWS) * classes];
            head.logits(s, &tile, vectors.ahead(first + TILE_ROWS), factors);
            softmax(s, factors);
            let squares = tile_norms(s, &tile);
            for (row, &square) in squares.iter().enumerate() {
                let square = finite(square) + 1.0;
                let norm = finite(subtract_label(factors, row) * square);
                part.roots[at + row] = square.sqrt();
                part.norms[at + row] = norm;
                let open = row < count && !part.chunk.of.is_excluded(first + row);
                part.nearest[at + row] = match (open, self.origin) {
                    (false, _) => CLOSED,
                    (true, true) => norm,
                    (true, false) => f32::INFINITY,
                };
            }
        }
        Ok(())
    }
}

/// A row with NaN has no gradient worth a pick.
#[inline(always)]
fn finite(x: f32) -> f32 {
    if x.is_nan() { 0.0 } else { x.min(f32::MAX) }
}

/// Take 1 from the largest probability of a row (of equals the first), without cancellation: it is
/// minus the sum of the others. Returns the sum of squares.
#[inline(always)]
fn subtract_label(factors: &mut [f32], row: usize) -> f32 {
    let classes = factors.len() / TILE_ROWS;
    let (mut label, mut others, mut squares) = (0, 0.0, 0.0);
    for class in 1..classes {
        let candidate = factors[class * TILE_ROWS + row];
        let smaller = if candidate > factors[label * TILE_ROWS + row] {
            std::mem::replace(&mut label, class)
        } else {
            class
        };
        let smaller = factors[smaller * TILE_ROWS + row];
        others += smaller;
        squares += smaller * smaller;
    }
    factors[label * TILE_ROWS + row] = -others;
    squares + others * others
}
