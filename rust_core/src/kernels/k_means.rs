//! k-means by Lloyd's iterations ("Least squares quantization in PCM", 1982) from a k-means++
//! start.
//!
//! Sums over a cluster run over pieces of its rows in their order, in double precision, and the
//! pieces are added up in order: the same for any number of threads.

use super::masses::check_weights;
use super::nearest::{Nearest, at_least};
use super::product::Packed;
use super::simd::{Kernel, Simd};
use super::sketch::Sketches;
use super::vectors::{Values, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// Centres, and which of them is nearest to each row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KMeans {
    /// One row per cluster.
    pub centres: Vec<f32>,
    /// The nearest centre of each row and the squared distance to it.
    pub nearest: Nearest,
}

/// The iterations end once one leaves more than this share of the cost: the next ones would move
/// few rows, and other seeds change the cost by far more.
const ENOUGH: f64 = 1.0 - 5e-4;

/// Rows of a cluster that one thread adds up at a time.
const PIECE: usize = 512;

/// What is clustered.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) vectors: &'a Vectors<'a>,
    pub(crate) weights: Option<&'a [f32]>,
    /// As bytes, by tasks.
    pub(crate) sketches: Option<&'a [Sketches]>,
}

impl Rows<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| f64::from(weights[row]))
    }

    /// What the iterations lower: the weighted sum of squared distances.
    fn cost(&self, nearest: &Nearest) -> f64 {
        let costs = nearest.squared.iter().enumerate();
        costs
            .map(|(row, &gap)| self.weight(row) * f64::from(gap))
            .sum()
    }
}

/// The weighted sum of some rows and the sum of their weights, which comes last.
struct Sum<'a>(Rows<'a>, &'a [u32]);

impl Kernel for Sum<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Vec<f64> {
        let Self(rows, members) = self;
        let dim = rows.vectors.dim();
        let (mut sums, mut values) = (vec![0.0; dim + 1], vec![0.0; dim]);
        for &row in members {
            let weight = rows.weight(row as usize);
            rows.vectors.copy_row(row as usize, &mut values);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum += weight * f64::from(value);
            }
            sums[dim] += weight;
        }
        sums
    }
}

/// The rows of each cluster, ascending: cluster `c` has `order[starts[c]..starts[c + 1]]`.
struct Members {
    order: Vec<u32>,
    starts: Vec<usize>,
}

impl Members {
    fn new(assignment: &[i32], k: usize) -> Self {
        let mut starts = vec![0; k + 1];
        for &cluster in assignment {
            starts[cluster as usize + 1] += 1;
        }
        for cluster in 0..k {
            starts[cluster + 1] += starts[cluster];
        }
        let (mut next, mut order) = (starts.clone(), vec![0; assignment.len()]);
        for (row, &cluster) in (0..).zip(assignment) {
            let place = &mut next[cluster as usize];
            order[*place] = row;
            *place += 1;
        }
        Self { order, starts }
    }

    fn of(&self, cluster: usize) -> &[u32] {
        &self.order[self.starts[cluster]..self.starts[cluster + 1]]
    }
}

impl Engine {
    /// `k` clusters; equal rows may leave some of them empty.
    ///
    /// The iterations also end once one lowers the cost by less than a two-thousandth.
    ///
    /// Clusters that fall empty take the row that is served worst, weight times squared distance.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if `k` is 0 or more than there are rows, rows have no values or lengths
    /// disagree; [`Error::NotFinite`]; [`Error::OutOfRange`] for a weight below 0;
    /// [`Error::Cancelled`].
    pub fn k_means(
        &self,
        vectors: &Vectors<'_>,
        weights: Option<&[f32]>,
        k: usize,
        seed: u64,
        iterations: usize,
        cancel: &Cancel,
    ) -> Result<KMeans> {
        at_least("clusters, at least", 1, k)?;
        at_least("rows, at least one per cluster:", k, vectors.rows())?;
        if u32::try_from(vectors.rows()).is_err() {
            let what = "number of rows";
            return Err(Error::OutOfRange { what, position: 0 });
        }
        check_weights(weights, vectors.rows())?;
        self.check_finite("vectors (row)", vectors, cancel)?;
        let sketches = self.sketched(vectors, k, cancel)?;
        let rows = Rows {
            vectors,
            weights,
            sketches: sketches.as_deref(),
        };
        let (mut centres, known) = self.start(rows, k, seed, cancel)?;
        let mut nearest = match known {
            Some(nearest) => nearest,
            None => self.serve(rows, &centres, cancel)?,
        };
        let mut cost = rows.cost(&nearest);
        for _ in 0..iterations {
            centres = self.means(rows, &nearest, &centres, cancel)?;
            nearest = self.serve(rows, &centres, cancel)?;
            let before = std::mem::replace(&mut cost, rows.cost(&nearest));
            if cost >= before * ENOUGH {
                break;
            }
        }
        Ok(KMeans { centres, nearest })
    }

