//! Greedy experimental design: rows that teach a linear model the most.
//!
//! `max_det` maximises the determinant of the information (Wynn 1970; greedy MAP of a determinantal
//! point process, Chen, Zhang and Zhou 2018). `bait` minimises the expected variance of the
//! predictions over a pool, forward and then backward (Ash et al., "Gone Fishing", `NeurIPS` 2021).
//!
//! Both keep, for every row `y` of the whitened pool, `a = y' K y` (and `b = y' K G K y`), where K
//! is the inverse information so far, and bring them up to date with two products per row and
//! pick (Sherman and Morrison 1950) instead of evaluating the quadratic forms anew.

use super::aligned::{Aligned, padded};
use super::head::{Ahead, products};
use super::lazy::Picks;
use super::simd::{Kernel, Simd};
use super::square::{Square, dot};
use super::vectors::{TILE_ROWS, Tile};
use super::whitened::{ROWS, Whitened, check_rows};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;

/// How picking a row changes all the others.
pub(crate) struct Change {
    /// `K y` of the picked row, and `K G K y`, as two packed rows.
    packed: Aligned,
    /// How many of the two are there.
    count: usize,
    /// `1 / (1 + a)`, or `-1 / (1 - a)` to take it back.
    pub(crate) factor: f64,
    /// `y' K G K y` by the matrices.
    pub(crate) form: f64,
}

impl Change {
    pub(crate) fn new(vectors: &[&[f64]], factor: f64, form: f64) -> Self {
        let wide = padded(vectors.first().map_or(1, |vector| vector.len()));
        let mut packed = Aligned::zeros(2 * wide);
        for (to, from) in packed.as_mut_slice().chunks_exact_mut(wide).zip(vectors) {
            for (to, &from) in to.iter_mut().zip(*from) {
                *to = from as f32;
            }
        }
        Self {
            packed,
            count: vectors.len(),
            factor,
            form,
        }
    }

    /// `a` and `b` of a row whose products with the two vectors are `p` and `r`.
    pub(crate) fn apply(&self, a: &mut f64, b: &mut f64, p: f64, r: f64) {
        let k = self.factor;
        *b += k * p * (k * self.form * p - 2.0 * r);
        *a -= k * p * p;
    }
}

/// The state of up to `ROWS` rows.
pub(crate) struct Part<'a> {
    start: usize,
    rows: &'a [f32],
    wide: usize,
    a: Vec<f64>,
    b: Vec<f64>,
    open: Vec<bool>,
}

struct Update<'a, 'p>(&'a mut Part<'p>, &'a Change);

impl Kernel for Update<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self(part, change) = self;
        let wide = part.wide;
        let packed = &change.packed.as_slice()[..change.count * wide];
        let mut found = [0.0; 2 * TILE_ROWS];
        let states = part
            .a
            .chunks_mut(TILE_ROWS)
            .zip(part.b.chunks_mut(TILE_ROWS));
        for (rows, (a, b)) in part.rows.chunks(TILE_ROWS * wide).zip(states) {
            let tile = Tile::new(rows, wide, a.len());
            let zeros = &[0.0; 2][..change.count];
            let out = &mut found[..change.count * TILE_ROWS];
            products(s, &tile, packed, zeros, Ahead::NONE, out);
            let (p, r) = found.split_at(TILE_ROWS);
            for (((a, b), &p), &r) in a.iter_mut().zip(b).zip(p).zip(r) {
                change.apply(a, b, f64::from(p), f64::from(r));
            }
        }
    }
}

/// The score of a row; `(score, row)`.
type Best = Option<(f64, usize)>;

/// The rows with their state, part by part.
pub(crate) struct Pool<'a> {
    engine: &'a Engine,
    white: &'a Whitened,
    parts: Vec<Part<'a>>,
    cancel: &'a Cancel,
}

impl<'a> Pool<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        white: &'a Whitened,
        a: &[f64],
        b: &[f64],
        cancel: &'a Cancel,
    ) -> Self {
        let part = |start: usize| {
            let count = ROWS.min(white.rows - start);
            Part {
                start,
                rows: white.part(start, count),
                wide: white.wide,
                a: a[start..start + count].to_vec(),
                b: b[start..start + count].to_vec(),
                open: vec![true; count],
            }
        };
        Self {
            engine,
            white,
            parts: (0..white.rows).step_by(ROWS).map(part).collect(),
            cancel,
        }
    }

    /// Apply a change, if there is one, and find the open row of the highest score, the first of
    /// equals.
    pub(crate) fn best(
        &mut self,
        change: Option<&Change>,
        score: impl Fn(f64, f64) -> f64 + Sync,
    ) -> Result<Best> {
        let (level, cancel) = (self.engine.level(), self.cancel);
        self.parts
            .par_iter_mut()
            .map(|part| {
                cancel.check()?;
                if let Some(change) = change {
                    level.run(Update(part, change));
                }
                let mut best: Best = None;
                for (row, open) in part.open.iter().enumerate() {
                    let score = score(part.a[row], part.b[row]);
                    if *open && best.is_none_or(|(most, _)| score > most) {
                        best = Some((score, part.start + row));
                    }
                }
                Ok(best)
            })
            .try_reduce(|| None, |a, b| Ok(first_best(a, b)))
    }

    pub(crate) fn close(&mut self, row: usize) {
        self.parts[row / ROWS].open[row % ROWS] = false;
    }

    pub(crate) fn row(&self, row: usize) -> Vec<f64> {
        self.white.row(row)
    }
}

/// The higher score, of equals the lower row.
fn first_best(a: Best, b: Best) -> Best {
    match (a, b) {
        (Some((x, i)), Some((y, j))) if y > x || (y >= x && j < i) => b,
        (None, _) => b,
        _ => a,
    }
}

impl Engine {
    /// Up to `k` rows, each of the largest `w x' M^-1 x`, the first of equals, `inverse` being
    /// `M^-1` (d, d) and `w x x'` joining `M` with every pick. The gain is `ln(1 + w x' M^-1 x)`;
    /// fewer rows once none gains anything.
    ///
    /// # Errors
    ///
    /// [`super::Error::Shape`] and [`super::Error::NotFinite`] for arrays that do not fit or are
    /// not finite; [`super::Error::OutOfRange`] for a negative weight or an inverse that is not
    /// positive definite; [`super::Error::Cancelled`].
    pub fn max_det(
        &self,
        vectors: &[f32],
        weights: &[f32],
        inverse: &[f64],
        dim: usize,
        k: usize,
        cancel: &Cancel,
    ) -> Result<Picks> {
        check_rows(self, vectors, weights, dim)?;
        let lower = Square::new("inverse", inverse, dim)?.cholesky("inverse")?;
        self.install(|| {
            let white = Whitened::new(self, vectors, weights, &lower, cancel)?;
            let a = white.squares();
            let mut pool = Pool::new(self, &white, &a, &a, cancel);
            let mut inverse = Square::identity(dim);
            let mut picks = Picks::default();
            let mut change = None;
            while picks.index.len() < k {
                let best = pool.best(change.as_ref(), |a, _| a)?;
                let Some((a, row)) = best.filter(|(a, _)| *a > 0.0) else {
                    break;
                };
                picks.push(row, a.ln_1p());
                pool.close(row);
                let y = pool.row(row);
                let u = inverse.apply(&y);
                let factor = 1.0 / (1.0 + dot(&y, &u));
                inverse.rank_one(-factor, &u);
                change = Some(Change::new(&[&u], factor, 0.0));
            }
            Ok(picks)
        })
    }
}
