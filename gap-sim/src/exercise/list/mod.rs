//! The exercises, in the order of the course.

mod deliveries;
mod practice;
mod trouble;

use super::Exercise;

/// Every exercise.
pub fn exercises() -> impl Iterator<Item = &'static Exercise> {
    [deliveries::ALL, trouble::ALL, practice::ALL].into_iter().flatten()
}
