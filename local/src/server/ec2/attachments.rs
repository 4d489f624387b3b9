//! Network function attachments of transit gateways.

use super::answer::{ActionResult, Answer, element, elements, page, tags, text, texts, timestamp};
use crate::{
    server::parameters::Parameters,
    world::{Attachment, AttachmentChange, NewAttachment, World, Zones},
};

const NAME: &str = "transitGatewayNetworkFunctionAttachment";

pub(super) fn create(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let new = NewAttachment {
        transit_gateway_id: parameters.require("TransitGatewayId")?.to_owned(),
        zones: zones(parameters, ""),
        tags: parameters.new_tags(),
    };
    let (made, effects) = world.create_attachment(account, parameters.require("ServiceName")?, new)?;
    let described = world.describe_attachments(account, &[made.id], &[], &parameters.page()?)?;
    Ok(Answer { elements: described.items.iter().map(|item| element(NAME, &shape(item))).collect(), effects })
}

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let ids = parameters.list("TransitGatewayAttachmentId");
    let found = world.describe_attachments(account, &ids, &parameters.filters(), &parameters.page()?)?;
    page("transitGatewayNetworkFunctionAttachmentSet", &found, shape)
}

pub(super) fn modify(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let change = AttachmentChange { add: zones(parameters, "Add"), remove: zones(parameters, "Remove") };
    let changed = world.modify_attachment(account, parameters.require("TransitGatewayAttachmentId")?, change)?;
    elements(element(NAME, &shape(&changed)))
}

pub(super) fn delete(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let deleted = world.delete_attachment(account, parameters.require("TransitGatewayAttachmentId")?)?;
    elements(element(NAME, &shape(&deleted)))
}

fn zones(parameters: &Parameters, prefix: &str) -> Zones {
    let list = |name| parameters.list(&format!("{prefix}{name}"));
    Zones { names: list("AvailabilityZone"), ids: list("AvailabilityZoneId") }
}

fn shape((attachment, state): &(Attachment, String)) -> String {
    [
        text("transitGatewayAttachmentId", &attachment.id),
        text("transitGatewayId", &attachment.transit_gateway_id),
        text("transitGatewayOwnerId", &attachment.owner),
        text("resourceOwnerId", &attachment.owner),
        text("resourceId", &attachment.service_name),
        texts("availabilityZoneSet", &attachment.zones.names),
        texts("availabilityZoneIdSet", &attachment.zones.ids),
        text("state", state),
        timestamp("creationTime", attachment.created),
        tags(&attachment.tags),
    ]
    .concat()
}
