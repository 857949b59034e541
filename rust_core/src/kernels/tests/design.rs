//! Greedy design against its definition: every matrix inverted anew, in double precision.

use super::*;

type Matrix = Vec<Vec<f64>>;

#[derive(Debug, Clone)]
struct Task {
    dim: usize,
    vectors: Vec<f32>,
    weights: Vec<f32>,
    /// M and F before anything is picked.
    information: Matrix,
    fisher: Matrix,
}

fn outer(dim: usize, rows: &[f32], ridge: f64) -> Matrix {
    let mut sum = vec![vec![0.0; dim]; dim];
    for (at, row) in sum.iter_mut().enumerate() {
        row[at] = ridge;
    }
    for row in rows.chunks_exact(dim) {
        for a in 0..dim {
            for b in 0..dim {
                sum[a][b] += f64::from(row[a]) * f64::from(row[b]);
            }
        }
    }
    sum
}

/// Gauss and Jordan, without pivots: the matrices are positive definite.
fn inverse(matrix: &Matrix) -> Matrix {
    let dim = matrix.len();
    let mut left = matrix.clone();
    let mut right: Matrix = (0..dim)
        .map(|a| (0..dim).map(|b| f64::from(u8::from(a == b))).collect())
        .collect();
    for at in 0..dim {
        let scale = left[at][at].recip();
        let scaled = |row: &Vec<f64>| row.iter().map(|x| x * scale).collect::<Vec<_>>();
        (left[at], right[at]) = (scaled(&left[at]), scaled(&right[at]));
        let (pivot, mate) = (left[at].clone(), right[at].clone());
        for other in (0..dim).filter(|&other| other != at) {
            let factor = left[other][at];
            for column in 0..dim {
                left[other][column] -= factor * pivot[column];
                right[other][column] -= factor * mate[column];
            }
        }
    }
    right
}

fn flat(matrix: &Matrix) -> Vec<f64> {
    matrix.concat()
}

impl Task {
    fn row(&self, row: usize) -> Vec<f64> {
        let root = f64::from(self.weights[row]).sqrt();
        let values = &self.vectors[row * self.dim..(row + 1) * self.dim];
        values.iter().map(|&x| root * f64::from(x)).collect()
    }

    /// `tr((M + sum x x')^-1 F)`.
    fn trace(&self, picks: &[usize]) -> f64 {
        let inverse = inverse(&self.with(picks));
        let pairs = inverse.iter().zip(&self.fisher);
        pairs
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>())
            .sum()
    }

    fn with(&self, picks: &[usize]) -> Matrix {
        let mut information = self.information.clone();
        for &pick in picks {
            let x = self.row(pick);
            for (row, &factor) in information.iter_mut().zip(&x) {
                row.iter_mut().zip(&x).for_each(|(m, x)| *m += factor * x);
            }
        }
        information
    }

    fn leverage(&self, picks: &[usize], row: usize) -> f64 {
        let (inverse, x) = (inverse(&self.with(picks)), self.row(row));
        let product = |m: &Vec<f64>| m.iter().zip(&x).map(|(m, x)| m * x).sum::<f64>();
        inverse.iter().zip(&x).map(|(m, x)| product(m) * x).sum()
    }

    fn bait(&self, engine: &Engine, k: usize, over: usize) -> Vec<usize> {
        let m = flat(&inverse(&self.information));
        let (f, asked) = (flat(&self.fisher), (k, over));
        let cancel = Cancel::default();
        let picks = engine
            .bait(
                &self.vectors,
                &self.weights,
                &m,
                &f,
                self.dim,
                asked,
                &cancel,
            )
            .unwrap();
        picks.into_iter().map(|pick| pick as usize).collect()
    }

    fn max_det(&self, engine: &Engine, k: usize) -> Picks {
        let m = flat(&inverse(&self.information));
        engine
            .max_det(
                &self.vectors,
                &self.weights,
                &m,
                self.dim,
                k,
                &Cancel::default(),
            )
            .unwrap()
    }
}

