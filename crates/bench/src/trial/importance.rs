//! Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): what a model loses when a block of
//! each image is that of another image.
//!
//! It asks the model and nothing else, so that models of all families can be compared. The block of another
//! image is as likely as the image's own, where a grey block would be like nothing that the model has seen.

use bakeoff_core::{
    FittedModel, Images, Samples, derive_seed,
    record::{BlockScore, Importance, ImportanceSpec, Stage},
};
use bakeoff_data::{Blocks, split};
use bakeoff_metrics::{Predictions, log_loss};

use super::contract::Stop;
use crate::event::{OnEvent, TrialEvent, TrialStage};

/// Measures every block.
pub(super) fn measure_importance(
    model: &dyn FittedModel,
    reported: &Samples,
    spec: &ImportanceSpec,
    on_event: &mut OnEvent<'_>,
) -> Result<Importance, Stop> {
    let seed = derive_seed(spec.seed, "importance");
    let used = split::limit(reported.clone(), spec.images, seed);
    let shape = used.images().shape();
    let side = shape.height.max(shape.width).div_ceil(spec.blocks.max(1));
    let exchange = Blocks::new(used.images(), side, seed);
    let grid = exchange.grid();
    let whole = score(model, &used, used.images())?;
    let mut blocks = Vec::with_capacity(grid[0] * grid[1]);
    for row in 0..grid[0] {
        for column in 0..grid[1] {
            let event = TrialEvent::Stage {
                stage: TrialStage::Importance,
            };
            if on_event(&event).is_break() {
                return Err(Stop::Cancelled);
            }
            let images = exchange.exchanged([row, column]);
            let images = images.map_err(Stop::failed(Stage::Data))?;
            blocks.push(score(model, &used, &images)?);
        }
    }
    Ok(Importance {
        grid,
        block: [side.min(shape.height), side.min(shape.width)],
        images: used.len() as u64,
        correct: whole.correct,
        log_loss: whole.log_loss,
        blocks,
    })
}

fn score(model: &dyn FittedModel, used: &Samples, images: &Images) -> Result<BlockScore, Stop> {
    let probabilities = model
        .predict_proba(images)
        .map_err(Stop::predict(Stage::Predict))?;
    let predictions =
        Predictions::new(used.labels(), &probabilities).map_err(Stop::failed(Stage::Predict))?;
    let answers = predictions.predicted().iter().zip(used.labels());
    Ok(BlockScore {
        correct: answers.filter(|(answer, label)| answer == label).count() as u64,
        log_loss: log_loss(&predictions),
    })
}
