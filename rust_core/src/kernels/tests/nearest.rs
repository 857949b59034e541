//! Clusters and neighbours against their definitions.

use super::*;

fn gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Every distance from one pool to another, ascending, of equal ones the first.
fn sorted(from: &[f64], to: &[Vec<f64>]) -> Vec<(f64, usize)> {
    let mut gaps: Vec<_> = to.iter().map(|to| gap(from, to)).zip(0..).collect();
    gaps.sort_by(|a, b| a.0.total_cmp(&b.0));
    gaps
}

fn close(got: f32, want: f64) -> bool {
    (f64::from(got) - want).abs() <= 1e-5 * want
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_nearest_centre_and_the_neighbours_are_those_of_double_precision(
        pool in pools(), cut: usize, k in 0_usize..9,
    ) {
        let cut = cut % (pool.len() + 1);
        let rows: Vec<_> = (0..pool.len()).map(|row| pool.row(row)).collect();
        for engine in engines() {
            let (all, some) = (pool.vectors(0, pool.len()), pool.vectors(0, cut));
            let never = Cancel::default();
            let near = engine.neighbours(&all, &some, k, &never).unwrap();
            prop_assert_eq!(near.index.len(), pool.len() * k);
            let nearest = engine.nearest_centres(&all, &some, &never);
            prop_assert_eq!(nearest.is_ok(), cut > 0);
            for (at, row) in rows.iter().enumerate() {
                let want = sorted(row, &rows[..cut]);
                for place in 0..k {
                    let (index, squared) = (near.index[at * k + place], near.squared[at * k + place]);
                    match want.get(place) {
                        Some(&(want, _)) => {
                            prop_assert!(close(squared, want));
                            prop_assert!(close(squared, gap(row, &rows[index as usize])));
                        }
                        None => prop_assert!(index == -1 && squared == f32::INFINITY),
                    }
                }
                if let Ok(nearest) = &nearest {
                    let (squared, index) = want[0];
                    prop_assert!(close(nearest.squared[at], squared));
                    if squared <= 0.0 {
                        prop_assert_eq!(nearest.index[at], index as i32);
                    }
                }
            }
        }
    }

    #[test]
    fn threads_do_not_change_clusters_or_draws(pool in pools(), k in 1_usize..9, seed: u64) {
        let all = pool.vectors(0, pool.len());
        let weights: Vec<f32> = pool.hash.iter().map(|hash| (hash % 4) as f32).collect();
        for level in Level::all() {
            let [one, three] = [1, 3].map(|threads| Engine::new(threads, level).unwrap());
            let never = Cancel::default();
            let [a, b] = [&one, &three].map(|e| e.k_means(&all, Some(&weights), k, seed, 5, &never));
            prop_assert_eq!(&a, &b);
            prop_assert_eq!(a.is_ok(), k <= pool.len());
            let none = pool.vectors(0, 0);
            let [a, b] = [&one, &three].map(|e| {
                e.k_means_plus_plus(&all, Some(&weights), &none, k, seed, &never).unwrap()
            });
            prop_assert_eq!(&a, &b);
            prop_assert_eq!(a.index.len(), k.min(pool.len()));
            prop_assert!(a.probability.iter().all(|&p| p > 0.0 && p <= 1.0));
        }
    }
}

#[test]
fn rows_that_differ_in_the_last_digit_are_told_apart() {
    let dim = 384;
    let mut rows = vec![100.0_f32; 3 * dim];
    rows[dim] = 100.0_f32.next_up();
    rows[2 * dim] = 101.0;
    let rows = Vectors::new(Values::F32(&rows), 3, dim).unwrap();
    for engine in engines() {
        let found = engine
            .nearest_centres(&rows, &rows, &Cancel::default())
            .unwrap();
        assert_eq!(found.index, [0, 1, 2]);
        assert_eq!(found.squared, [0.0; 3]);
    }
}
