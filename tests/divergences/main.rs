//! Every divergence is held to every law of f, f', ψ and their companions.

mod accuracy;
mod arguments;
mod laws;

/// Makes one test of each law, run for all five divergences.
macro_rules! hold_for_all {
    ($($module:ident::$law:ident),+ $(,)?) => {
        $(
            #[test]
            fn $law() {
                use ottoflow::divergence::{ChiSquared, Hellinger, JensenShannon, Kl, ReverseKl};
                $module::$law::<JensenShannon>();
                $module::$law::<Kl>();
                $module::$law::<ReverseKl>();
                $module::$law::<ChiSquared>();
                $module::$law::<Hellinger>();
            }
        )+
    };
}

hold_for_all!(
    laws::everything_vanishes_exactly_at_ratio_one,
    laws::the_integrand_is_nowhere_negative,
    laws::the_integrand_is_convex,
    laws::the_first_variation_is_the_derivative_of_the_integrand,
    laws::the_change_of_the_first_variation_is_the_difference,
    laws::the_inverse_undoes_the_first_variation,
    laws::the_slope_is_the_derivative_of_kirchhoff,
    laws::the_three_forms_of_the_slope_agree,
    laws::the_slope_is_monotone_in_the_ratio,
    laws::the_inverse_undoes_kirchhoff,
    laws::kirchhoff_undoes_the_inverse,
    laws::the_integrand_per_mass_is_the_integrand_over_the_ratio,
    laws::the_two_forms_of_kirchhoff_agree,
    laws::relative_change_is_slope_times_change_of_ratio,
    laws::displaced_undoes_relative_change,
    laws::newton_update_is_the_increment_to_first_order,
    laws::functions_are_numbers_from_minus_to_plus_700,
    laws::single_precision_agrees_with_double,
    accuracy::functions_agree_with_the_reference,
);
