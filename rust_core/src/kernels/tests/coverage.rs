//! Greedy coverage against its definition in double precision.

use super::*;

#[derive(Debug, Clone)]
struct Task {
    dim: usize,
    candidates: Vec<f32>,
    rows: Vec<f32>,
    weights: Vec<f32>,
    covered: Vec<f32>,
    kind: &'static str,
    scale: f64,
}

impl Task {
    fn rows(&self) -> Rows<'_> {
        Rows {
            values: &self.rows,
            weights: &self.weights,
            covered: &self.covered,
        }
    }

    /// By the table of similarities and without: the same to the last bit.
    fn run(&self, engine: &Engine, k: usize) -> Picks {
        let (similarity, cancel) = (
            Similarity::by_name(self.kind, self.scale).unwrap(),
            Cancel::default(),
        );
        let (candidates, rows, dim) = (&self.candidates, self.rows(), self.dim);
        let got = engine.herd(candidates, rows, dim, similarity, k, &cancel);
        let task = super::super::coverage::Task {
            candidates,
            rows,
            dim,
            similarity,
            k,
        };
        let without = engine.herd_within(&task, 0, &cancel).unwrap();
        assert_eq!(got.as_ref(), Ok(&without));
        got.unwrap()
    }

    fn similarity(&self, candidate: usize, row: usize) -> f64 {
        let at = |values: &[f32], row: usize| -> Vec<f64> {
            let row = &values[row * self.dim..(row + 1) * self.dim];
            row.iter().copied().map(f64::from).collect()
        };
        let (x, y) = (at(&self.candidates, candidate), at(&self.rows, row));
        let pairs = || x.iter().zip(&y);
        let squared: f64 = pairs().map(|(x, y)| (x - y) * (x - y)).sum();
        match self.kind {
            "rbf" => (-squared / (self.scale * self.scale)).exp(),
            "ball" => f64::from(u8::from(squared <= self.scale * self.scale)),
            _ => pairs().map(|(x, y)| x * y).sum::<f64>().max(0.0),
        }
    }

    /// What each candidate adds.
    fn gains(&self, covered: &[f64]) -> Vec<f64> {
        let gain = |candidate: usize| {
            let more = |row: usize| (self.similarity(candidate, row) - covered[row]).max(0.0);
            let rows = 0..self.weights.len();
            rows.map(|row| f64::from(self.weights[row]) * more(row))
                .sum()
        };
        (0..self.candidates.len() / self.dim).map(gain).collect()
    }
}

fn tasks() -> impl Strategy<Value = Task> {
    let kind = prop_oneof![Just("rbf"), Just("ball"), Just("dot")];
    let dim = prop_oneof![Just(16), Just(32), 1_usize..20];
    (
        1_usize..60,
        0_usize..300,
        dim,
        kind,
        0.7_f64..4.0,
        any::<bool>(),
    )
        .prop_flat_map(|(m, n, dim, kind, scale, same)| {
            let weights =
                prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), 0.0_f32..2.0], n);
            let covered = prop::collection::vec(prop_oneof![Just(0.0_f32), 0.0_f32..1.0], n);
            (numbers(m * dim), numbers(n * dim), weights, covered).prop_map(
                move |(candidates, mut rows, weights, covered)| {
                    if same {
                        let shared = rows.len().min(candidates.len());
                        rows[..shared].copy_from_slice(&candidates[..shared]);
                    }
                    Task {
                        dim,
                        candidates,
                        rows,
                        weights,
                        covered,
                        kind,
                        scale,
                    }
                },
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_pick_adds_the_most_there_is((task, k) in (tasks(), 0_usize..12)) {
        for engine in engines() {
            let got = task.run(&engine, k);
            let mut covered: Vec<f64> = task.covered.iter().copied().map(f64::from).collect();
            let mut taken = std::collections::HashSet::new();
            for (&pick, &gain) in got.index.iter().zip(&got.gain) {
                let pick = pick as usize;
                prop_assert!(taken.insert(pick), "picked twice");
                let gains = task.gains(&covered);
                let most = gains.iter().copied().fold(0.0, f64::max);
                prop_assert!(gains[pick] >= most - 1e-5 * (1.0 + most));
                prop_assert!((gains[pick] - f64::from(gain)).abs() <= 1e-5 * (1.0 + most));
                for (row, covered) in covered.iter_mut().enumerate() {
                    *covered = covered.max(task.similarity(pick, row));
                }
            }
            if got.index.len() < k {
                let left = task.gains(&covered).into_iter().fold(0.0, f64::max);
                prop_assert!(left < 1e-4, "stopped early: {left} to gain");
            }
        }
    }

    #[test]
    fn threads_change_nothing((task, k) in (tasks(), 0_usize..12)) {
        for level in Level::all() {
            let [one, three] = [1, 3].map(|threads| Engine::new(threads, level).unwrap());
            prop_assert_eq!(task.run(&one, k), task.run(&three, k));
        }
    }
}

