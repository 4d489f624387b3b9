//! One request in Cedar's terms: only the entities that it needs, which keeps a decision at microseconds however
//! many accounts the groups hold.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value, Schema};
use jiff::Timestamp;

use crate::model::organization::Member;
use crate::model::{facts::Facts, ids::AccountId, service::Service};
use crate::policy::{Groups, MissingFact};

/// A request and its entities, or why Cedar would not have them.
type Built = Result<(Request, Entities), String>;

pub(super) fn build(action: &str, facts: &Facts, groups: &Groups, schema: &Schema) -> Result<Built, MissingFact> {
    let account = facts.connection.owner.as_ref().ok_or(MissingFact::Owner)?;
    let created = facts.connection.created.ok_or(MissingFact::CreationTime)?;
    Ok(put_together(action, facts, account, created, groups, schema))
}

fn put_together(action: &str, facts: &Facts, account: &AccountId, created: Timestamp, groups: &Groups, schema: &Schema) -> Built {
    let principal = uid("PrivateLink::Account", account.as_str())?;
    let resource = uid("PrivateLink::EndpointService", facts.service.id.as_str())?;
    let action = uid("PrivateLink::Action", action)?;
    let member = facts.membership.known().unwrap_or_default();
    let entities = [asker(principal.clone(), groups.of(account), member)?, service(resource.clone(), &facts.service)?];
    let entities = Entities::from_entities(entities, Some(schema)).map_err(|error| error.to_string())?;
    let request = Request::new(principal, action, resource, context(facts, created)?, Some(schema)).map_err(|error| error.to_string())?;
    Ok((request, entities))
}

pub(super) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind: EntityTypeName = kind.parse().map_err(|error| format!("{error}"))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// The account that asks, in its groups and units.
fn asker(uid_of: EntityUid, groups: &[String], member: Option<&Member>) -> Result<Entity, String> {
    let units = member.iter().flat_map(|member| &member.units).map(|unit| uid("PrivateLink::OrganizationalUnit", unit));
    let parents = groups.iter().map(|name| uid("PrivateLink::AccountGroup", name)).chain(units).collect::<Result<HashSet<_>, _>>()?;
    let attributes = member.map(|member| {
        let name = member.name.iter().map(|name| ("name".to_owned(), text(name)));
        name.chain([("status".to_owned(), text(&member.state))]).collect::<HashMap<_, _>>()
    });
    Entity::new(uid_of, attributes.unwrap_or_default(), parents).map_err(|error| error.to_string())
}

pub(super) fn service(uid: EntityUid, service: &Service) -> Result<Entity, String> {
    let attributes = HashMap::from([
        ("region".to_owned(), text(service.region.as_str())),
        ("kind".to_owned(), text(&String::from(service.kind.clone()))),
    ]);
    let tags = service.tags.iter().map(|(key, value)| (key.clone(), text(value)));
    Entity::new_with_tags(uid, attributes, HashSet::new(), tags).map_err(|error| error.to_string())
}

fn context(facts: &Facts, created: Timestamp) -> Result<Context, String> {
    let mut pairs = vec![
        ("endpoint", endpoint(facts)?),
        (
            "connections",
            record([
                ("ofAccount", Value::new_long(facts.counts.of_account.into())),
                ("ofService", Value::new_long(facts.counts.of_service.into())),
            ])?,
        ),
        ("now", datetime(facts.now)),
        ("requestedAt", datetime(created)),
    ];
    if let Some(role) = facts.requester() {
        pairs.push(("requester", record([("role", text(role.as_str()))])?));
    }
    Context::from_pairs(pairs.into_iter().map(|(key, value)| (key.to_owned(), value))).map_err(|error| error.to_string())
}

fn endpoint(facts: &Facts) -> Result<Value, String> {
    let connection = &facts.connection;
    let mut pairs = vec![("id", text(connection.endpoint.as_str()))];
    if let Some(region) = &connection.region {
        pairs.push(("region", text(region.as_str())));
        pairs.push(("crossRegion", Value::new_bool(*region != facts.service.region)));
    }
    if let Some(kind) = &connection.ip_address_type {
        pairs.push(("ipAddressType", text(kind)));
    }
    record(pairs)
}

fn record<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Value, String> {
    Value::new_record(pairs.into_iter().map(|(key, value)| (key.to_owned(), value))).map_err(|error| error.to_string())
}

fn text(value: &str) -> Value {
    Value::new_string(value.to_owned())
}

/// Cedar's datetime has milliseconds.
fn datetime(at: Timestamp) -> Value {
    Value::new_datetime(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
