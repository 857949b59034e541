//! k-means++ seeding: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding",
//! SODA 2007; here without replacement and with weights.
//!
//! A pick needs the distances to all picks before it, but not at once. Distances only shrink, so
//! a row drawn by distances that lack the latest picks and then kept with probability
//! new distance / old one is drawn exactly by the new ones (rejection sampling). One pass over
//! the rows thus serves many picks, and is a matrix product rather than a product per pick.

use super::by_bytes::ByBytes;
use super::error::{same_length, zeros};
use super::k_means::Rows;
use super::masses::{Masses, Uniform, check_weights};
use super::nearest::{Nearest, Pair, Scratch, TASK_ROWS};
use super::nearest_update::Update;
use super::product::Packed;
use super::sketch::Sketches;
use super::vectors::{Values, Vectors};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;

/// Rows in the order of drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seeds {
    /// Which rows.
    pub index: Vec<i64>,
    /// The probability that each had when it was drawn.
    pub probability: Vec<f32>,
}

/// Picks that the distances may lack.
const PENDING: usize = 12;
/// Draws in vain before the distances are brought up to date.
const IN_VAIN: usize = 6;

/// The rows, the distance of each to the nearest pick, and the draws so far.
struct Draw<'a> {
    engine: &'a Engine,
    vectors: &'a Vectors<'a>,
    weights: Option<&'a [f32]>,
    /// The rows as bytes, by tasks.
    sketches: Option<&'a [Sketches]>,
    cancel: &'a Cancel,
    uniform: Uniform,
    near: Vec<f32>,
    /// Which pick that is, by the order of drawing.
    of: Vec<i32>,
    masses: Masses,
    taken: Vec<bool>,
    /// The picks that `near` does not know of.
    pending: Vec<usize>,
    drawn: Vec<usize>,
    /// The mass of each pick when it was drawn.
    mass: Vec<f64>,
    /// What there was to draw from at the time of each pick.
    total: Vec<f64>,
}

impl Draw<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| f64::from(weights[row]))
    }

    fn take(&mut self, row: usize, mass: f64) {
        self.taken[row] = true;
        self.drawn.push(row);
        self.mass.push(mass);
        self.pending.push(row);
    }

    /// Draw by weight alone among the rows that are left, and by nothing if all weights are 0.
    fn by_weight(&mut self, k: usize) -> Result<()> {
        for flat in [false, true] {
            let mass = |row: usize| match (self.taken[row], flat) {
                (true, _) => 0.0,
                (false, true) => 1.0,
                (false, false) => self.weight(row),
            };
            let masses = (0..self.near.len()).map(mass).collect();
            let mut masses = self.engine.install(|| Masses::new(masses));
            while self.drawn.len() < k {
                self.cancel.check()?;
                let Some(row) = masses.draw(self.uniform.next()) else {
                    break;
                };
                self.total.push(masses.total());
                self.take(row, masses.of(row));
                masses.clear(row);
            }
        }
        Ok(())
    }

    /// Draw by weighted squared distance until there are `k` or none is left that is apart.
    fn by_distance(&mut self, k: usize) -> Result<()> {
        while self.drawn.len() < k {
            self.refresh()?;
            let mut in_vain = 0;
            while in_vain < IN_VAIN && self.pending.len() < PENDING && self.drawn.len() < k {
                let Some(row) = self.masses.draw(self.uniform.next()) else {
                    return Ok(());
                };
                let now = self.weight(row) * f64::from(self.near_now(row));
                if self.uniform.next() * self.masses.of(row) < now {
                    self.take(row, now);
                } else {
                    in_vain += 1;
                }
            }
        }
        Ok(())
    }

    /// The distance of `row` to the nearest pick, those included that `near` lacks.
    fn near_now(&self, row: usize) -> f32 {
        let pair = |&pick: &usize| self.engine.level().run(Pair(self.vectors, row, pick));
        let gaps = self.pending.iter().map(pair);
        gaps.fold(self.near[row], f32::min)
    }

    /// Make `near` and the masses know of all picks, and note what the picks were drawn from.
    fn refresh(&mut self) -> Result<()> {
        let dim = self.vectors.dim();
        let mut picked = vec![0.0; self.pending.len() * dim];
        for (&row, to) in self.pending.iter().zip(picked.chunks_exact_mut(dim)) {
            self.vectors.copy_row(row, to);
        }
        let picked = Vectors::new(Values::F32(&picked), self.pending.len(), dim)?;
        let picks = Packed::new("rows", &picked, self.engine.level())?;
        let (vectors, weights, cancel) = (self.vectors, self.weights, self.cancel);
        let sketches = self.sketches;
        let by_bytes = sketches.and_then(|_| ByBytes::new(&picks, self.engine.level()));
        let by_bytes = &by_bytes;
        let tasks = self.near.par_chunks_mut(TASK_ROWS);
        let tasks = tasks.zip(self.of.par_chunks_mut(TASK_ROWS)).enumerate();
        let before = self.drawn.len() - self.pending.len();
        let level = self.engine.level();
        let sums = self.engine.install(|| {
            let sums = tasks.map_init(Scratch::default, |scratch, (at, (near, of))| {
                let start = at * TASK_ROWS;
                level.run(Update {
                    vectors,
                    weights: weights.map(|weights| &weights[start..start + near.len()]),
                    start,
                    picks: &picks,
                    bytes: by_bytes.as_ref().zip(sketches.and_then(|all| all.get(at))),
                    near,
                    of,
                    before,
                    scratch,
                    cancel,
                })
            });
            sums.collect::<Result<Vec<_>>>()
        })?;
        // The total of a draw by weight is known already.
        let known = self.total.len() + self.pending.len() - self.drawn.len();
        for pick in known..picks.rows() {
            self.total.push(sums.iter().map(|sums| sums[pick]).sum());
        }
        self.pending.clear();
        self.weigh();
        Ok(())
    }

    /// Make the masses those of the distances.
    fn weigh(&mut self) {
        let mass = |row: usize| self.weight(row) * f64::from(self.near[row]);
        let rows = 0..self.near.len();
        self.masses = self.engine.install(|| {
            let masses = rows.into_par_iter().with_min_len(TASK_ROWS).map(mass);
            Masses::new(masses.collect())
        });
    }

    /// What was drawn, and the nearest of it to each row where that is known.
    fn finish(self) -> (Seeds, Option<Nearest>) {
        let chances = self.mass.iter().zip(&self.total);
        let seeds = Seeds {
            probability: chances.map(|(mass, total)| (mass / total) as f32).collect(),
            index: self.drawn.into_iter().map(|row| row as i64).collect(),
        };
        let nearest = self.pending.is_empty().then_some(Nearest {
            index: self.of,
            squared: self.near,
        });
        (seeds, nearest)
    }
}

