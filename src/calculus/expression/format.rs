use crate::calculus::Scalar;

/// A format of numbers that WGSL has: `f32` on every device, `f64` with the features SHADER_F64 and SHADER_INT64.
pub trait Format: Scalar {
    /// Its bits, with zeros before them.
    fn bits(self) -> u64;

    /// The number of such bits.
    fn of_bits(bits: u64) -> Self;

    /// A constant as WGSL. The language refuses constants that are not finite, so these are made from their bits at run time.
    fn literal(self) -> String;

    /// The operations on the bits of a number that [`crate::calculus::Real`] asks for, in WGSL; see the scalar reading for how they work.
    fn bit_operations() -> String;
}

macro_rules! written {
    ($float:ident, $bits:ident, $suffix:literal, $integer_suffix:literal, $significand:literal, $bias:literal) => {
        impl Format for $float {
            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            fn of_bits(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }

            fn literal(self) -> String {
                let (number, suffix) = (self, $suffix);
                match number.is_finite() {
                    true if number.is_sign_negative() => format!("({number:?}{suffix})"),
                    true => format!("{number:?}{suffix}"),
                    false => format!(
                        concat!("of_from_bits({:#x}", $integer_suffix, ")"),
                        number.to_bits()
                    ),
                }
            }

            fn bit_operations() -> String {
                let [float, bits] = [stringify!($float), stringify!($bits)];
                let (suffix, bias) = ($integer_suffix, $bias);
                let sqrt_half = std::$float::consts::FRAC_1_SQRT_2.to_bits();
                let shift = (1.0 as $float).to_bits() - sqrt_half;
                let significand = $significand;
                let mask: $bits = (1 << significand) - 1;
                format!(
                    "// A variable keeps the compiler from evaluating what WGSL allows no constant to be.
fn of_from_bits(bits: {bits}) -> {float} {{
    var variable = bits;
    return bitcast<{float}>(variable);
}}

fn of_mantissa(x: {float}) -> {float} {{
    return bitcast<{float}>(((bitcast<{bits}>(x) + {shift:#x}{suffix}) & {mask:#x}{suffix}) + {sqrt_half:#x}{suffix});
}}

fn of_exponent(x: {float}) -> {float} {{
    return {float}(i32((bitcast<{bits}>(x) + {shift:#x}{suffix}) >> {significand}u) - {bias});
}}

fn of_power_of_two(n: {float}) -> {float} {{
    return bitcast<{float}>({bits}(i32(n) + {bias}) << {significand}u);
}}
"
                )
            }
        }
    };
}

written!(f32, u32, "f", "u", 23, 127);
written!(f64, u64, "lf", "lu", 52, 1023);
