//! Tags of endpoint services, endpoints and connections.

use super::answer::{ActionResult, done};
use crate::{server::parameters::Parameters, world::World};

pub(super) fn create(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    world.create_tags(account, &parameters.list("ResourceId"), &parameters.tags("Tag"))?;
    done()
}

pub(super) fn delete(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let keys: Vec<String> = parameters.tags("Tag").into_iter().map(|(key, _)| key).collect();
    world.delete_tags(account, &parameters.list("ResourceId"), &keys)?;
    done()
}