#[test]
fn the_first_of_equals_is_picked_and_duplicates_add_nothing() {
    let task = Task {
        dim: 2,
        candidates: vec![3.0, 4.0, 0.0, 1.0, 3.0, 4.0, 0.0, 1.0],
        rows: vec![0.0, 1.0, 3.0, 4.0],
        weights: vec![1.0; 2],
        covered: vec![0.0; 2],
        kind: "ball",
        scale: 0.5,
    };
    for engine in engines() {
        let got = task.run(&engine, 9);
        assert_eq!(got.index, [0, 1]);
        assert_eq!(got.gain, [1.0, 1.0]);
    }
}

#[test]
fn many_candidates_and_rows_are_covered_in_every_group() {
    let rows: Vec<f32> = (0..3000)
        .map(|i| ((i * 7919) % 3001) as f32 / 50.0)
        .collect();
    let task = Task {
        dim: 1,
        weights: (0..3000).map(|i| 1.0 + (i % 5) as f32).collect(),
        covered: vec![0.0; 3000],
        candidates: rows.clone(),
        rows,
        kind: "rbf",
        scale: 0.7,
    };
    let eager = |k: usize| {
        let mut covered = vec![0.0; 3000];
        let mut picks = Vec::new();
        for _ in 0..k {
            let gains = task.gains(&covered);
            let best = (0..3000)
                .max_by(|&a, &b| gains[a].total_cmp(&gains[b]))
                .unwrap();
            for (row, covered) in covered.iter_mut().enumerate() {
                *covered = f64::max(*covered, task.similarity(best, row));
            }
            picks.push(gains[best]);
        }
        picks
    };
    let want = eager(4);
    for engine in engines() {
        let got = task.run(&engine, 4);
        for (&want, &got) in want.iter().zip(&got.gain) {
            assert!((want - f64::from(got)).abs() < 1e-4 * want);
        }
    }
}

#[test]
fn hostile_numbers_are_refused_or_do_no_harm() {
    let huge = [f32::MAX, f32::MIN, 1e30, 0.0];
    let ones = [1.0; 4];
    let nan = [1.0, f32::NAN, 1.0, 1.0];
    let rows = |values, weights, covered| Rows {
        values,
        weights,
        covered,
    };
    let cancel = Cancel::default();
    for engine in engines() {
        for kind in ["rbf", "ball", "dot"] {
            let similarity = Similarity::by_name(kind, 1e-30).unwrap();
            let run = |rows| engine.herd(&huge, rows, 1, similarity, 9, &cancel);
            let got = run(rows(&huge, &ones, &[0.0; 4])).unwrap();
            assert!(got.gain.iter().all(|gain| *gain > 0.0));
            assert!(run(rows(&nan, &ones, &ones)).is_err());
            assert!(run(rows(&huge, &nan, &ones)).is_err());
            assert!(run(rows(&huge, &[-1.0; 4], &ones)).is_err());
            assert!(run(rows(&huge, &ones, &nan)).is_err());
            assert!(run(rows(&huge, &ones, &ones[..3])).is_err());
        }
    }
    for (kind, scale) in [
        ("rbf", 0.0),
        ("rbf", f64::NAN),
        ("ball", -1.0),
        ("cosine", 1.0),
    ] {
        assert!(Similarity::by_name(kind, scale).is_err());
    }
}

/// More candidates than one visit, so that a part of the table is the mirror of another.
#[test]
fn a_pair_that_is_looked_at_once_counts_for_both() {
    for (kind, candidates, n) in [("rbf", 450, 500), ("dot", 420, 420), ("ball", 611, 1024)] {
        let rows: Vec<f32> = (0..n * 5)
            .map(|at| ((at * 7919 + at * at % 613) % 1009) as f32 / 500.0 - 1.0)
            .collect();
        let task = Task {
            dim: 5,
            candidates: rows[..candidates * 5].to_vec(),
            rows,
            weights: (0..n).map(|row| (row % 7) as f32).collect(),
            covered: vec![0.0; n],
            kind,
            scale: 1.1,
        };
        for engine in engines() {
            assert!(task.run(&engine, 30).index.len() > 5, "{kind}");
        }
    }
}

/// Rows of many values, of which many lie as near to the edge of a ball as bytes can tell.
#[test]
fn bytes_change_no_ball() {
    for (dim, n, scale) in [(70, 300, 6.0), (130, 450, 9.3), (33, 97, 1e-3)] {
        let rows: Vec<f32> = (0..n * dim)
            .map(|at| ((at * 7919 + at * at % 613) % 1009) as f32 / 500.0 - 1.0)
            .collect();
        let task = Task {
            dim,
            candidates: rows[..n / 2 * dim].to_vec(),
            rows,
            weights: (0..n).map(|row| (row % 7) as f32 / 3.0).collect(),
            covered: (0..n).map(|row| (row % 3) as f32 / 4.0).collect(),
            kind: "ball",
            scale,
        };
        for engine in engines() {
            assert!(!task.run(&engine, 30).index.is_empty());
        }
    }
}
