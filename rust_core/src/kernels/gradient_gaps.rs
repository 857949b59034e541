//! Distances between gradient embeddings that are never made: first bounds from the short factors
//! alone, then products of the vectors of those rows that may have come nearer.

use super::aligned::{Aligned, padded};
use super::gradients::{Centre, Part};
use super::head::{Ahead, products};
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Tile};
use super::{Cancel, Result};

/// Below this share of the squared norms a squared distance has lost its digits to cancellation.
const CANCELLED: f32 = 1e-4;

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
        // Rows from many tiles make up full ones: after the first step few of a tile matter.
        let mut wanted = [Wanted::default(); 2 * TILE_ROWS];
        for centre in centres {
            let mut count = 0;
            for at in (0..part.nearest.len()).step_by(TILE_ROWS) {
                let near = part.tile(at).near(s, centre);
                if near.any {
                    count = near.wanted(&part.nearest[at..at + TILE_ROWS], at, &mut wanted, count);
                }
                if count >= TILE_ROWS {
                    self.cancel.check()?;
                    part.update(s, centre, &wanted[..TILE_ROWS], self.scratch);
                    wanted.copy_within(TILE_ROWS..count, 0);
                    count -= TILE_ROWS;
                }
            }
            if count > 0 {
                part.update(s, centre, &wanted[..count], self.scratch);
            }
        }
        Ok(())
    }
}

/// A row of a part that may be nearer to a centre than to those before, and `q c'`.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    row: usize,
    product: f32,
}

/// The state of 16 rows.
struct Rows<'a> {
    factors: &'a [f32],
    roots: &'a [f32],
    norms: &'a [f32],
    nearest: &'a [f32],
}

/// What the factors q alone say of the distances to a centre.
struct Near {
    products: [f32; TILE_ROWS],
    bounds: [f32; TILE_ROWS],
    /// Whether any row may be nearer than to the centres before.
    any: bool,
}

impl Near {
    /// Append the rows that may be nearer than they are to the centres before; how many there are.
    #[inline(always)]
    fn wanted(&self, nearest: &[f32], at: usize, to: &mut [Wanted], mut count: usize) -> usize {
        for (row, &nearest) in nearest.iter().enumerate() {
            to[count] = Wanted {
                row: at + row,
                product: self.products[row],
            };
            count += usize::from(nearest > self.bounds[row]);
        }
        count
    }
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
            let from = [self.roots, self.norms, self.nearest];
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
}

impl Part<'_> {
    #[inline(always)]
    fn tile(&self, at: usize) -> Rows<'_> {
        let span = at..at + TILE_ROWS;
        Rows {
            factors: &self.factors[at * self.classes..(at + TILE_ROWS) * self.classes],
            roots: &self.roots[span.clone()],
            norms: &self.norms[span.clone()],
            nearest: &self.nearest[span],
        }
    }

    /// Bring up to 16 rows, in rising order, up to date with a centre.
    #[inline(always)]
    fn update<S: Simd>(&mut self, s: S, centre: &Centre, wanted: &[Wanted], scratch: &mut Aligned) {
        let tile = self.gathered(s, wanted, scratch);
        let mut inner = [0.0; TILE_ROWS];
        let vector = &centre.vector.as_slice()[..tile.wide()];
        products(s, &tile, vector, &[1.0], Ahead::NONE, &mut inner);
        for (at, (&Wanted { row, product }, inner)) in wanted.iter().zip(inner).enumerate() {
            let both = self.norms[row] + centre.norm;
            let squared = both - 2.0 * product * inner;
            // Not a number, from infinite terms, is far away.
            let squared = if squared < CANCELLED * both {
                self.direct(row, tile.row(at), centre)
            } else {
                squared.min(f32::MAX)
            };
            if squared < self.nearest[row] {
                self.nearest[row] = squared;
            }
        }
    }

    /// The vectors as a tile: in place where they are neighbours.
    #[inline(always)]
    fn gathered<'t, S: Simd>(&self, s: S, wanted: &[Wanted], scratch: &'t mut Aligned) -> Tile<'t>
    where
        Self: 't,
    {
        let (vectors, start, count) = (self.chunk.of.vectors, self.chunk.start, wanted.len());
        let (first, last) = (wanted[0].row, wanted[count - 1].row);
        if last - first + 1 == count {
            return vectors.tile(s, start + first, count, scratch);
        }
        let wide = padded(vectors.dim());
        scratch.grow(TILE_ROWS * wide);
        let rows = scratch.as_mut_slice().chunks_exact_mut(wide);
        for (wanted, to) in wanted.iter().zip(rows) {
            vectors.widen_row(s, start + wanted.row, to);
        }
        Tile::new(&scratch.as_slice()[..count * wide], wide, count)
    }

    /// The squared distance by differences: `q x' - c y' = (q - c) x' + c (x - y)'`.
    fn direct(&self, row: usize, x: &[f32], centre: &Centre) -> f32 {
        let (mut gaps, mut along, mut size) = (0.0, 0.0, 0.0);
        let tile = &self.factors[row / TILE_ROWS * TILE_ROWS * self.classes..];
        let classes = tile.chunks_exact(TILE_ROWS);
        for (factors, &c) in classes.zip(&centre.factor) {
            let (q, c) = (f64::from(factors[row % TILE_ROWS]), f64::from(c));
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
