//! Tags of endpoint services, endpoints, attachments and connections.

use super::answer::{ActionResult, done};
use crate::{
    server::parameters::Parameters,
    world::{Caller, Regions},
};

pub(super) fn create(regions: &mut Regions, caller: Caller<'_>, parameters: &Parameters) -> ActionResult {
    regions.create_tags(caller, &parameters.list("ResourceId"), &parameters.tags("Tag"))?;
    done()
}

pub(super) fn delete(regions: &mut Regions, caller: Caller<'_>, parameters: &Parameters) -> ActionResult {
    let keys: Vec<String> = parameters.tags("Tag").into_iter().map(|(key, _)| key).collect();
    regions.delete_tags(caller, &parameters.list("ResourceId"), &keys)?;
    done()
}
