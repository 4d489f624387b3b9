//! Allowed principals of endpoint services.

use super::answer::{ActionResult, elements, page, set, text};
use crate::{
    server::parameters::Parameters,
    world::{Ec2Error, Permission, PermissionType, World},
};

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let found = world.describe_permissions(account, parameters.require("ServiceId")?, &parameters.filters(), parameters.page()?)?;
    page("allowedPrincipals", &found, |permission| principal(permission, world.permission_type(&permission.id)))
}

pub(super) fn modify(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let (add, remove) = (parameters.list("AddAllowedPrincipals"), parameters.list("RemoveAllowedPrincipals"));
    let of = match parameters.get("PermissionType") {
        None | Some("vpc-endpoint") => PermissionType::VpcEndpoint,
        Some("transit-gateway-attachment") => PermissionType::TransitGatewayAttachment,
        Some(other) => return Err(Ec2Error::invalid_value(other, "PermissionType")),
    };
    let added = world.modify_permissions_of(of, account, parameters.require("ServiceId")?, &add, &remove)?;
    elements(set("addedPrincipalSet", &added, |permission| principal(permission, of)) + &text("return", "true"))
}

fn principal(permission: &Permission, of: PermissionType) -> String {
    text("principalType", &permission.principal_type)
        + &text("principal", &permission.principal)
        + &text("servicePermissionId", &permission.id)
        + &text("serviceId", &permission.service_id)
        + &text("permissionType", of.as_str())
}
