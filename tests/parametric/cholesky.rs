use ottoflow::parametric::{Cholesky, solve_transposed, solve_upper};

use crate::support::{near, random, vector};

#[test]
fn the_factor_solves_and_its_square_is_the_matrix() {
    let mut cholesky = Cholesky::default();
    for size in [16, 48, 160] {
        let mut random = random(size as u64);
        let root = vector(&mut random, size * size);
        let mut matrix = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..size {
                let products = (0..size).map(|k| root[k * size + i] * root[k * size + j]);
                matrix[i * size + j] = products.sum::<f64>() + if i == j { 0.1 } else { 0.0 };
            }
        }
        let mut upper = matrix.clone();
        cholesky.factor(&mut upper, size).unwrap();
        for i in 0..size {
            for j in i..size {
                let products = (0..=i).map(|k| upper[k * size + i] * upper[k * size + j]);
                near(products.sum(), matrix[i * size + j], 1e-12, "UᵀU");
            }
        }
        let expected = vector(&mut random, size);
        let mut x: Vec<f64> = matrix
            .chunks(size)
            .map(|row| row.iter().zip(&expected).map(|(a, b)| a * b).sum())
            .collect();
        solve_transposed(&upper, size, &mut x);
        solve_upper(&upper, size, &mut x);
        for (found, expected) in x.iter().zip(&expected) {
            near(*found, *expected, 1e-8, "solution");
        }
    }
}

#[test]
fn a_matrix_that_is_not_positive_is_refused_at_its_row() {
    let mut matrix = vec![0.0; 256];
    for row in 0..16 {
        matrix[row * 17] = if row == 5 { -1.0 } else { 1.0 };
    }
    let mut cholesky = Cholesky::default();
    let failed = cholesky.factor(&mut matrix, 16).unwrap_err();
    assert_eq!((failed.row, failed.pivot), (5, -1.0));
    let mut matrix = vec![f64::NAN; 256];
    assert_eq!(cholesky.factor(&mut matrix, 16).unwrap_err().row, 0);
}

#[test]
fn a_matrix_without_rows_is_its_own_factor() {
    assert_eq!(Cholesky::default().factor(&mut [], 0), Ok(()));
}
