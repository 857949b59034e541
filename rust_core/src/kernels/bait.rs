//! Batch active learning by Fisher information: Ash et al., "Gone Fishing", `NeurIPS` 2021.

use super::design::{Change, Pool};
use super::square::{Square, dot};
use super::whitened::{Whitened, check_rows};
use super::{Cancel, Engine, Result};

/// The inverse information so far, and what it is judged by.
struct Information {
    inverse: Square,
    fisher: Square,
}

impl Information {
    /// `u = K y` and `v = K G u`, with `y' u` and `u' G u`.
    fn seen_from(&self, y: &[f64]) -> (Vec<f64>, Vec<f64>, f64, f64) {
        let u = self.inverse.apply(y);
        let f = self.fisher.apply(&u);
        let v = self.inverse.apply(&f);
        let (a, form) = (dot(y, &u), dot(&u, &f));
        (u, v, a, form)
    }
}

/// A picked row in the backward pass.
struct Picked {
    row: usize,
    y: Vec<f64>,
    a: f64,
    b: f64,
}

impl Picked {
    /// How much the variance grows without it.
    fn loss(&self) -> f64 {
        self.b / headroom(self.a)
    }
}

/// `1 - a`, which rounding must not make zero.
fn headroom(a: f64) -> f64 {
    (1.0 - a).max(1e-12)
}

/// Take rows back, each the one that is missed least, the last of equals, until `k` are left.
fn prune(rows: &[(usize, Vec<f64>)], information: &mut Information, k: usize) -> Vec<i64> {
    let picked = |(row, y): &(usize, Vec<f64>)| {
        let (_, _, a, b) = information.seen_from(y);
        let (row, y) = (*row, y.clone());
        Picked { row, y, a, b }
    };
    let mut left: Vec<Picked> = rows.iter().map(picked).collect();
    while left.len() > k {
        let losses = left.iter().map(Picked::loss).enumerate();
        // `min_by` gives the first of equals; from behind that is the last.
        let least = losses.rev().min_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((place, _)) = least else { break };
        let gone = left.remove(place);
        let (u, v, a, form) = information.seen_from(&gone.y);
        let change = Change::new(&[], -1.0 / headroom(a), form);
        information.inverse.rank_one(-change.factor, &u);
        for other in &mut left {
            let (p, r) = (dot(&other.y, &u), dot(&other.y, &v));
            change.apply(&mut other.a, &mut other.b, p, r);
        }
    }
    left.iter().map(|picked| picked.row as i64).collect()
}

impl Engine {
    /// `min(k, n)` rows, in the order of picking, that make `tr((M + sum w x x')^-1 F)` small:
    /// `over * k` greedily, each the one that lowers it most, the first of equals; then all but
    /// `k` taken back, each the one that raises it least. `inverse` is `M^-1`, `fisher` is F, both
    /// (d, d) and symmetric.
    ///
    /// # Errors
    ///
    /// As [`Engine::max_det`].
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a matrix, a vector or a number"
    )]
    pub fn bait(
        &self,
        vectors: &[f32],
        weights: &[f32],
        inverse: &[f64],
        fisher: &[f64],
        dim: usize,
        (k, over): (usize, usize),
        cancel: &Cancel,
    ) -> Result<Vec<i64>> {
        check_rows(self, vectors, weights, dim)?;
        let lower = Square::new("inverse", inverse, dim)?.cholesky("inverse")?;
        let fisher = Square::new("fisher", fisher, dim)?;
        let most = k.saturating_mul(over.max(1)).min(weights.len());
        self.install(|| {
            let white = Whitened::new(self, vectors, weights, &lower, cancel)?;
            let fisher = lower.transposed().times(&fisher).times(&lower);
            let b = white.forms(self, &fisher, cancel)?;
            let mut pool = Pool::new(self, &white, &white.squares(), &b, cancel);
            let inverse = Square::identity(dim);
            let mut information = Information { inverse, fisher };
            let (mut picks, mut change) = (Vec::new(), None);
            while picks.len() < most {
                let Some((_, row)) = pool.best(change.as_ref(), |a, b| b / (1.0 + a))? else {
                    break;
                };
                pool.close(row);
                let y = pool.row(row);
                let (u, v, a, form) = information.seen_from(&y);
                let factor = 1.0 / (1.0 + a);
                information.inverse.rank_one(-factor, &u);
                change = Some(Change::new(&[&u, &v], factor, form));
                picks.push((row, y));
            }
            Ok(prune(&picks, &mut information, k))
        })
    }
}
