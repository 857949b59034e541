//! What is done to vectors before they are compared: no copy, and an end when it is asked for.

use super::super::ball_edges::Look;
use super::super::coverage_kept::Sides;
use super::super::coverage_pass::Ground;
use super::super::similarity::{Compared, Normed};
use super::super::sketch::way;
use super::*;

#[test]
fn vectors_stay_where_they_lie() {
    let values = [1.0, 2.0, 3.0, 4.0];
    for engine in engines() {
        let found = Normed::new(&engine, "rows", &values, (2, 2), &Cancel::default()).unwrap();
        assert!(std::ptr::eq(found.row(1), &raw const values[2..]));
    }
}

#[test]
fn a_set_flag_ends_each_step_before_the_first_similarity() {
    let (values, go, stopped) = ([1.0; 80], Cancel::default(), Cancel::default());
    stopped.cancel();
    for engine in engines() {
        let normed = |cancel| Normed::new(&engine, "rows", &values, (40, 2), cancel);
        assert_eq!(normed(&stopped).err(), Some(Error::Cancelled));
        let rows = normed(&go).unwrap();
        let compared = |cancel| Compared::new(&rows, cancel);
        assert_eq!(compared(&stopped).err(), Some(Error::Cancelled));
        let ground = Ground {
            rows: compared(&go).unwrap(),
            weights: vec![1.0; 64],
            covered: vec![0.0; 64],
            similarity: Similarity::by_name("ball", 1.0).unwrap(),
        };
        let sides = Sides {
            candidates: &rows,
            rows: &rows,
        };
        let look = Look::new(engine.level(), sides, &ground, 1.0, &stopped);
        let worth = way(engine.level(), 2);
        assert_eq!(look.err(), worth.map(|_| Error::Cancelled));
    }
}
