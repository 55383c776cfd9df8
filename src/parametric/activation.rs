use crate::backend::cpu::{Elementwise, elementwise};
use crate::calculus::{Dual, Real};

/// The slope of the leaky rectifier below 0.
pub const LEAK: f64 = 0.2;

/// A function between two layers, stated once over [`Real`]; its derivatives are read off dual numbers.
trait Curve {
    fn value<R: Real>(x: R) -> R;
}

struct Relu;
struct LeakyRelu;
struct Tanh;
struct Softplus;
struct Silu;

impl Curve for Relu {
    #[inline(always)]
    fn value<R: Real>(x: R) -> R {
        let zero = R::constant(0.0);
        R::select(zero.less(x), x, zero)
    }
}

impl Curve for LeakyRelu {
    #[inline(always)]
    fn value<R: Real>(x: R) -> R {
        R::select(R::constant(0.0).less(x), x, R::constant(LEAK) * x)
    }
}

impl Curve for Tanh {
    #[inline(always)]
    fn value<R: Real>(x: R) -> R {
        x.tanh()
    }
}

impl Curve for Softplus {
    #[inline(always)]
    fn value<R: Real>(x: R) -> R {
        x.softplus()
    }
}

impl Curve for Silu {
    #[inline(always)]
    fn value<R: Real>(x: R) -> R {
        x / (R::constant(1.0) + (-x).exp())
    }
}

/// σ and σ'.
struct WithSlope<C>(C);

impl<C: Curve> Elementwise<1, 2> for WithSlope<C> {
    #[inline(always)]
    fn values<R: Real>([x]: [R; 1]) -> [R; 2] {
        let result = C::value(Dual::variable(x));
        [result.value, result.derivative]
    }
}

/// σ''.
struct Curvature<C>(C);

impl<C: Curve> Elementwise<1, 1> for Curvature<C> {
    #[inline(always)]
    fn values<R: Real>([x]: [R; 1]) -> [R; 1] {
        let inner = Dual::variable(Dual::variable(x));
        // The inner dual carries the derivative of x as well, so that the derivative of the derivative is σ''.
        [C::value(inner).derivative.derivative]
    }
}

/// What stands between two layers of a network: `relu` max(0, x), `leaky-relu` max(x, 0.2 x), `tanh`, `softplus` ln(1 + eˣ), `silu`
/// x/(1 + e⁻ˣ).
///
/// Rectifiers: Nair, Hinton, ICML 2010, and Maas, Hannun, Ng, ICML 2013; softplus: Dugas et al., NeurIPS 2000; SiLU: Elfwing, Uchibe,
/// Doya, Neural Networks 107, 2018.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Activation {
    Relu,
    LeakyRelu,
    Tanh,
    Softplus,
    Silu,
}

macro_rules! with_curve {
    ($activation:expr, $curve:ident => $body:expr) => {
        match $activation {
            Activation::Relu => {
                type $curve = Relu;
                $body
            }
            Activation::LeakyRelu => {
                type $curve = LeakyRelu;
                $body
            }
            Activation::Tanh => {
                type $curve = Tanh;
                $body
            }
            Activation::Softplus => {
                type $curve = Softplus;
                $body
            }
            Activation::Silu => {
                type $curve = Silu;
                $body
            }
        }
    };
}

impl Activation {
    /// Every activation.
    pub const ALL: [Self; 5] = [
        Self::Relu,
        Self::LeakyRelu,
        Self::Tanh,
        Self::Softplus,
        Self::Silu,
    ];

    /// σ(x) in any reading of a number.
    pub fn value<R: Real>(self, x: R) -> R {
        with_curve!(self, C => C::value(x))
    }

    /// σ and σ' at every place.
    pub(super) fn apply(self, inputs: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        with_curve!(self, C => elementwise::<WithSlope<C>, 1, 2>([inputs], [values, slopes]));
    }

    /// σ'' at every place.
    pub(super) fn curvature(self, inputs: &[f64], curvatures: &mut [f64]) {
        with_curve!(self, C => elementwise::<Curvature<C>, 1, 1>([inputs], [curvatures]));
    }
}