    /// The first centres, and which is nearest to each row if the draws found out.
    fn start(
        &self,
        rows: Rows<'_>,
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<(Vec<f32>, Option<Nearest>)> {
        let dim = rows.vectors.dim();
        let none = Vectors::new(Values::F32(&[]), 0, dim)?;
        let none = Packed::new("anchors", &none, self.level())?;
        let (seeds, nearest) = self.seeds(rows, &none, k, seed, cancel)?;
        let mut centres = vec![0.0; k * dim];
        for (&row, centre) in seeds.index.iter().zip(centres.chunks_exact_mut(dim)) {
            rows.vectors.copy_row(row as usize, centre);
        }
        Ok((centres, nearest))
    }

    fn serve(&self, rows: Rows<'_>, centres: &[f32], cancel: &Cancel) -> Result<Nearest> {
        let dim = rows.vectors.dim();
        let centres = Vectors::new(Values::F32(centres), centres.len() / dim, dim)?;
        let packed = Packed::new("means", &centres, self.level())?;
        self.nearest(rows.vectors, rows.sketches, &packed, cancel)
    }

    /// The mean of each cluster; rows that are served badly where there is none.
    fn means(
        &self,
        rows: Rows<'_>,
        nearest: &Nearest,
        centres: &[f32],
        cancel: &Cancel,
    ) -> Result<Vec<f32>> {
        let dim = rows.vectors.dim();
        let members = Members::new(&nearest.index, centres.len() / dim);
        let mut moved = centres.to_vec();
        let clusters = moved.par_chunks_exact_mut(dim).enumerate();
        let empty = self.install(|| {
            let means = clusters.map(|(cluster, centre)| {
                cancel.check()?;
                let pieces = members.of(cluster).par_chunks(PIECE);
                let sums = pieces.map(|piece| self.level().run(Sum(rows, piece)));
                let sums: Vec<_> = sums.collect();
                Ok((!mean(&sums, centre)).then_some(cluster))
            });
            means.collect::<Result<Vec<_>>>()
        })?;
        let empty: Vec<usize> = empty.into_iter().flatten().collect();
        for (cluster, row) in empty.iter().zip(worst(rows, nearest, empty.len())) {
            let centre = &mut moved[cluster * dim..(cluster + 1) * dim];
            rows.vectors.copy_row(row, centre);
        }
        Ok(moved)
    }
}

/// Write the mean into `centre`, unless there is none.
fn mean(sums: &[Vec<f64>], centre: &mut [f32]) -> bool {
    let dim = centre.len();
    let total = |at: usize| sums.iter().map(|sums| sums[at]).sum::<f64>();
    let weight = total(dim);
    if weight <= 0.0 {
        return false;
    }
    for (at, value) in centre.iter_mut().enumerate() {
        *value = (total(at) / weight) as f32;
    }
    true
}

/// The rows with the highest weight times squared distance, above 0; of equal ones the first.
fn worst(rows: Rows<'_>, nearest: &Nearest, count: usize) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let cost = |(row, &gap): (usize, &f32)| (row, rows.weight(row) * f64::from(gap));
    let costs = nearest.squared.iter().enumerate().map(cost);
    let mut costs: Vec<_> = costs.filter(|&(_, cost)| cost > 0.0).collect();
    costs.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    costs.into_iter().take(count).map(|(row, _)| row).collect()
}
