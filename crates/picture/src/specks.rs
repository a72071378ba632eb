//! Specks: which components of the ink belong to what was drawn, and which do not.

use crate::{
    components::{Component, Connectivity, components},
    error::PictureError,
    log::Log,
    paper::Ink,
    pieces::{cut_out, drawings, pieces},
    plane::Plane,
    steps::{Step, Warning},
};

/// A component smaller than this part of the image's longer side is a speck, whatever its
/// ink.
const TINY: f64 = 1.0 / 32.0;

/// The same for a single dot on even paper.
const TINY_ALONE: f64 = 1.0 / 64.0;

/// A strip of shadow at the edge reaches at most this part of the image's longer side into
/// it.
const STRIP: f64 = 1.0 / 3.0;

/// And it fills at least this part of its bounding box, which no bent stroke does.
const STRIP_FILLS: f64 = 0.4;

/// A component with less than this part of the largest one's ink is a speck.
const LITTLE_INK: f64 = 1.0 / 40.0;

/// The same for a component far from the largest: strokes of one digit are close together.
const LITTLE_INK_FAR: f64 = 1.0 / 6.0;

/// A separate component with this part of the largest one's ink may be another digit.
const LARGE: f64 = 1.0 / 4.0;

/// So many components are noise.
const MANY: usize = 100;

/// Whether a component is a shadow, or light, at the edge of the image, too narrow to be
/// recognised by its paper: a filled shape that lies along the edge.
fn is_edge_strip(component: &Component, plane: &Plane) -> bool {
    let (width, height) = component.size();
    3 * component.contact() >= component.longer_side()
        && width.min(height) as f64 <= STRIP * plane.longer_side() as f64
        && component.pixels as f64 >= STRIP_FILLS * (width * height) as f64
}

/// Least part of its longer side that the shorter one of a finger or a dark corner has: a stroke along the edge
/// is narrower, and one that is slanted fills less of its bounding box than a strip does.
const THICK: f64 = 0.3;

fn is_thick(component: &Component) -> bool {
    let (width, height) = component.size();
    width.min(height) as f64 >= THICK * width.max(height) as f64
}

/// Whether `plane`, a part of the ink, holds only specks and strips of shadow.
pub(crate) fn are_all(plane: &Plane, ink: &Ink) -> bool {
    let least = TINY * plane.longer_side() as f64;
    let (_, components) = components(plane, ink.threshold, Connectivity::Eight);
    components.iter().all(|component| {
        (component.longer_side() as f64) < least || !ink.is_even && is_edge_strip(component, plane)
    })
}

/// Whether a component of the ink, among others of their own, is neither a speck nor a shadow.
pub(crate) fn is_drawn(component: &Component, ink: &Ink) -> bool {
    component.longer_side() as f64 >= TINY_ALONE * ink.amount.longer_side() as f64
        && (ink.is_even || !is_edge_strip(component, &ink.amount))
}

/// Erases what is no part of the drawing.
///
/// Nothing changes where there are no specks.
///
/// # Errors
/// When there are only specks or, in a photo, only strips of shadow at its edge; when there are several
/// drawings.
pub(crate) fn erase(ink: &mut Ink, log: &mut Log) -> Result<(), PictureError> {
    let (runs, components) = components(&ink.amount, ink.threshold, Connectivity::Eight);
    let most = components.iter().map(|one| one.mass).max().unwrap_or(0);
    let has_drawing = components
        .iter()
        .any(|one| !one.touches_edge() && one.mass as f64 >= LITTLE_INK_FAR * most as f64);
    // Of the paper: on even paper only what is as thick as no stroke is, beside something that was drawn.
    let of_the_edge = |component: &Component| {
        is_edge_strip(component, &ink.amount)
            && (!ink.is_even || has_drawing && is_thick(component))
    };
    let drawn: Vec<&Component> = components.iter().filter(|one| !of_the_edge(one)).collect();
    // A single dot on even paper was put there.
    let least = match ink.is_even && components.len() == 1 {
        true => TINY_ALONE,
        false => TINY,
    } * ink.amount.longer_side() as f64;
    let main = main_component(&drawn, ink.is_even)
        .filter(|_| drawn.iter().any(|one| one.longer_side() as f64 >= least))
        .ok_or(PictureError::NothingDrawn)?;
    // The noise of paper that is darker along its edges.
    let is_all_around = main.size() == (ink.amount.width, ink.amount.height);
    if !ink.is_even && is_all_around && components.len() > MANY {
        return Err(PictureError::NothingDrawn);
    }
    let near = main.longer_side() / 6;
    let share = |component: &Component| component.mass as f64 / main.mass as f64;
    let kept: Vec<bool> = components
        .iter()
        .map(|component| {
            let is_near = component.gap(&main) <= near;
            let least = if is_near { LITTLE_INK } else { LITTLE_INK_FAR };
            // What touches the edge of a photo, far from a drawing that does not, is background,
            // a finger, a binding.
            let intrudes = component.touches_edge() && !main.touches_edge() && !is_near;
            share(component) >= least && !of_the_edge(component) && (ink.is_even || !intrudes)
        })
        .collect();
    let left_out = |(component, &kept): (&Component, &bool)| {
        !kept && share(component) >= LARGE && !is_edge_strip(component, &ink.amount)
    };
    if components.iter().zip(&kept).any(left_out) {
        log.warnings.push(Warning::LeftOut);
    }
    let large = |at: usize| kept[at] && share(&components[at]) >= LARGE;
    let several = drawings(pieces(&components, large));
    let count = kept.iter().filter(|&&kept| !kept).count();
    if count > 0 {
        let fringe = main.longer_side().div_ceil(60);
        let whole = ink.amount.rect();
        ink.amount = cut_out(&ink.amount, &runs, |at| kept[at], whole, fringe);
        log.steps.push(Step::Specks { count });
        log.stage("specks", &ink.amount);
    }
    match several > 1 {
        true => Err(PictureError::SeveralPieces { count: several }),
        false => Ok(()),
    }
}

/// The component with the most ink; in a photo the one of those that do not touch the edge, if
/// it has enough.
fn main_component(drawn: &[&Component], is_even: bool) -> Option<Component> {
    let most_ink = |component: &&&Component| component.mass;
    let largest = drawn.iter().max_by_key(most_ink)?;
    let inside = drawn.iter().filter(|one| !one.touches_edge());
    let main = inside
        .max_by_key(most_ink)
        .filter(|inside| !is_even && inside.mass as f64 >= LITTLE_INK_FAR * largest.mass as f64)
        .unwrap_or(largest);
    Some(**main)
}
