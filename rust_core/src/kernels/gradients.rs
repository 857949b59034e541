//! Gradient embeddings that are never made: for a linear head with softmax and the most probable
//! class taken for the label, the gradient of the loss is `(p - e) x~'` with `x~ = [x; 1]`, so that
//! norms and products come from the factors `q = p - e` and `x~` alone (Zhang et al., `LabelBench`,
//! 2023, appendix D).

use super::aligned::Aligned;
use super::block::Chunk;
use super::error::zeros;
use super::head::{Ahead, Head, products};
use super::measure::softmax;
use super::product::tile_norms;
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile};
use super::{Cancel, Result};

/// The squared distance of a row that must not be picked, or was.
pub(crate) const CLOSED: f32 = -1.0;
/// Below this share of the squared norms a squared distance has lost its digits to cancellation.
const CANCELLED: f32 = 1e-4;

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
    classes: usize,
    /// Per tile, class by class, 16 values each.
    factors: Vec<f32>,
    /// `|x~|`, padded to whole tiles, as are the next two.
    roots: Vec<f32>,
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

/// Bring a part's distances up to date with some more centres.
pub(crate) struct Update<'a, 'p> {
    pub(crate) part: &'a mut Part<'p>,
    pub(crate) centres: &'a [Centre],
    pub(crate) scratch: &'a mut Aligned,
    pub(crate) cancel: &'a Cancel,
}

impl Kernel for Update<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Result<()> {
        let Self { part, centres, .. } = self;
        let width = part.classes * TILE_ROWS;
        let tiles = part.factors.chunks_exact(width);
        for (index, factors) in tiles.enumerate() {
            let at = index * TILE_ROWS;
            let span = at..at + TILE_ROWS;
            let mut rows = Rows {
                factors,
                roots: &part.roots[span.clone()],
                norms: &part.norms[span.clone()],
                nearest: &mut part.nearest[span],
            };
            for centre in centres {
                let near = rows.near(s, centre);
                if near.any {
                    self.cancel.check()?;
                    let count = TILE_ROWS.min(part.chunk.len - at);
                    let first = part.chunk.start + at;
                    let tile = part.chunk.of.vectors.tile(s, first, count, self.scratch);
                    rows.update(s, centre, &near, &tile);
                }
            }
        }
        Ok(())
    }
}

/// The state of 16 rows.
struct Rows<'a> {
    factors: &'a [f32],
    roots: &'a [f32],
    norms: &'a [f32],
    nearest: &'a mut [f32],
}

/// What the factors q alone say of the distances to a centre.
struct Near {
    products: [f32; TILE_ROWS],
    bounds: [f32; TILE_ROWS],
    /// Whether any row may be nearer than to the centres before.
    any: bool,
}

impl Rows<'_> {
    /// Lower bounds of the squared distances, from `|x~ y~| <= |x~| |y~|`: most rows are decided
    /// without a look at their vectors.
    #[inline(always)]
    fn near<S: Simd>(&self, s: S, centre: &Centre) -> Near {
        let mut near = Near {
            products: [0.0; TILE_ROWS],
            bounds: [0.0; TILE_ROWS],
            any: false,
        };
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        let mut any = zero;
        for lane in (0..TILE_ROWS).step_by(S::LANES) {
            let mut product = zero;
            let classes = self.factors.chunks_exact(TILE_ROWS);
            for (factors, &c) in classes.zip(&centre.factor) {
                let factors = &factors[lane..lane + S::LANES];
                // SAFETY: the slice has exactly `LANES` floats.
                product = s.fma(unsafe { s.load(factors.as_ptr()) }, s.splat(c), product);
            }
            let from = [self.roots, self.norms, &*self.nearest];
            let from = from.map(|values| values[lane..lane + S::LANES].as_ptr());
            // SAFETY: each is the start of `LANES` floats.
            let [roots, norms, nearest] = from.map(|from| unsafe { s.load(from) });
            let size = s.max(product, s.sub(zero, product));
            let most = s.mul(size, s.mul(roots, s.splat(centre.root)));
            let both = s.add(norms, s.splat(centre.norm));
            // At least 0, so that a row on top of a centre is left alone.
            let bound = s.max(s.fma(most, s.splat(-2.0), both), zero);
            any = s.max(any, s.select_gt(nearest, bound, one, zero));
            let span = lane..lane + S::LANES;
            let (products, bounds) = (&mut near.products[span.clone()], &mut near.bounds[span]);
            // SAFETY: both slices have exactly `LANES` floats.
            unsafe {
                s.store(products.as_mut_ptr(), product);
                s.store(bounds.as_mut_ptr(), bound);
            }
        }
        near.any = s.sums([any, zero, zero, zero])[0] > 0.0;
        near
    }

    #[inline(always)]
    fn update<S: Simd>(&mut self, s: S, centre: &Centre, near: &Near, tile: &Tile<'_>) {
        let mut inner = [0.0; TILE_ROWS];
        let vector = &centre.vector.as_slice()[..tile.wide()];
        products(s, tile, vector, &[1.0], Ahead::NONE, &mut inner);
        for (row, inner) in inner.into_iter().enumerate() {
            if self.nearest[row] > near.bounds[row] {
                let both = self.norms[row] + centre.norm;
                let squared = both - 2.0 * near.products[row] * inner;
                // Not a number, from infinite terms, is far away.
                let squared = if squared < CANCELLED * both {
                    self.direct(row, tile.row(row), centre)
                } else {
                    squared.min(f32::MAX)
                };
                if squared < self.nearest[row] {
                    self.nearest[row] = squared;
                }
            }
        }
    }

    /// The squared distance by differences: `q x' - c y' = (q - c) x' + c (x - y)'`.
    fn direct(&self, row: usize, x: &[f32], centre: &Centre) -> f32 {
        let (mut gaps, mut along, mut size) = (0.0, 0.0, 0.0);
        let classes = self.factors.chunks_exact(TILE_ROWS);
        for (factors, &c) in classes.zip(&centre.factor) {
            let (q, c) = (f64::from(factors[row]), f64::from(c));
            gaps += (q - c) * (q - c);
            along += (q - c) * c;
            size += c * c;
        }
        let (mut square, mut apart, mut across) = (1.0, 0.0, 0.0);
        for (&x, &y) in x.iter().zip(centre.vector.as_slice()) {
            let (x, gap) = (f64::from(x), f64::from(x) - f64::from(y));
            square += x * x;
            apart += gap * gap;
            across += x * gap;
        }
        let squared = gaps * square + size * apart + 2.0 * along * across;
        squared.clamp(0.0, f64::from(f32::MAX)) as f32
    }
}
