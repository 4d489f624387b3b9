//! Allowed principals of endpoint services.

use super::answer::{ActionResult, elements, page, set, text};
use crate::{
    server::parameters::Parameters,
    world::{Permission, World},
};

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let found = world.describe_permissions(account, parameters.require("ServiceId")?, &parameters.filters(), parameters.page()?)?;
    page("allowedPrincipals", &found, principal)
}

pub(super) fn modify(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let (add, remove) = (parameters.list("AddAllowedPrincipals"), parameters.list("RemoveAllowedPrincipals"));
    let added = world.modify_permissions(account, parameters.require("ServiceId")?, &add, &remove)?;
    elements(set("addedPrincipalSet", &added, principal) + &text("return", "true"))
}

fn principal(permission: &Permission) -> String {
    text("principalType", &permission.principal_type)
        + &text("principal", &permission.principal)
        + &text("servicePermissionId", &permission.id)
        + &text("serviceId", &permission.service_id)
}