impl Engine {
    /// `k` rows, or all: each drawn in proportion to its weight times its squared distance to
    /// the nearest anchor or earlier pick; by weight alone before there is any such and once all
    /// distances are 0, uniformly once all weights are.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if lengths or dimensions disagree or rows have no values;
    /// [`Error::NotFinite`], [`Error::OutOfRange`] for a weight below 0; [`Error::Cancelled`].
    pub fn k_means_plus_plus(
        &self,
        vectors: &Vectors<'_>,
        weights: Option<&[f32]>,
        anchors: &Vectors<'_>,
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Seeds> {
        same_length("dimension of the anchors", vectors.dim(), anchors.dim())?;
        check_weights(weights, vectors.rows())?;
        let anchors = Packed::new("anchors (row)", anchors, self.level())?;
        self.check_finite("vectors (row)", vectors, cancel)?;
        let sketches = self.sketched(vectors, k.min(vectors.rows()), cancel)?;
        let rows = Rows {
            vectors,
            weights,
            sketches: sketches.as_deref(),
        };
        let (seeds, _) = self.seeds(rows, &anchors, k, seed, cancel)?;
        Ok(seeds)
    }

    /// As above, for what has been checked; also the nearest of the drawn to each row, where
    /// that is known; of no meaning if there are anchors.
    pub(crate) fn seeds(
        &self,
        rows: Rows<'_>,
        anchors: &Packed<'_>,
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<(Seeds, Option<Nearest>)> {
        let Rows {
            vectors,
            weights,
            sketches,
        } = rows;
        let (rows, k) = (vectors.rows(), k.min(vectors.rows()));
        let mut draw = Draw {
            engine: self,
            vectors,
            weights,
            sketches,
            cancel,
            uniform: Uniform::new(seed),
            near: zeros(rows)?,
            of: vec![0; rows],
            masses: Masses::default(),
            taken: vec![false; rows],
            pending: Vec::new(),
            drawn: Vec::new(),
            mass: Vec::new(),
            total: Vec::new(),
        };
        if anchors.rows() > 0 {
            draw.near = self.nearest(vectors, sketches, anchors, cancel)?.squared;
        } else {
            draw.by_weight(k.min(1))?;
            draw.near.fill(f32::INFINITY);
        }
        draw.by_distance(k)?;
        draw.refresh()?;
        draw.by_weight(k)?;
        Ok(draw.finish())
    }
}
