//! The order of what is given does not matter.

use akbuild_attest::{Component, Ships, sbom};
use proptest::prelude::*;

use crate::sample;

fn component() -> impl Strategy<Value = Component> {
    let licences = prop::collection::vec(prop::sample::select(vec!["MIT", "ISC", "MIT OR ISC", "own"]), 0..3);
    let ships = prop::sample::select(vec![Ships::Optional, Ships::Bundled, Ships::Installed]);
    let other = ("[a-c]", 0..2u8, ships, licences).prop_map(|(name, kind, ships, licences)| {
        let component =
            if kind == 0 { sample::npm(&name, "1.0.0") } else { sample::go(&format!("{name}.example"), "v1.0.0") };
        component.ships(ships).licensed(licences.into_iter().map(sample::licence))
    });
    prop_oneof![other, prop::sample::select(sample::components())]
}

/// The same in another order.
fn shuffled() -> impl Strategy<Value = (Vec<Component>, Vec<Component>)> {
    prop::collection::vec(component(), 0..12)
        .prop_flat_map(|components| (Just(components.clone()), Just(components).prop_shuffle()))
}

proptest! {
    #[test]
    fn of_components((components, shuffled) in shuffled()) {
        let bill = |components: &[Component]| sbom(&sample::project(), components, "0.1.0").unwrap();
        prop_assert_eq!(bill(&components), bill(&shuffled));
    }

    #[test]
    fn of_materials(materials in Just(sample::provenance().materials).prop_shuffle()) {
        let mut provenance = sample::provenance();
        provenance.materials = materials;
        prop_assert_eq!(provenance.to_json(), sample::provenance().to_json());
    }
}
