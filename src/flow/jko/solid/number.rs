//! Numbers that are kept in great number, and computed with in f64.

/// A number in memory.
pub(super) trait Number: Copy + Default + Send + Sync + std::fmt::Debug {
    /// The largest one that is no more than a number.
    fn down(value: f64) -> Self;

    fn wide(self) -> f64;

    /// Adds a number.
    #[inline(always)]
    fn gain(&mut self, value: f64) {
        *self = Self::down(self.wide() + value);
    }
}

impl Number for f64 {
    #[inline(always)]
    fn down(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}

impl Number for f32 {
    #[inline(always)]
    fn down(value: f64) -> Self {
        let nearest = value as f32;
        if f64::from(nearest) > value {
            nearest.next_down()
        } else {
            nearest
        }
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}