fn tasks() -> impl Strategy<Value = Task> {
    let dim = prop_oneof![Just(16), 1_usize..12];
    (0_usize..40, dim, 0.05_f64..1.0).prop_flat_map(|(n, dim, ridge)| {
        let weights = prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), 0.0_f32..1.0], n);
        let parts = (
            numbers(n * dim),
            weights,
            numbers(3 * dim),
            numbers(20 * dim),
        );
        parts.prop_map(move |(vectors, weights, labelled, pool)| Task {
            dim,
            vectors,
            weights,
            information: outer(dim, &labelled, ridge),
            fisher: outer(dim, &pool, 0.0),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_pick_has_the_largest_leverage((task, k) in (tasks(), 0_usize..6)) {
        let open = |picks: &[usize]| (0..task.weights.len()).filter(|r| !picks.contains(r)).collect::<Vec<_>>();
        for engine in engines() {
            let got = task.max_det(&engine, k);
            let mut picks = Vec::new();
            for (&pick, &gain) in got.index.iter().zip(&got.gain) {
                let rows = open(&picks);
                let most = rows.iter().map(|&row| task.leverage(&picks, row)).fold(0.0, f64::max);
                prop_assert!(rows.contains(&(pick as usize)));
                let mine = task.leverage(&picks, pick as usize);
                prop_assert!(mine >= most * (1.0 - 1e-4));
                prop_assert!((mine.ln_1p() - f64::from(gain)).abs() <= 1e-4 * (1.0 + most));
                picks.push(pick as usize);
            }
            if picks.len() < k {
                let left = open(&picks).into_iter().map(|row| task.leverage(&picks, row));
                prop_assert!(left.fold(0.0, f64::max) < 1e-6);
            }
        }
    }

    #[test]
    fn every_forward_pick_lowers_the_variance_most((task, k) in (tasks(), 0_usize..6)) {
        for engine in engines() {
            let picks = task.bait(&engine, k, 1);
            prop_assert_eq!(picks.len(), k.min(task.weights.len()));
            for (step, &pick) in picks.iter().enumerate() {
                let after = |row: usize| task.trace(&[&picks[..step], &[row]].concat());
                let open = (0..task.weights.len()).filter(|row| !picks[..step].contains(row));
                let least = open.map(after).fold(f64::INFINITY, f64::min);
                prop_assert!(!picks[..step].contains(&pick));
                let (mine, start) = (after(pick), task.trace(&[]));
                prop_assert!(mine <= least + 1e-4 * (start - least) + 1e-9 * start, "{mine} {least}");
            }
        }
    }

    #[test]
    fn the_backward_pass_takes_back_what_is_missed_least((task, k) in (tasks(), 1_usize..4)) {
        for engine in engines() {
            let mut left = task.bait(&engine, 2 * k, 1);
            let got = task.bait(&engine, k, 2);
            prop_assert_eq!(got.len(), k.min(task.weights.len()));
            while left.len() > got.len() {
                let without = |gone: usize| {
                    let rest: Vec<usize> = left.iter().copied().filter(|&row| row != gone).collect();
                    task.trace(&rest)
                };
                let losses: Vec<f64> = left.iter().map(|&row| without(row)).collect();
                let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
                // Of those missed (nearly) least one that was taken back, the last.
                let near = 1e-6 * task.trace(&[]);
                let place = (0..left.len()).rev().find(|&at| losses[at] <= least + near && !got.contains(&left[at]));
                prop_assert!(place.is_some());
                left.remove(place.unwrap());
            }
            prop_assert_eq!(left, got);
        }
    }

    #[test]
    fn threads_change_nothing((task, k) in (tasks(), 0_usize..6)) {
        for level in Level::all() {
            let [one, three] = [1, 3].map(|threads| Engine::new(threads, level).unwrap());
            prop_assert_eq!(task.bait(&one, k, 2), task.bait(&three, k, 2));
            prop_assert_eq!(task.max_det(&one, k), task.max_det(&three, k));
        }
    }

    #[test]
    fn an_outer_sum_is_what_its_name_says((n, dim) in (0_usize..600, 1_usize..40), seed: u32) {
        let number = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) ^ seed) as f32 / 4e9 - 0.5;
        let vectors: Vec<f32> = (0..n * dim).map(number).collect();
        let weights: Vec<f32> = (0..n).map(|i| number(7 * i + 1)).collect();
        for engine in engines() {
            let got = engine.outer_sum(&vectors, &weights, dim, &Cancel::default()).unwrap();
            for a in 0..dim {
                for b in 0..dim {
                    let term = |row: usize| {
                        let [x, y] = [a, b].map(|at| f64::from(vectors[row * dim + at]));
                        f64::from(weights[row]) * x * y
                    };
                    let want: f64 = (0..n).map(term).sum();
                    prop_assert!((got[a * dim + b] - want).abs() < 1e-5 * (1.0 + want.abs()));
                }
            }
        }
    }
}

#[test]
fn the_first_of_equals_is_picked() {
    let task = Task {
        dim: 1,
        vectors: vec![1.0; 700],
        weights: vec![1.0; 700],
        information: vec![vec![1.0]],
        fisher: vec![vec![1.0]],
    };
    for engine in engines() {
        assert_eq!(task.bait(&engine, 3, 2), [0, 1, 2]);
        assert_eq!(task.max_det(&engine, 3).index, [0, 1, 2]);
    }
}

#[test]
fn hostile_numbers_are_refused() {
    let (good, ones, cancel) = ([1.0; 4], [1.0; 2], Cancel::default());
    let engine = Engine::new(1, Level::detect()).unwrap();
    let (identity, indefinite) = ([1.0, 0.0, 0.0, 1.0], [1.0, 2.0, 2.0, 1.0]);
    let det = |v: &[f32], w: &[f32], m: &[f64]| engine.max_det(v, w, m, 2, 1, &cancel).is_err();
    assert!(!det(&good, &ones, &identity));
    assert!(det(&good, &ones, &indefinite));
    assert!(det(&good, &ones, &[f64::NAN; 4]));
    assert!(det(&good, &ones, &identity[..3]));
    assert!(det(&good, &[-1.0, 1.0], &identity));
    assert!(det(&good, &[f32::NAN, 1.0], &identity));
    assert!(det(&[f32::INFINITY; 4], &ones, &identity));
    assert!(det(&good[..3], &ones, &identity));
    assert!(
        engine
            .bait(
                &good,
                &ones,
                &identity,
                &[f64::INFINITY; 4],
                2,
                (1, 2),
                &cancel
            )
            .is_err()
    );
    assert!(
        engine
            .outer_sum(&good, &[f32::NAN, 0.0], 2, &cancel)
            .is_err()
    );
}
